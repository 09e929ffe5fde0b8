#include "executor/os/spawn.h"

#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "executor/os/reap.h"
#include "executor/os/worker_start.h"

// The C library's clone by its other name. ThreadSanitizer treats the normal name as a fork, and
// then forbids the program to start threads.
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* context, ...);

namespace poolproof::os {
namespace {

constexpr char kProgram[] = "/proc/self/exe";
constexpr std::size_t kStackBytes = std::size_t{32} << 10;

// What the child writes into our memory if it cannot continue.
struct Attempt {
  const Launch* launch = nullptr;
  const char* volatile failed_call = nullptr;
  volatile int error = 0;
};

// The child shares our memory until it has called exec. So it allocates nothing and makes only
// system calls, and sanitizers must not instrument it.
#define IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

IN_CHILD void give_up(Attempt& attempt, const char* call) {
  attempt.error = errno;
  attempt.failed_call = call;
  syscall(SYS_exit_group, 127);
}

IN_CHILD void place(Attempt& attempt, int fd, int number) {
  if (fd == number) return;
  if (syscall(SYS_dup3, fd, number, 0) < 0) give_up(attempt, "dup3");
}

// Makes stdin read nothing: /dev/null, or without it, a pipe that is never written to.
IN_CHILD void place_stdin(Attempt& attempt) {
  const long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
  if (null >= 0) return place(attempt, static_cast<int>(null), STDIN_FILENO);
  int ends[2] = {-1, -1};
  if (syscall(SYS_pipe2, ends, 0) != 0) give_up(attempt, "pipe2");
  syscall(SYS_close, ends[1]);
  place(attempt, ends[0], STDIN_FILENO);
}

IN_CHILD int in_child(void* context) {
  auto& attempt = *static_cast<Attempt*>(context);
  const Launch& launch = *attempt.launch;
  // First, because its number may be one that another descriptor gets.
  if (launch.errors >= 0) place(attempt, launch.errors, STDERR_FILENO);
  place(attempt, launch.channel, kWorkerChannel);
  place(attempt, launch.lifeline, kWorkerLifeline);
  place_stdin(attempt);
  // Closed here by range: we must not mark the user's descriptors.
  if (syscall(SYS_close_range, kWorkerLifeline + 1, ~0U, 0) != 0) give_up(attempt, "close_range");
  syscall(SYS_execve, kProgram, launch.arguments, launch.environment);
  give_up(attempt, "execve");
  return 127;
}

// Signals stay blocked in the child: a handler of the program must not run there, in our memory.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() { change(~std::uint64_t{0}, &before_); }
  ~AllSignalsBlocked() { change(before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  // By the kernel's own call: glibc's leaves two of its own signals unblocked.
  static void change(std::uint64_t mask, std::uint64_t* before) {
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, before, sizeof(mask));
  }
  std::uint64_t before_ = 0;
};

// The child's, until it has called exec or ended, for which we wait in clone. Mapped for each
// start: a thread_local one would be taken out of the stack of every thread of the program.
class ChildStack {
 public:
  ChildStack()
      : bottom_(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {}
  ~ChildStack() {
    const int error = errno;
    if (exists()) munmap(bottom_, kStackBytes);
    errno = error;
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  bool exists() const { return bottom_ != MAP_FAILED; }  // else errno says why not
  void* top() const { return static_cast<std::byte*>(bottom_) + kStackBytes; }

 private:
  void* const bottom_;
};

int start_child(Attempt& attempt, const ChildStack& stack, int flags, int* handle) {
  const AllSignalsBlocked blocked;
  return __clone(&in_child, stack.top(), CLONE_VM | CLONE_VFORK | flags | SIGCHLD, &attempt,
                 handle);
}

// A hint why the exec of our own program failed, as far as it can be seen.
std::string hint_for_exec(int error) {
  char link[1];
  if (error != ENOENT) return "";
  if (readlink(kProgram, link, sizeof(link)) < 0) {
    return " (there is no /proc/self/exe: is /proc mounted in this root directory?)";
  }
  return " (the program is there, so what it needs is missing: is its dynamic loader in this root "
         "directory, after a chroot?)";
}

}  // namespace

int lifted(int fd) {
  if (fd > kWorkerLifeline || fd < 0) return fd;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, kWorkerLifeline + 1);
  const int error = errno == EINVAL ? EMFILE : errno;  // RLIMIT_NOFILE lies below that number
  close(fd);
  errno = error;
  return higher;
}

std::variant<Launched, SysError> launch(const Launch& what) {
  Attempt attempt{.launch = &what};
  int handle = -1;
  const ChildStack stack;
  if (!stack.exists()) return SysError{"mmap", errno};
  int pid = start_child(attempt, stack, CLONE_PIDFD, &handle);
  if (pid < 0 && errno == EINVAL) {  // no such flag here (qemu-user); then there is the other call
    handle = -1;
    pid = start_child(attempt, stack, 0, nullptr);
  }
  if (pid < 0) return SysError{"clone", errno};
  if (attempt.failed_call != nullptr) {
    const int error = attempt.error;
    const std::string hint =
        std::string(attempt.failed_call) == "execve" ? hint_for_exec(error) : "";
    reap_by_pid(pid);
    if (handle >= 0) close(handle);
    return SysError{attempt.failed_call, error, hint};
  }
  // The pid still belongs to that process: only we reap it, unless the program asked otherwise.
  if (handle < 0) handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  const char* failed = handle < 0 ? "pidfd_open" : "fcntl(F_DUPFD_CLOEXEC)";
  handle = lifted(handle);
  if (handle >= 0) return Launched{pid, handle};
  const int error = errno;
  ::kill(pid, SIGKILL);
  reap_by_pid(pid);
  return SysError{failed, error};
}

std::string started_by_loader() {
  // Finds a program that names a loader, while the kernel has loaded none.
  bool names_loader = false;
  dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* found) {
        for (int i = 0; i < program->dlpi_phnum; ++i) {
          *static_cast<bool*>(found) |= program->dlpi_phdr[i].p_type == PT_INTERP;
        }
        return 1;  // the first is the program itself
      },
      &names_loader);
  if (!names_loader || getauxval(AT_BASE) != 0) return "";
  return "this program was started through the dynamic loader (ld.so PROGRAM), so that the kernel "
         "knows the loader only, and no worker can be started from it. Cure: start the program "
         "itself";
}

std::string missing_calls() {
  static const std::string missing = [] {
    const char* call = nullptr;
    int error = 0;
    if (syscall(SYS_close_range, ~0U, ~0U, 0) != 0) {
      call = "close_range";
      error = errno;
    } else if ((error = missing_for_reaping()) != 0) {
      call = "waitid by P_PIDFD";
    }
    if (call == nullptr) return std::string();
    return "the executor needs Linux 5.9 or newer, and may call clone, execve, close_range, "
           "waitid, "
           "ppoll and socketpair; here " +
           to_string(SysError{call, error}) +
           ". Is the kernel older, or does a seccomp profile (of a container, say) refuse it?";
  }();
  return missing;
}

}  // namespace poolproof::os
