#include "fuzz/soak/meddler.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

namespace poolproof::fuzz::soak {
namespace {

using namespace std::chrono_literals;

constexpr int kHandled[] = {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGTSTP, SIGPIPE, SIGCHLD};
constexpr auto kTick = 100ms;

std::atomic<std::uint64_t> handled = 0;
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

extern "C" void count_signal(int) { ++handled; }

// A change that cannot be undone would be a bug here: the soak test could not continue.
void require(bool done) {
  if (!done) std::abort();
}

// Lowers the soft limit while it exists.
class Lowered {
 public:
  Lowered(__rlimit_resource resource, rlim_t to) : resource_(resource) {
    require(getrlimit(resource, &before_) == 0);
    rlimit lower = before_;
    lower.rlim_cur = std::min(before_.rlim_cur, to);
    require(setrlimit(resource, &lower) == 0);
  }
  ~Lowered() { require(setrlimit(resource_, &before_) == 0); }
  Lowered(const Lowered&) = delete;
  Lowered& operator=(const Lowered&) = delete;

 private:
  const __rlimit_resource resource_;
  rlimit before_{};
};

// What counts for RLIMIT_DATA now, in bytes.
rlim_t data_now() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages[6] = {};
  for (rlim_t& each : pages) statm >> each;
  return pages[5] * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void handle_signals() {
  setpgid(0, 0);  // fails if it is already the case
  struct sigaction action {};
  action.sa_handler = count_signal;  // without SA_RESTART: calls are interrupted
  for (const int number : kHandled) require(sigaction(number, &action, nullptr) == 0);
}

std::uint64_t signals_handled() { return handled; }

bool Meddler::has_rights() { return getuid() == 0 && geteuid() == 0; }

void Meddler::run(const std::atomic<bool>& stop) {
  while (!stop) {
    std::this_thread::sleep_for(kTick);  // a pause, and nothing more
    tick();
  }
}

void Meddler::tick() {
  const std::uint64_t die = below(100);
  if (die < 40) {
    signal_program();
  } else if (die < 70) {
    signal_group();
  } else if (die < 85) {
    lower_a_limit();
  } else if (has_rights()) {
    give_up_rights();
  }
}

std::chrono::milliseconds Meddler::a_while() {
  return below(30) == 0 ? 4000ms : std::chrono::milliseconds(5 + below(200));
}

void Meddler::signal_program() {
  const int number = kHandled[below(std::size(kHandled))];
  ++told_[std::string("SIG") + sigabbrev_np(number) + ", to the program"];
  kill(getpid(), number);
}

void Meddler::signal_group() {
  const std::uint64_t die = below(40);
  if (die == 0) {  // also to workers that have begun nothing yet; three such deaths end a pool
    clerk_.expect_no_spawns(std::chrono::steady_clock::now());
    clerk_.strike_all(Blow::kTerm);
  } else if (die < 10) {
    clerk_.strike_all(Blow::kSuspend);
    std::this_thread::sleep_for(std::chrono::milliseconds(below(100)));
    clerk_.strike_all(Blow::kThaw);
  } else {
    constexpr Blow kIgnored[] = {Blow::kInterrupt, Blow::kQuit, Blow::kHangUp, Blow::kChild};
    clerk_.strike_all(kIgnored[below(std::size(kIgnored))]);
  }
}

void Meddler::lower_a_limit() {
  const auto time = a_while();
  clerk_.expect_no_spawns(std::chrono::steady_clock::now() + time);
  switch (below(4)) {
    case 0: {
      ++told_["lower limit of descriptors"];
      clerk_.expect_no_look(std::chrono::steady_clock::now() + time);
      {
        const auto held = clerk_.hold_descriptors();
        const Lowered lowered(RLIMIT_NOFILE, 3 + below(40));
        std::this_thread::sleep_for(time);
      }
      clerk_.expect_no_look(std::chrono::steady_clock::now());
      break;
    }
    case 1: {
      ++told_["lower limit of processes"];
      const Lowered lowered(RLIMIT_NPROC, 1);
      std::this_thread::sleep_for(time);
      break;
    }
    case 2: {
      // Enough for the soak test itself; its workers inherit it.
      ++told_["lower limit of memory"];
      rlim_t now = 0;
      {
        const auto use = clerk_.use_descriptors();
        now = data_now();
      }
      const Lowered lowered(RLIMIT_DATA, now + (rlim_t{512} << 20));
      std::this_thread::sleep_for(time);
      break;
    }
    default: {
      ++told_["lower limit of file sizes"];
      const Lowered lowered(RLIMIT_FSIZE, 0);
      std::this_thread::sleep_for(time);
    }
  }
}

void Meddler::give_up_rights() {
  const auto time = a_while();
  clerk_.expect_no_spawns(std::chrono::steady_clock::now() + time);
  if (below(2) == 0) {
    // Workers that were started now would have other rights than the program, so none is started.
    ++told_["rights given up: effective user"];
    require(seteuid(kNobody) == 0);
    std::this_thread::sleep_for(time);
    require(seteuid(0) == 0);
  } else {
    // It may not signal the workers that it has. Those that it starts now belong to user nobody.
    ++told_["rights given up: user"];
    require(setresuid(kNobody, kNobody, 0) == 0);
    std::this_thread::sleep_for(time);
    require(setresuid(0, 0, 0) == 0);
  }
}

}  // namespace poolproof::fuzz::soak
