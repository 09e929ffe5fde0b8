#include "faults/cage/adapter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "faults/cage/fd.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace poolproof::faults {
namespace {

// What failed in the child. It is sent through the pipe that exec closes.
struct ExecReport {
  int step = 0;  // index into kSteps
  int error = 0;
};
constexpr std::array<const char*, 6> kSteps = {"dup2 for ",
                                               "chdir to the adapter's directory ",
                                               "setrlimit before the exec of ",
                                               "mark descriptors before the exec of ",
                                               "exec of ",
                                               "seccomp before the exec of "};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // KILL and STOP refuse
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// After this, exec cannot give more rights. Without it, only root may set a filter.
bool set_filter(const std::vector<sock_filter>& filter) {
  if (filter.empty()) return true;
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// Runs in the child. Returns only if something failed, with the step and errno.
ExecReport become_adapter(const AdapterCommand& command, char* const* argv, char* const* env,
                          int line, int errors, int gate) {
  char open = 0;
  while (::read(gate, &open, 1) < 0 && errno == EINTR) {
  }
  ::setsid();
  reset_signals();
  if (::dup2(line, 0) < 0 || ::dup2(line, 1) < 0 || ::dup2(errors, 2) < 0) return {0, errno};
  if (::chdir(command.cwd.c_str()) != 0) return {1, errno};
  if (::setrlimit(RLIMIT_NOFILE, &command.open_files) != 0) return {2, errno};
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return {3, errno};
  if (!set_filter(command.filter)) return {5, errno};
  environ = const_cast<char**>(env);  // so that the adapter's own PATH is used
  ::execvp(argv[0], argv);
  return {4, errno};
}

}  // namespace

pid_t start_adapter(const AdapterCommand& command, int line, int errors,
                    const std::function<void(pid_t)>& before_exec) {
  AdapterCommand own = command;
  if (own.argv.empty()) throw std::runtime_error("the adapter's command is empty");
  const auto argv = pointers(own.argv);
  const auto env = pointers(own.env);
  std::array<int, 2> ends;
  checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  Fd reading(ends[0]);
  Fd writing(ends[1]);
  checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  Fd behind_gate(ends[0]);
  Fd gate(ends[1]);
  const pid_t pid = checked(::fork(), "fork for the adapter");
  if (pid == 0) {
    gate.reset();
    const ExecReport report =
        become_adapter(own, argv.data(), env.data(), line, errors, behind_gate.get());
    static_cast<void>(!::write(writing.get(), &report, sizeof report));
    ::_exit(127);
  }
  writing.reset();
  try {
    before_exec(pid);
  } catch (...) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    throw;
  }
  gate.reset();
  ExecReport report;
  ssize_t got = 0;
  while ((got = ::read(reading.get(), &report, sizeof report)) < 0 && errno == EINTR) {
  }
  if (got == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  if (got == static_cast<ssize_t>(sizeof report)) errno = report.error;
  const std::string& object = report.step == 1 ? own.cwd : own.argv.front();
  throw CallFailed(kSteps.at(static_cast<std::size_t>(report.step)) + object);
}

}  // namespace poolproof::faults
