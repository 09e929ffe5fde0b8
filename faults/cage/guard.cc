#include "faults/cage/guard.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "faults/cage/contain.h"
#include "faults/cage/heal.h"
#include "faults/cage/keeper.h"
#include "faults/cage/limit_cgroup.h"

namespace poolproof::faults {
namespace {

constexpr long long kDeadlineGrace_ms = 5000;  // for a keeper that does not end at its deadline
constexpr int kHealGrace_ms = 2000;            // for a subreaper to kill what is inside

// Ctrl-C and hang-ups are for the harness, which then ends us in order. So we leave its session.
// Every other signal gets its default action again.
void leave_the_signals_of_the_harness() {
  ::setsid();
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGTTOU, SIGTTIN, SIGTSTP})
    ::signal(signal, SIG_IGN);
  sigset_t taken;
  sigemptyset(&taken);
  sigaddset(&taken, SIGTERM);
  sigaddset(&taken, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &taken, nullptr);
}

class Guard {
 public:
  explicit Guard(Keeper keeper) : keeper_(std::move(keeper)) {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    term_ = Fd(checked(::signalfd(-1, &term, SFD_CLOEXEC), "signalfd"));
    deadline_ = Fd(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create"));
  }

  int stand() {
    while (watch_once()) {
    }
    if (!reaped_) {
      ended_it_ = true;
      end_keeper();
    }
    // If a keeper that is a subreaper was killed, its processes become ours.
    Watch nobody([](const Exit&) {});
    kill_everything(Containment::kSubreaper, nobody);
    for (const std::string& group : groups_) remove_cgroup(group);
    if (!folder_.empty()) {
      std::error_code error;
      std::filesystem::remove_all(folder_, error);
    }
    return ended_it_ || (WIFEXITED(status_) && WEXITSTATUS(status_) == 0) ? 0 : 70;
  }

 private:
  // False: everything is over.
  bool watch_once() {
    enum { kHarness, kTerm, kKeeper, kDeadline, kTie };
    std::array<pollfd, 5> polled = {{{kHarnessFd, POLLRDHUP, 0},
                                     {term_.get(), POLLIN, 0},
                                     {keeper_.pidfd.get(), POLLIN, 0},
                                     {deadline_.get(), POLLIN, 0},
                                     {keeper_.tie.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) throw CallFailed("poll");
    if (polled[kTie].revents != 0) take_word();
    if (polled[kKeeper].revents != 0) {
      reap_keeper();
      return false;
    }
    return polled[kHarness].revents == 0 && polled[kTerm].revents == 0 &&
           polled[kDeadline].revents == 0;
  }

  void take_word() {
    const std::string said = hear(keeper_.tie);
    if (said.rfind(kTieFolder, 0) == 0) folder_ = said.substr(sizeof kTieFolder - 1);
    if (said.rfind(kTieGroup, 0) == 0) groups_.push_back(said.substr(sizeof kTieGroup - 1));
    if (said.rfind(kTieDeadline, 0) == 0)
      arm(std::stoll(said.substr(sizeof kTieDeadline - 1)) + kDeadlineGrace_ms);
    if (said.empty()) keeper_.tie.reset();  // its end follows; poll ignores a negative fd
  }

  void arm(long long ms) {
    itimerspec until{};
    until.it_value.tv_sec = ms / 1000;
    until.it_value.tv_nsec = ms % 1000 * 1'000'000;
    checked(::timerfd_settime(deadline_.get(), 0, &until, nullptr), "timerfd_settime");
  }

  // In a namespace everything inside ends with the keeper. A subreaper must first kill the
  // processes that only it can find; those that it does not kill in time become ours.
  void end_keeper() {
    if (keeper_.containment == Containment::kSubreaper) {
      keeper_.tie.reset();
      pollfd ended = {keeper_.pidfd.get(), POLLIN, 0};
      while (::poll(&ended, 1, kHealGrace_ms) < 0 && errno == EINTR) {
      }
    }
    ::kill(keeper_.pid, SIGKILL);  // it is a zombie at worst, because only we reap it
    reap_keeper();
  }

  void reap_keeper() {
    while (::waitpid(keeper_.pid, &status_, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    // Its last messages may name the folder.
    while (keeper_.tie) take_word();
  }

  Keeper keeper_;
  Fd term_;
  Fd deadline_;
  std::string folder_;
  std::vector<std::string> groups_;
  int status_ = 0;
  bool reaped_ = false;
  bool ended_it_ = false;
};

}  // namespace

int stand_guard(const GuardOptions& options) {
  // PDEATHSIG first, then the check of the parent: whenever the parent dies, one of the two shows
  // it.
  checked(::prctl(PR_SET_PDEATHSIG, SIGTERM), "prctl PDEATHSIG");
  leave_the_signals_of_the_harness();
  if (::getppid() != options.parent) return 0;
  checked(static_cast<int>(::syscall(SYS_close_range, kErrorsFd + 1U, ~0U, 0U)), "close_range");
  checked(::chdir("/"), "chdir /");
  // Only the processes of a subreaper can become ours; in a namespace they end with it.
  checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl CHILD_SUBREAPER");
  Keeper keeper = start_keeper(options.namespaces, live_as_keeper);
  ::close(kLineFd);
  ::close(kErrorsFd);
  return Guard(std::move(keeper)).stand();
}

}  // namespace poolproof::faults
