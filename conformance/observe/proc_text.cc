#include "conformance/observe/proc_text.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

namespace poolproof::hang {
namespace {

constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\n", at)) != std::string::npos) {
    const std::size_t end = std::min(text.find_first_of(" \t\n", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

template <class Visit>  // visit(line)
void each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

template <class Number>
bool read_number(std::string_view word, Number& number, int radix = 10) {
  if (word.starts_with("0x")) {
    word.remove_prefix(2);
    radix = 16;
  }
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, radix);
  return error == std::errc{} && end == word.data() + word.size();
}

Object object_of(const std::string& link) {
  using Kind = Object::Kind;
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {
      {"pipe:[", Kind::pipe},
      {"socket:[", Kind::socket},
      {"anon_inode:[eventfd]", Kind::eventfd},
      {"anon_inode:[timerfd]", Kind::timerfd},
      {"anon_inode:[eventpoll]", Kind::epoll},
      {"anon_inode:[pidfd]", Kind::pidfd},
      {"pidfd:[", Kind::pidfd},
      {"anon_inode:[signalfd]", Kind::signalfd},
      {"anon_inode:[io_uring]", Kind::io_uring},
      {"/dev/pts/", Kind::terminal},
      {"/dev/tty", Kind::terminal},
      {"/dev/console", Kind::terminal},
  };
  for (const auto& [start, kind] : kKinds)
    if (link.starts_with(start)) return {kind, link};
  return {link.starts_with("/") ? Kind::file : Kind::other, link};
}

EpollMember member_of(const std::vector<std::string_view>& words) {
  EpollMember member;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "tfd:") read_number(words[i + 1], member.fd);
    if (words[i] == "events:") read_number(words[i + 1], member.events, 16);
  }
  for (const std::string_view word : words)
    if (word.starts_with("ino:")) read_number(word.substr(4), member.inode, 16);
  return member;
}

}  // namespace

std::optional<StatText> parse_stat(std::string_view text) {
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  StatText stat;
  stat.name = text.substr(open + 1, close - open - 1);  // it may contain spaces and parentheses
  const auto words = words_of(text.substr(close + 1));
  if (words.size() < 20) return std::nullopt;
  stat.state = words[0].front();
  std::uint64_t flags = 0;
  if (!read_number(words[1], stat.parent) || !read_number(words[2], stat.group) ||
      !read_number(words[3], stat.session) || !read_number(words[6], flags) ||
      !read_number(words[19], stat.start))
    return std::nullopt;
  stat.kernel = (flags & kKernelThread) != 0;
  if (words.size() > 49) read_number(words[49], stat.exit_status);
  return stat;
}

StatusText parse_status(std::string_view text) {
  StatusText status;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2) return;
    std::uint64_t switches = 0;
    if (words[0] == "TracerPid:") read_number(words[1], status.tracer);
    if (words[0] == "Uid:") read_number(words[1], status.uid);
    if (words[0] == "NSpid:") read_number(words.back(), status.inner);
    if (words[0] == "NSpgid:") read_number(words.back(), status.inner_group);
    if (words[0] == "SigPnd:") read_number(words[1], status.pending, 16);
    if (words[0] == "ShdPnd:") read_number(words[1], status.pending_for_all, 16);
    if (words[0] == "SigBlk:") read_number(words[1], status.blocked, 16);
    if (words[0] == "SigIgn:") read_number(words[1], status.ignored, 16);
    if (words[0] == "SigCgt:") read_number(words[1], status.caught, 16);
    if (words[0].ends_with("voluntary_ctxt_switches:") && read_number(words[1], switches))
      status.switches += switches;
  });
  return status;
}

