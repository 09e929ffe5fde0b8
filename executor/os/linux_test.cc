// The parts of LinuxOs that no whole executor can be made to use. The rest is tested in tests/.
#include "executor/os/linux.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace poolproof::os {
namespace {

constexpr unsigned kNobody = 65534;

// As another user, abandons a child that still belongs to root.
int abandon_what_may_not_be_killed() {
  alarm(30);
  int line[2];
  if (pipe(line) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) {  // until the other process ends
    close(line[1]);
    char none = 0;
    _exit(read(line[0], &none, 1) == 0 ? 0 : 1);
  }
  if (setresuid(kNobody, kNobody, kNobody) != 0) return 2;
  LinuxOs().abandon({.pid = child});
  siginfo_t info{};
  const bool lives = waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG) == 0;
  return lives && info.si_pid == 0 ? 0 : 3;
}

TEST(LinuxOs, abandons_a_worker_that_it_may_not_kill_and_does_not_wait_for_it_forever) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has rights to give up";
  EXPECT_EXIT(_exit(abandon_what_may_not_be_killed()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace poolproof::os
