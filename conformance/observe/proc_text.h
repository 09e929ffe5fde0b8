// Parsers for the texts of /proc. Pure; a text that is not as expected gives nullopt or nothing.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/observe/look.h"

namespace poolproof::hang {

struct StatText {
  std::string name;
  char state = '?';
  pid_t parent = 0, group = 0, session = 0;
  bool kernel = false;  // a kernel thread
  std::uint64_t start = 0;
  int exit_status = 0;
};
std::optional<StatText> parse_stat(std::string_view text);

struct StatusText {
  pid_t tracer = 0;
  std::uint64_t pending = 0, pending_for_all = 0, blocked = 0, ignored = 0, caught = 0;
  std::uint64_t switches = 0;
  unsigned uid = 0;
  pid_t inner = 0, inner_group = 0;  // in the innermost PID namespace
};
StatusText parse_status(std::string_view text);

struct CallText {
  bool running = false;
  long number = -1;  // -1: stopped outside of a call
  std::array<std::uint64_t, 6> arguments{};
};
std::optional<CallText> parse_syscall(std::string_view text);

// run time in ns, and how often it ran on a processor
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_schedstat(std::string_view text);

// The descriptor of `link` (readlink of /proc/PID/fd/N) and the text of its fdinfo.
Descriptor parse_descriptor(int fd, const std::string& link, std::string_view fdinfo);

std::vector<SharedMap> parse_maps(std::string_view text);
std::vector<FileLock> parse_locks(std::string_view text);

// Whether an interval timer (setitimer, alarm) is in /proc/timer_list; nullopt if this kernel does
// not name what its timers do.
std::optional<bool> has_interval_timer(std::string_view timer_list);

// "name and first arguments" of /proc/PID/cmdline
std::string parse_cmdline(std::string_view text, std::size_t most = 80);

}  // namespace poolproof::hang
