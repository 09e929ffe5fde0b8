#include "faults/cage/syscall.h"

#include <elf.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <set>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

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

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

// libseccomp's functions return 0, or a negative errno.
void require(int done, const char* call) {
  errno = -done;
  if (done != 0) throw CallFailed(call);
}

}  // namespace

std::string name_of_call(long number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number)), &std::free);
  return name ? name.get() : "";
}

std::vector<sock_filter> filter_for(const std::vector<std::string>& calls) {
  const std::unique_ptr<void, Release> rules(seccomp_init(SCMP_ACT_ALLOW));
  require(rules ? 0 : -ENOMEM, "seccomp_init");
  require(seccomp_attr_set(rules.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW),
          "seccomp_attr_set");
  for (const std::string& call : std::set<std::string>(calls.begin(), calls.end())) {
    const int number = seccomp_syscall_resolve_name(call.c_str());
    if (number < 0) continue;  // newer architectures have no `poll`, `fork` and similar calls
    // A futex in private memory cannot concern another process.
    const scmp_arg_cmp shared = SCMP_A1(SCMP_CMP_MASKED_EQ, FUTEX_PRIVATE_FLAG, 0);
    require(seccomp_rule_add_array(rules.get(), SCMP_ACT_TRACE(0), number,
                                   number == SYS_futex ? 1 : 0, &shared),
            "seccomp_rule_add");
  }
  // A child will install it, so it is needed as a value. This version writes it only to a file.
  const Fd file(checked(memfd_create("filter", MFD_CLOEXEC), "memfd_create"));
  require(seccomp_export_bpf(rules.get(), file.get()), "seccomp_export_bpf");
  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::vector<sock_filter> filter(static_cast<std::size_t>(size) / sizeof(sock_filter));
  if (pread(file.get(), filter.data(), static_cast<std::size_t>(size), 0) != size)
    throw CallFailed("pread of the filter");
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
