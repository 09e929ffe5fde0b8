// A program with an executor under a seccomp filter that refuses one system call: seccomp_program
// NUMBER e|k (EPERM, or the end of the calling process). It prints what happened to three tasks,
// one on each line: a value, a crash, a limit.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "poolproof/executor.h"

namespace {

using namespace std::chrono_literals;

void say(const char* what, const char* text) {
  char line[2000];
  const int size = std::snprintf(line, sizeof(line), "%s: %s\n", what, text);
  // By one of two calls, because the other may be the refused one.
  const iovec whole{line, static_cast<std::size_t>(size)};
  if (writev(STDOUT_FILENO, &whole, 1) >= 0) return;
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, line, whole.iov_len);
}

bool refuse(unsigned call, bool kill) {
  const unsigned action = kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{4, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

template <class T>
void say_end(const char* what, poolproof::Future<T>& future) {
  try {
    future.get_for(20s);
    say(what, "value");
  } catch (const std::exception& error) {
    say(what, error.what());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || !refuse(static_cast<unsigned>(std::atoi(argv[1])), argv[2][0] == 'k')) return 2;
  try {
    poolproof::Executor pool({.workers = 1, .start_limit = 3s});
    auto value = pool.submit([] { return 1; });
    say_end("value", value);
    auto crash = pool.submit([] { abort(); });
    say_end("crash", crash);
    auto late = pool.submit({.run_limit = 100ms}, [] {
      while (true) continue;
    });
    say_end("deadline", late);
  } catch (const std::exception& error) {
    say("executor", error.what());
  }
  _exit(0);  // only its output counts
}
