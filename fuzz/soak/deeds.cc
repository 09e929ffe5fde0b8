#include "fuzz/soak/deeds.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

namespace poolproof::fuzz::soak {
namespace {

std::uint64_t mix(std::uint64_t x) {  // the finalizer of splitmix64
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

Identity self() {
  static const Identity found = [] {
    const auto stat = faults::read_stat(getpid());
    if (!stat) std::abort();
    return stat->identity();
  }();
  return found;
}

void note(const std::string& ledger, Mark mark, Serial task) {
  const std::string text = to_text({mark, task, self()}) + "\n";
  const int fd = open(ledger.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const auto size = static_cast<ssize_t>(text.size());
  if (fd < 0 || write(fd, text.data(), text.size()) != size) std::abort();
  close(fd);
}

void take_all_memory() {
  std::vector<Payload> held;
  while (true) held.emplace_back().reserve(std::size_t{8} << 20);  // mapping it is enough
}

void take_all_memory_and_let_nothing_out() noexcept { take_all_memory(); }

void drop_rights() {
  if (geteuid() != 0) return;
  if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
      setresuid(kNobody, kNobody, kNobody) != 0) {
    std::abort();
  }
}

void change_signals() {
  for (const int number : {SIGTERM, SIGPIPE, SIGCHLD}) signal(number, SIG_IGN);
  for (const int number : {SIGINT, SIGQUIT, SIGHUP}) signal(number, SIG_DFL);
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGTSTP);
  pthread_sigmask(SIG_BLOCK, &some, nullptr);
}

void lower_limit(__rlimit_resource resource, rlim_t to) {
  rlimit limit{};
  getrlimit(resource, &limit);
  limit.rlim_cur = std::min(limit.rlim_cur, to);
  setrlimit(resource, &limit);
}

void lower_limits() {
  lower_limit(RLIMIT_NOFILE, 16);
  lower_limit(RLIMIT_FSIZE, 0);
  lower_limit(RLIMIT_NPROC, 1);
  if (!kSanitized) lower_limit(RLIMIT_DATA, std::size_t{64} << 20);
}

void close_descriptors() {
  for (int fd = 3; fd <= 64; ++fd) close(fd);
}

// Does not return if the deed ends the process.
void commit(Deed deed) {
  switch (deed) {
    case Deed::kWork:
      return;
    case Deed::kSegv:
      raise(SIGSEGV);
      return;
    case Deed::kExit:
      _exit(kExitCode);
    case Deed::kStarve:
      take_all_memory();
      return;
    case Deed::kStarveAborts:
      take_all_memory_and_let_nothing_out();
      return;
    case Deed::kStarveKilled:
      try {
        take_all_memory();
      } catch (const std::bad_alloc&) {
        raise(SIGKILL);
      }
      return;
    case Deed::kHang:
      while (true) pause();
    case Deed::kCloses:
      return close_descriptors();
    case Deed::kDropsRights:
      return drop_rights();
    case Deed::kSignals:
      return change_signals();
    case Deed::kLimits:
      return lower_limits();
    case Deed::kLarge:
      std::abort();  // it never gets here
  }
}

}  // namespace

std::string to_string(Deed deed) {
  switch (deed) {
    case Deed::kWork:
      return "work";
    case Deed::kSegv:
      return "segfault";
    case Deed::kExit:
      return "exit";
    case Deed::kStarve:
      return "starved, bad_alloc";
    case Deed::kStarveAborts:
      return "starved, abort";
    case Deed::kStarveKilled:
      return "starved, killed";
    case Deed::kHang:
      return "hang";
    case Deed::kCloses:
      return "closes descriptors";
    case Deed::kLarge:
      return "argument beyond its memory";
    case Deed::kDropsRights:
      return "drops its rights";
    case Deed::kSignals:
      return "changes its signals";
    case Deed::kLimits:
      return "lowers its limits";
  }
  return "?";
}

std::string to_text(const Line& line) {
  return std::string(1, static_cast<char>(line.mark)) + " " + std::to_string(line.task) + " " +
         std::to_string(line.worker.pid) + " " + std::to_string(line.worker.start);
}

std::optional<Line> parse_line(std::string_view text) {
  Line line;
  if (text.size() < 2 || std::strchr("BFE", text[0]) == nullptr) return std::nullopt;
  line.mark = static_cast<Mark>(text[0]);
  const char* at = text.data() + 1;
  const char* const end = text.data() + text.size();
  const auto number = [&](auto& value) {
    if (at == end || *at != ' ') return false;
    const auto [stop, error] = std::from_chars(at + 1, end, value);
    at = stop;
    return error == std::errc();
  };
  if (!number(line.task) || !number(line.worker.pid) || !number(line.worker.start) || at != end) {
    return std::nullopt;
  }
  return line;
}

Payload payload_of(Serial task, std::size_t size) {
  Payload payload(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mix(task * 1'000'003 + at);
    std::memcpy(payload.data() + at, &word, std::min(sizeof(word), size - at));
  }
  return payload;
}

Payload perform(const std::string& ledger, Serial task, Deed deed, std::uint32_t rounds,
                std::uint32_t result_bytes, const Payload& argument) {
  note(ledger, Mark::kBegin, task);
  if (argument != payload_of(task, argument.size())) {
    throw std::logic_error("the argument did not arrive as it was sent");
  }
  if (deed != Deed::kWork) {
    note(ledger, Mark::kFault, task);
    commit(deed);
  }
  std::uint64_t sum = task;
  for (std::uint32_t round = 0; round < rounds; ++round) sum = mix(sum);
  Payload result = payload_of(task, result_bytes);
  if (sum == 0) result.clear();  // never true; so that the compiler keeps the rounds
  note(ledger, Mark::kEnd, task);
  return result;
}

}  // namespace poolproof::fuzz::soak
