// Whole programs with an executor, from outside: the parent is stopped or killed, the ways of
// linking, the README's example.
#include "executor/tests/program.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

TEST(Programs, a_worker_that_is_killed_while_it_writes_to_a_stopped_parent_is_told_so) {
  Meeting meeting;
  Program program(DRIVEN_PROGRAM, {"be-stopped", meeting.folder()});
  const int worker = meeting.await();
  program.signal(SIGSTOP);
  program.await_stop();
  meeting.let_go();
  // Now it writes eight megabytes that are not read: it has got there once it sleeps in sendto(3,
  // ...).
  const std::string blocked = std::to_string(SYS_sendto) + " 0x3 ";
  std::string call;
  for (int tries = 0; tries < 60'000 && call.rfind(blocked, 0) != 0; ++tries) {
    std::this_thread::sleep_for(1ms);
    std::getline(std::ifstream("/proc/" + std::to_string(worker) + "/syscall"), call);
  }
  ASSERT_EQ(call.rfind(blocked, 0), 0u) << call;
  kill(worker, SIGKILL);
  ASSERT_TRUE(ends_within(worker, 60'000));
  program.signal(SIGCONT);
  const std::string expected = "task 1 by SIGKILL of " + std::to_string(worker) + "\nqueued 7\n";
  const std::string output = program.output();
  EXPECT_NE(output.find(expected), std::string::npos) << output;
  EXPECT_EQ(program.status(), 0);
}

TEST(Programs, whose_process_is_killed_take_their_workers_along_within_a_second) {
  Meeting meeting;
  Program program(DRIVEN_PROGRAM, {"be-killed", meeting.folder()});
  std::vector<pollfd> workers;
  for (const int pid : meeting.await(2)) {
    workers.push_back({static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0});
    ASSERT_GE(workers.back().fd, 0);
  }
  const auto start = std::chrono::steady_clock::now();
  program.signal(SIGKILL);
  for (pollfd& worker : workers) {
    EXPECT_EQ(poll(&worker, 1, 60'000), 1);
    close(worker.fd);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
}

// What the program prints after its first line, which says that main runs. It opens this file under
// the numbers of the executor's descriptors.
std::string told_among_strangers(const std::string& what) {
  const std::string file = testing::TempDir() + "poolproof-strangers-" + std::to_string(getpid());
  Program program(DRIVEN_PROGRAM, {what, file});
  const std::string output = program.output();
  unlink(file.c_str());
  EXPECT_EQ(program.status(), 0);
  return output.substr(output.find('\n') + 1);
}

TEST(Programs, that_close_all_descriptors_are_told_so_and_none_of_theirs_is_touched) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the race for a descriptor's number is what it is about, and TSan reports it";
#endif
  EXPECT_EQ(told_among_strangers("lose-descriptors"),
            "SupervisorLost SupervisorLost SupervisorLost\n"
            "within a second\n"
            "refused\n"
            "untouched\n"
            "no child\n");
}

TEST(Programs, whose_pool_had_broken_before_have_no_descriptor_closed_that_took_its_number) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the race for a descriptor's number is what it is about, and TSan reports it";
#endif
  EXPECT_EQ(told_among_strangers("break-and-lose"), "untouched\n");
}

TEST(Programs, run_their_main_once_though_their_workers_are_the_same_file) {
  Meeting meeting;
  meeting.let_go();
  Program program(DRIVEN_PROGRAM, {"be-stopped", meeting.folder()});
  const std::string output = program.output();
  const std::size_t first = output.find("main runs");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(output.find("main runs", first + 1), std::string::npos) << output;
}

// Whatever its words are: it serves a parent that made its channel, or it ends (law L10).
TEST(Programs, that_are_only_called_like_a_worker_end_with_a_message_and_never_run_their_main) {
  const std::vector<std::string> words = {"parent=" + std::to_string(getpid()),
                                          "index=0",
                                          "max_payload=1000",
                                          "memory_limit=0",
                                          "memory_interval_ms=0",
                                          "initializer=0",
                                          "waits=0",
                                          "depth=1",
                                          "share=4",
                                          "leaves_terminal=1",
                                          "cap_effective=0",
                                          "cap_permitted=0",
                                          "cap_inheritable=0",
                                          "cap_bounding=0",
                                          "no_new_privileges=0",
                                          "name=poolproof-0"};
  for (const std::vector<std::string>& args : {std::vector<std::string>{}, {"1"}, words}) {
    Program program(DRIVEN_PROGRAM, args, "poolproof-worker");
    EXPECT_EQ(program.output(), "");
    ASSERT_TRUE(WIFEXITED(program.status()));
    EXPECT_EQ(WEXITSTATUS(program.status()), 115);
  }
}

TEST(Linking, the_static_archive_works) {
  EXPECT_EQ(Program(LINKED_STATICALLY, {}).output(), "42\n");
}

TEST(Linking, a_program_that_is_static_altogether_works) {
  EXPECT_EQ(Program(WHOLLY_STATIC, {}).output(), "42\n");
}

TEST(Linking, the_static_archive_without_its_link_option_gives_an_error_that_names_it) {
  const std::string output = Program(UNWRAPPED, {}).output();
  EXPECT_EQ(output.rfind("SpawnError: ", 0), 0u) << output;
  EXPECT_NE(output.find("-Wl,--wrap=__libc_start_main"), std::string::npos) << output;
}

TEST(Linking, the_shared_library_works_if_the_program_links_it_itself) {
  EXPECT_EQ(Program(LINKED_DIRECTLY, {}).output(), "42\n");
}

TEST(Linking, through_another_library_alone_gives_an_error_that_names_both_cures) {
  const std::string output = Program(LINKED_INDIRECTLY, {}).output();
  EXPECT_EQ(output.rfind("SpawnError: ", 0), 0u) << output;
  EXPECT_NE(output.find("worker_entry(argc, argv)"), std::string::npos) << output;
  EXPECT_NE(output.find("link the program itself to poolproof::executor"), std::string::npos)
      << output;
}

TEST(Linking, through_another_library_works_with_the_cure) {
  EXPECT_EQ(Program(LINKED_CURED, {}).output(), "42\n");
}

TEST(Linking, beside_a_library_that_has_a_copy_of_its_own_works) {
  EXPECT_EQ(Program(LINKED_TWICE, {}).output(), "42\n");
}

TEST(Example, of_the_readme_does_what_it_says) {
  Program program(FIRST_EXAMPLE, {});
  EXPECT_EQ(program.output(),
            "sum 42\n"
            "threw std::out_of_range\n"
            "task 3 ended by SIGSEGV\n"
            "size 2\n");
  EXPECT_EQ(program.status(), 0);
}

}  // namespace
}  // namespace poolproof
