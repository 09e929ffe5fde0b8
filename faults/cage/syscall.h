// One system call of a traced thread that has stopped before it: which call, its arguments, and how
// to replace it. Only this code knows the registers of a machine.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace poolproof::faults {

struct Syscall {
  long number = -1;
  std::array<std::uint64_t, 6> arguments{};
};

std::string name_of_call(long number);  // "": there is no such call

// A filter that stops the calls of these names for a tracer, except futexes in private memory.
// Leaves out calls that this architecture does not have. All other calls cost a fraction of a
// microsecond more. Throws CallFailed.
std::vector<sock_filter> filter_for(const std::vector<std::string>& calls);

// For a thread that has stopped at a seccomp stop. These functions throw CallFailed (ESRCH: it
// died).
Syscall read_syscall(pid_t tid);
void replace_syscall(pid_t tid, const Syscall& syscall);  // with another number or other arguments
void skip_syscall(pid_t tid, long result);                // the call is not made, and returns this
// For a thread that has stopped after a call: the result; a negative errno if it failed.
long read_result(pid_t tid);
// ... and restores an argument that was replaced, because programs may use the register again.
void restore_argument(pid_t tid, int argument, std::uint64_t value);

// The address at which a stopped thread will continue.
std::uint64_t instruction_pointer(pid_t tid);
void set_instruction_pointer(pid_t tid, std::uint64_t address);

// A trap instruction, and how many bytes after it a thread stops that has run into it.
extern const std::string kBreakpoint;
extern const std::uint64_t kBehindBreakpoint;

// Which of its arguments is the number of bytes, for calls that have one; -1: none.
int byte_argument(const std::string& call);
// Which of its arguments points to the list of buffers (writev and readv: an iovec; sendmsg and
// recvmsg: a msghdr); -1: none.
int list_argument(const std::string& call);
bool first_argument_is_descriptor(const std::string& call);

}  // namespace poolproof::faults
