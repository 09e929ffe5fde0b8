#include "faults/cage/syscall.h"

#include <elf.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

struct Named {
  const char* name;
  long number;
};

// Newer architectures have no `poll`, `fork` and similar calls: their C libraries use the general
// call.
constexpr Named kNumbers[] = {
#ifdef SYS_poll
    {"poll", SYS_poll},
    {"select", SYS_select},
    {"epoll_wait", SYS_epoll_wait},
    {"fork", SYS_fork},
    {"vfork", SYS_vfork},
    {"dup2", SYS_dup2},
    {"unlink", SYS_unlink},
#endif
    {"read", SYS_read},
    {"write", SYS_write},
    {"readv", SYS_readv},
    {"writev", SYS_writev},
    {"recvfrom", SYS_recvfrom},
    {"sendto", SYS_sendto},
    {"recvmsg", SYS_recvmsg},
    {"sendmsg", SYS_sendmsg},
    {"ppoll", SYS_ppoll},
    {"epoll_pwait", SYS_epoll_pwait},
    {"pselect6", SYS_pselect6},
    {"futex", SYS_futex},
    {"close", SYS_close},
    {"execve", SYS_execve},
    {"wait4", SYS_wait4},
    {"waitid", SYS_waitid},
    {"openat", SYS_openat},
    {"exit_group", SYS_exit_group},
    {"pipe2", SYS_pipe2},
    {"socketpair", SYS_socketpair},
    {"mmap", SYS_mmap},
    {"memfd_create", SYS_memfd_create},
    {"clone", SYS_clone},
    {"ftruncate", SYS_ftruncate},
    {"clone3", SYS_clone3},
    {"eventfd2", SYS_eventfd2},
    {"dup3", SYS_dup3},
    {"fsync", SYS_fsync},
    {"socket", SYS_socket},
    {"connect", SYS_connect},
    {"accept4", SYS_accept4},
    {"epoll_create1", SYS_epoll_create1},
};

// The layout of the kernel's struct ptrace_syscall_info at a seccomp stop. Debian 12's libc has it
// only under its own name.
struct StopInfo {
  std::uint8_t op;
  std::uint8_t pad[3];
  std::uint32_t arch;
  std::uint64_t instruction_pointer;
  std::uint64_t stack_pointer;
  std::uint64_t number;
  std::uint64_t arguments[6];
  std::uint32_t filter_data;
};
constexpr int kGetSyscallInfo = 0x420e;
constexpr std::uint8_t kAtSeccomp = 3;

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
using Registers = user_regs_struct;
unsigned long long& number_in(Registers& registers) { return registers.orig_rax; }
unsigned long long& result_in(Registers& registers) { return registers.rax; }
unsigned long long& pointer_in(Registers& registers) { return registers.rip; }
unsigned long long& argument_in(Registers& registers, std::size_t i) {
  switch (i) {
    case 0:
      return registers.rdi;
    case 1:
      return registers.rsi;
    case 2:
      return registers.rdx;
    case 3:
      return registers.r10;
    case 4:
      return registers.r8;
    default:
      return registers.r9;
  }
}
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
using Registers = user_pt_regs;
unsigned long long& result_in(Registers& registers) { return registers.regs[0]; }
unsigned long long& pointer_in(Registers& registers) { return registers.pc; }
unsigned long long& argument_in(Registers& registers, std::size_t i) { return registers.regs[i]; }
#else
#error "the syscall door knows the registers of x86_64 and aarch64; add those of this machine here"
#endif

Registers read_registers(pid_t tid) {
  Registers registers{};
  iovec whole{&registers, sizeof registers};
  if (::ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &whole) != 0)
    throw CallFailed("ptrace GETREGSET");
  return registers;
}

void write_registers(pid_t tid, Registers& registers) {
  iovec whole{&registers, sizeof registers};
  if (::ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &whole) != 0)
    throw CallFailed("ptrace SETREGSET");
}

void write_number(pid_t tid, Registers& registers, long number) {
#if defined(__x86_64__)
  static_cast<void>(tid);
  number_in(registers) = static_cast<unsigned long long>(number);
#else
  static_cast<void>(registers);
  int word = static_cast<int>(number);
  iovec whole{&word, sizeof word};
  if (::ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &whole) != 0)
    throw CallFailed("ptrace SETREGSET of the system call");
#endif
}

sock_filter statement(unsigned code, std::uint32_t value) {
  return BPF_STMT(static_cast<std::uint16_t>(code), value);
}

