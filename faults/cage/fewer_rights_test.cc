// The cage with fewer rights: as an ordinary user, and on a machine that allows no namespace.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>

#include "faults/cage/attempt_for_test.h"

namespace poolproof::faults {
namespace {

namespace fs = std::filesystem;

const char* const kPrograms[] = {"cage_test", "cage_test_body", "cage_test_harness",
                                 "poolproof_cage"};
const char* const kAsUser = "setpriv --reuid=1000 --regid=1000 --clear-groups ";

// The tree may be where uid 1000 cannot read it, so the programs are copied to a readable place.
class ReadableCopy {
 public:
  ReadableCopy() {
    std::string pattern = "/tmp/cage-user-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw CallFailed("mkdtemp " + pattern);
    path_ = pattern;
    checked(::chmod(path_.c_str(), 0755), "chmod " + pattern);
    for (const char* program : kPrograms) {
      fs::copy_file(program_beside_this(program), path_ / program);
      fs::permissions(path_ / program, fs::perms(0755));
    }
  }
  ~ReadableCopy() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Ran {
  int status = 0;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* out = ::popen((command + " 2>&1").c_str(), "r");
  if (out == nullptr) throw CallFailed("popen " + command);
  char buffer[4096];
  while (const std::size_t got = ::fread(buffer, 1, sizeof buffer, out))
    ran.output.append(buffer, got);
  ran.status = ::pclose(out);
  return ran;
}

// Namespaces then need a user namespace.
TEST(OrdinaryUser, passes_the_whole_suite) {
  if (::geteuid() != 0) GTEST_SKIP() << "this is an ordinary user already";
  if (const Ran tried = run(std::string(kAsUser) + "true"); tried.status != 0)
    GTEST_SKIP() << "cannot become uid 1000 here: " << tried.output;
  const ReadableCopy copy;
  const Ran ran = run("cd / && " + std::string(kAsUser) + (copy.path() / "cage_test").string() +
                      " --gtest_filter=-OrdinaryUser.* --gtest_brief=1");
  EXPECT_EQ(ran.status, 0) << ran.output;
  // Printed also when it passes: tests that were skipped there must be reported here.
  std::fputs(ran.output.c_str(), stdout);
}

// In a user namespace of our own, simulates a machine that allows no PID namespace.
TEST(DeniedNamespaces, leave_a_subreaper_and_the_reason_and_are_no_error) {
  const std::string deny = "unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_pid_namespaces && ";
  if (const Ran tried = run(deny + "true'"); tried.status != 0)
    GTEST_SKIP() << "cannot make a machine without PID namespaces here: " << tried.output;
  const Ran ran = run(deny + program_beside_this("cage_test_harness").string() + " " +
                      program_beside_this("poolproof_cage").string() + "'");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output,
            "subreaper, mounts 0: PID, mount and IPC namespaces: clone: ENOSPC No space left on "
            "device; user, PID, mount and IPC namespaces: clone: ENOSPC No space left on device\n");
}

// From now on this process and all that it starts may trace nothing.
void deny_ptrace() {
  const sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
                                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{std::size(filter), const_cast<sock_filter*>(filter)};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST(DeniedTracing, leaves_a_cage_without_a_tracer_and_the_reason) {
  const auto program = program_beside_this("poolproof_cage");
  std::array<int, 2> ends;
  checked(::pipe(ends.data()), "pipe");
  const pid_t pid = checked(::fork(), "fork");
  if (pid == 0) {
    deny_ptrace();
    const Doors doors = probe_doors(program);
    const std::string told = doors.mode + ": " + doors.no_syscalls;
    ::_exit(::write(ends[1], told.data(), told.size()) > 0 ? 0 : 1);
  }
  ::close(ends[1]);
  std::array<char, 4096> told;
  const ssize_t got = ::read(ends[0], told.data(), told.size());
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  const std::string text(told.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  EXPECT_NE(text.find(": ptrace SEIZE: EPERM Operation not permitted"), std::string::npos) << text;
}

}  // namespace
}  // namespace poolproof::faults
