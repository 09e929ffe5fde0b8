#include "faults/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

using std::chrono::milliseconds;

RunOutcome run_script(const std::string& script, const RunOptions& options = {}) {
  return run_program({"sh", "-c", script}, options);
}

TEST(ProgramRun, has_its_arguments_nothing_to_read_and_no_other_descriptors) {
  const Fd ours(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  const RunOutcome run =
      run_program({"sh", "-c", "echo $0; cat; exec ls /proc/self/fd", "as named"});
  EXPECT_EQ(run.problem, "");
  EXPECT_EQ(run.output, "as named\n0\n1\n2\n3\n");  // 3: the folder that ls reads
}

TEST(ProgramRun, says_how_the_program_ended) {
  EXPECT_EQ(run_script("exit 3").problem, "ended with exit status 3");
  EXPECT_EQ(run_script("kill -9 $$").problem, "was ended by: Killed");
}

TEST(ProgramRun, says_why_there_is_none) {
  EXPECT_EQ(run_program({"/no/such/file"}).problem, "cannot be started: No such file or directory");
  EXPECT_EQ(run_program({"no-such-name"}).problem, "cannot be started: No such file or directory");
  EXPECT_EQ(run_program({"/etc/passwd"}).problem, "cannot be started: Permission denied");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
}

TEST(ProgramRun, captures_both_outputs_if_asked) {
  EXPECT_EQ(run_script("echo one; echo two >&2", {.captures_stderr = true}).output, "one\ntwo\n");
}

TEST(ProgramRun, drops_what_is_too_much_and_still_lets_the_program_end) {
  const RunOutcome run = run_script("head -c 300000 /dev/zero", {.most_bytes = 10'000});
  EXPECT_EQ(run.output.size(), 10'000U);
  EXPECT_EQ(run.problem, "");
}

TEST(ProgramRun, with_a_limit_is_killed_with_its_whole_group) {
  const RunOutcome run =
      run_script("sleep 60 & echo $!; exec sleep 60", {.limit = milliseconds(300)});
  EXPECT_EQ(run.problem, "took too long");
  const pid_t child = std::stoi(run.output);
  // An orphan's parent may be slow to reap it: then it is a zombie for a while.
  for (std::string state; state != "Z" && ::kill(child, 0) == 0; ::usleep(1000)) {
    std::ifstream stat("/proc/" + run.output.substr(0, run.output.find('\n')) + "/stat");
    std::string pid, name;
    stat >> pid >> name >> state;
  }
}

TEST(ProgramRun, that_closes_its_output_is_waited_for_until_the_limit) {
  EXPECT_EQ(run_script("exec >&-; exit 4").problem, "ended with exit status 4");
  EXPECT_EQ(run_script("exec >&-; sleep 60", {.limit = milliseconds(300)}).problem,
            "took too long");
}

TEST(ProgramStart, gives_the_program_the_descriptors_that_are_named_and_no_others) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd from(ends[0]);
  Fd to(::fcntl(ends[1], F_DUPFD_CLOEXEC, 20));
  ::close(ends[1]);
  const Fd stays(::fcntl(from.get(), F_DUPFD, 10));  // without O_CLOEXEC
  const StartedProgram started =
      start_program({{"ls", "/proc/self/fd"}, {{to.get(), 1}, {to.get(), 3}, {to.get(), 4}}});
  ASSERT_EQ(started.error, 0);
  to.reset();
  std::string seen;
  char letter = 0;
  while (::read(from.get(), &letter, 1) == 1) seen += letter;
  EXPECT_EQ(seen, "0\n1\n2\n3\n4\n5\n");  // 5: the folder that ls reads
  int status = -1;
  EXPECT_EQ(::waitpid(started.pid, &status, 0), started.pid);
  EXPECT_EQ(status, 0);
}

void on_signal(int) {}

TEST(ProgramStart, keeps_our_signal_mask_and_handlers_and_gives_the_program_the_mask) {
  sigset_t one, now;
  ::sigemptyset(&one);
  ::sigaddset(&one, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &one, nullptr);
  ::signal(SIGUSR2, on_signal);
  const std::string status = run_program({"cat", "/proc/self/status"}).output;
  EXPECT_NE(status.find("SigBlk:\t0000000000000200\n"), std::string::npos) << status;
  ::pthread_sigmask(SIG_UNBLOCK, &one, &now);
  EXPECT_EQ(::sigismember(&now, SIGUSR1), 1);
  EXPECT_EQ(::sigismember(&now, SIGUSR2), 0);
  EXPECT_EQ(::signal(SIGUSR2, SIG_DFL), on_signal);
}

TEST(ProgramStart, says_which_error_it_was_and_leaves_nothing) {
  const StartedProgram started = start_program({{"/no/such/file"}});
  EXPECT_EQ(started.error, ENOENT);
  EXPECT_EQ(started.pid, 0);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(ProgramSearch, finds_a_name_in_path) {
  EXPECT_TRUE(find_program("sh").ends_with("/sh"));
  EXPECT_EQ(find_program("no-such-name"), "");
}

}  // namespace
}  // namespace poolproof::faults
