// One system call of a traced thread that stands before it: which it is, its arguments, and how it
// is turned into another. The only code that knows the registers of a machine.
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

// The number of a call by its name; -1: this machine has none of that name.
long number_of_call(const std::string& name);
std::string name_of_call(long number);  // "": none that we strike

// Stops the calls of these names for a tracer, but futexes in private memory; all others cost a
// fraction of a microsecond.
std::vector<sock_filter> filter_for(const std::vector<std::string>& calls);

// Of a thread that stands at a seccomp stop. Throw CallFailed (ESRCH: it died meanwhile).
Syscall read_syscall(pid_t tid);
void replace_syscall(pid_t tid, const Syscall& syscall);  // by another number or arguments
void skip_syscall(pid_t tid, long result);                // it is not made, and returns this
// Of a thread that stands where a call has returned: its result, negative errno included.
long read_result(pid_t tid);
// ... and puts back an argument that was replaced: programs may use the register again.
void restore_argument(pid_t tid, int argument, std::uint64_t value);

// Where a thread that stands will go on.
std::uint64_t instruction_pointer(pid_t tid);
void set_instruction_pointer(pid_t tid, std::uint64_t address);

// A trap in the program, and how far behind it a thread stands that ran into it.
extern const std::string kBreakpoint;
extern const std::uint64_t kBehindBreakpoint;

// Which of its arguments counts its bytes, for calls that have such; -1: none.
int byte_argument(const std::string& call);
// Which of its arguments points to the list of what it moves (writev and readv: an iovec; sendmsg
// and recvmsg: a msghdr); -1: none.
int list_argument(const std::string& call);
bool first_argument_is_descriptor(const std::string& call);

}  // namespace poolproof::faults