std::optional<CallText> parse_syscall(std::string_view text) {
  const auto words = words_of(text);
  CallText call;
  if (words.empty()) return std::nullopt;
  if (words[0] == "running") {
    call.running = true;
    return call;
  }
  if (!read_number(words[0], call.number)) return std::nullopt;
  if (call.number < 0) return call;
  if (words.size() < 7) return std::nullopt;
  for (std::size_t i = 0; i < call.arguments.size(); ++i)
    if (!read_number(words[i + 1], call.arguments[i])) return std::nullopt;
  return call;
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_schedstat(std::string_view text) {
  const auto words = words_of(text);
  std::pair<std::uint64_t, std::uint64_t> numbers;
  if (words.size() < 3 || !read_number(words[0], numbers.first) ||
      !read_number(words[2], numbers.second))
    return std::nullopt;
  return numbers;
}

Descriptor parse_descriptor(int fd, const std::string& link, std::string_view fdinfo) {
  Descriptor descriptor;
  descriptor.fd = fd;
  descriptor.object = object_of(link);
  std::string eventfd_id;
  each_line(fdinfo, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2) return;
    int flags = 0;
    if (words[0] == "flags:" && read_number(words[1], flags, 8)) {
      const int mode = flags & O_ACCMODE;
      descriptor.reads = mode == O_RDONLY || mode == O_RDWR;
      descriptor.writes = mode == O_WRONLY || mode == O_RDWR;
      descriptor.kept_at_exec = (flags & O_CLOEXEC) == 0;
      descriptor.signals_when_ready = (flags & O_ASYNC) != 0;
    }
    if (words[0] == "ino:") read_number(words[1], descriptor.inode);
    if (words[0] == "eventfd-id:") eventfd_id = words[1];
    if (words[0] == "Pid:") read_number(words[1], descriptor.target);
    if (words[0] == "scm_fds:") read_number(words[1], descriptor.descriptors_in_queue);
    if (words[0] == "tfd:") descriptor.members.push_back(member_of(words));
    // "it_value: (seconds, nanoseconds)": both are 0 when it is not set
    if (words[0] == "it_value:")
      descriptor.armed = words.size() < 3 || line.find("(0, 0)") == std::string::npos;
  });
  // All eventfds share one inode; only this number distinguishes them.
  if (descriptor.object.kind == Object::Kind::eventfd)
    descriptor.object.name = eventfd_id.empty() ? "" : "eventfd:" + eventfd_id;
  return descriptor;
}

std::vector<SharedMap> parse_maps(std::string_view text) {
  std::vector<SharedMap> maps;
  each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);  // begin-end perms offset device inode path
    if (words.size() < 5 || words[1].size() < 4 || words[1][3] != 's') return;
    const std::size_t dash = words[0].find('-');
    SharedMap map;
    if (dash == std::string::npos || !read_number(words[0].substr(0, dash), map.begin, 16) ||
        !read_number(words[0].substr(dash + 1), map.end, 16) ||
        !read_number(words[2], map.offset, 16))
      return;
    map.device_inode = std::string(words[3]) + " " + std::string(words[4]);
    if (words.size() > 5)
      map.path = line.substr(static_cast<std::size_t>(words[5].data() - line.data()));
    maps.push_back(std::move(map));
  });
  return maps;
}

std::vector<FileLock> parse_locks(std::string_view text) {
  std::vector<FileLock> locks;
  each_line(text, [&](std::string_view line) {
    auto words = words_of(line);  // "1: -> FLOCK ADVISORY WRITE 12 00:1f:99 0 EOF"
    FileLock lock;
    if (words.size() > 1 && words[1] == "->") {
      lock.waits = true;
      words.erase(words.begin() + 1);
    }
    if (words.size() < 6) return;
    const std::size_t colon = words[5].rfind(':');
    if (colon == std::string::npos || !read_number(words[4], lock.pid) ||
        !read_number(words[5].substr(colon + 1), lock.inode))
      return;
    locks.push_back(lock);
  });
  return locks;
}

std::optional<bool> has_interval_timer(std::string_view timer_list) {
  if (timer_list.find(", tick_") == std::string::npos &&
      timer_list.find(", hrtimer_wakeup") == std::string::npos)
    return std::nullopt;
  return timer_list.find("it_real_fn") != std::string::npos;
}

std::string parse_cmdline(std::string_view text, std::size_t most) {
  std::string line(text);
  while (!line.empty() && line.back() == '\0') line.pop_back();
  // A program may have any name; control characters in it must not reach a terminal.
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (line.size() > most) line = line.substr(0, most - 3) + "...";
  return line;
}

}  // namespace poolproof::hang
