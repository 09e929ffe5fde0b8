// What a thread waits for, as text for a person: made from its state, /proc/PID/task/TID/syscall
// and wchan. Pure.
#pragma once

#include <functional>
#include <string>

namespace poolproof::faults {

struct ThreadWait {
  char state = '?';
  std::string syscall;    // "202 0x7f.. 0x80 0x0 0x0 ...", "running", "-1 0x.. 0x.."
  int syscall_error = 0;  // errno if the file could not be read
  std::string wchan;      // "futex_do_wait", "0" or "" if unknown
};

// For such a line of `syscall`: is it a call that waits until another process does something? False
// for every call that is not known to do so.
bool has_no_limit(const std::string& syscall);

// `target_of` returns what a descriptor of that process refers to ("pipe:[12]"); "" if unknown.
std::string wait_words(const ThreadWait& thread, const std::function<std::string(int)>& target_of);

}  // namespace poolproof::faults