sock_filter jump_if_equal(std::uint32_t value, std::size_t yes, std::size_t no) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<std::uint8_t>(yes),
                  static_cast<std::uint8_t>(no));
}

}  // namespace

long number_of_call(const std::string& name) {
  for (const Named& named : kNumbers)
    if (name == named.name) return named.number;
  return -1;
}

std::string name_of_call(long number) {
  for (const Named& named : kNumbers)
    if (number == named.number) return named.name;
  return "";
}

std::vector<sock_filter> filter_for(const std::vector<std::string>& calls) {
  constexpr auto kLoad = BPF_LD | BPF_W | BPF_ABS;
  std::vector<long> plain;
  bool futex = false;
  for (const std::string& call : calls) {
    const long number = number_of_call(call);
    if (number == SYS_futex)
      futex = true;
    else if (number >= 0)
      plain.push_back(number);
  }
  const auto load_low = [](std::size_t offset) {  // all our machines keep the low half first
    return statement(kLoad, static_cast<std::uint32_t>(offset));
  };
  std::vector<sock_filter> filter = {
      load_low(offsetof(seccomp_data, arch)), jump_if_equal(kArchitecture, 1, 0),
      statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), load_low(offsetof(seccomp_data, nr))};
  if (futex) {  // a futex in private memory cannot concern another process
    filter.push_back(jump_if_equal(SYS_futex, 0, 4));
    filter.push_back(load_low(offsetof(seccomp_data, args) + sizeof(std::uint64_t)));
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FUTEX_PRIVATE_FLAG, 1, 0));
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  for (std::size_t i = 0; i < plain.size(); ++i)
    filter.push_back(jump_if_equal(static_cast<std::uint32_t>(plain[i]), plain.size() - i, 0));
  filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  return filter;
}

Syscall read_syscall(pid_t tid) {
  StopInfo info{};
  if (::ptrace(static_cast<__ptrace_request>(kGetSyscallInfo), tid, sizeof info, &info) < 0)
    throw CallFailed("ptrace GET_SYSCALL_INFO");
  Syscall syscall;
  if (info.op != kAtSeccomp) return syscall;
  syscall.number = static_cast<long>(info.number);
  std::copy(std::begin(info.arguments), std::end(info.arguments), syscall.arguments.begin());
  return syscall;
}

void replace_syscall(pid_t tid, const Syscall& syscall) {
  Registers registers = read_registers(tid);
  write_number(tid, registers, syscall.number);
  for (std::size_t i = 0; i < syscall.arguments.size(); ++i)
    argument_in(registers, i) = syscall.arguments.at(i);
  write_registers(tid, registers);
}

void skip_syscall(pid_t tid, long result) {
  Registers registers = read_registers(tid);
  write_number(tid, registers, -1);
  result_in(registers) = static_cast<unsigned long long>(result);
  write_registers(tid, registers);
}

long read_result(pid_t tid) {
  Registers registers = read_registers(tid);
  return static_cast<long>(result_in(registers));
}

void restore_argument(pid_t tid, int argument, std::uint64_t value) {
  Registers registers = read_registers(tid);
  argument_in(registers, static_cast<std::size_t>(argument)) = value;
  write_registers(tid, registers);
}

std::uint64_t instruction_pointer(pid_t tid) {
  Registers registers = read_registers(tid);
  return pointer_in(registers);
}

void set_instruction_pointer(pid_t tid, std::uint64_t address) {
  Registers registers = read_registers(tid);
  pointer_in(registers) = address;
  write_registers(tid, registers);
}

#if defined(__x86_64__)
const std::string kBreakpoint = "\xcc";
const std::uint64_t kBehindBreakpoint = 1;
#else
const std::string kBreakpoint("\x00\x00\x20\xd4", 4);  // brk #0
const std::uint64_t kBehindBreakpoint = 0;
#endif

int byte_argument(const std::string& call) {
  return call == "read" || call == "write" || call == "recvfrom" || call == "sendto" ? 2 : -1;
}

int list_argument(const std::string& call) {
  return call == "readv" || call == "writev" || call == "recvmsg" || call == "sendmsg" ? 1 : -1;
}

bool first_argument_is_descriptor(const std::string& call) {
  static const std::vector<std::string> kOnes = {
      "read",      "write",   "readv",   "writev", "recvfrom",   "sendto",
      "recvmsg",   "sendmsg", "close",   "fsync",  "epoll_wait", "epoll_pwait",
      "ftruncate", "connect", "accept4", "dup2",   "dup3"};
  return std::find(kOnes.begin(), kOnes.end(), call) != kOnes.end();
}

}  // namespace poolproof::faults
