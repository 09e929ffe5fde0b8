// Programs of root that drop their rights, and tasks that do: rights_program.cc lists the ways. No
// worker has a right that the program has given up, every limit still ends its task, and nothing
// lives more than a second longer than the program (laws L9 and L10).
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "executor/tests/meeting.h"
#include "executor/tests/program.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;

class Rights : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root has rights to drop";
    std::ifstream map("/proc/self/uid_map");
    unsigned inside = 0, outside = 0, count = 0;
    map >> inside >> outside >> count;
    if (count < 60'000) GTEST_SKIP() << "this user namespace has too few users";
  }
};

const std::vector<std::string> kWays = {
    "setreuid", "setregid",   "setresuid",         "setgroups",   "capset",
    "bounding", "capset-all", "bounding-and-user", "no-new-privs"};

// What the program prints: each task with a right that the program does not have, and that the pool
// continued.
std::string told(const std::vector<std::string>& words) {
  Program program(RIGHTS_PROGRAM, words);
  const std::string output = program.output();
  EXPECT_EQ(program.status(), 0) << output;
  return output;
}

TEST_F(Rights, that_were_dropped_before_the_executor_was_made_no_task_has) {
  for (const std::string& way : kWays)
    EXPECT_EQ(told({"compare", way, "before", ""}), "went on\n") << way;
  EXPECT_EQ(told({"compare", "user-namespace", "before", ""}), "went on\n");
}

TEST_F(Rights, that_were_dropped_before_the_first_task_no_task_has) {
  for (const std::string& way : kWays)
    EXPECT_EQ(told({"compare", way, "made", ""}), "went on\n") << way;
  EXPECT_EQ(told({"compare", "user-namespace", "made", ""}), "went on\n");
}

TEST_F(Rights, that_were_dropped_while_workers_were_idle_no_later_task_has) {
  for (const std::string& way : kWays)
    EXPECT_EQ(told({"compare", way, "warm", ""}), "went on\n") << way;
}

TEST_F(Rights, that_were_dropped_while_tasks_ran_no_task_has_that_was_given_out_later) {
  for (const std::string& way : kWays) {
    Meeting meeting;
    meeting.open_to_all_users();
    Program program(RIGHTS_PROGRAM, {"compare", way, "busy", meeting.folder()});
    meeting.await(2);
    program.signal(SIGUSR1);
    meeting.await();  // it has dropped them
    meeting.let_go();
    EXPECT_EQ(program.output(), "held 0\nheld 1\nwent on\n") << way;
  }
}

TEST_F(Rights, that_differ_for_a_while_allow_no_worker_and_the_error_says_so) {
  for (const std::string way : {"seteuid", "setegid"}) {
    for (const std::string when : {"before", "made", "warm"}) {
      const std::string output = told({"differ", way, when});
      EXPECT_EQ(output.rfind("SpawnError: ", 0), 0u) << way << " " << when << ": " << output;
      EXPECT_NE(output.find("real and effective user or group of this program differ"),
                std::string::npos)
          << output;
      EXPECT_NE(output.find("\nafter 7\n"), std::string::npos) << output;
    }
  }
}

TEST_F(Rights, that_one_thread_has_dropped_by_itself_allow_no_worker_and_the_error_says_so) {
  const std::string output = told({"compare", "raw-setresuid", "warm", ""});
  EXPECT_NE(output.find("main thread of this program and the executor's have different rights"),
            std::string::npos)
      << output;
}

TEST_F(Rights, that_one_thread_has_dropped_by_itself_do_not_spoil_the_pool_if_it_submits_first) {
  const std::string output = told({"thread", "raw-setresuid"});
  EXPECT_EQ(output.rfind("there SpawnError: ", 0), 0u) << output;
  EXPECT_NE(output.find("have different rights"), std::string::npos) << output;
  EXPECT_NE(output.find("\nlater value\nthe same user\n"), std::string::npos) << output;
}

TEST_F(Rights, to_files_that_one_thread_has_dropped_by_setfsuid_are_not_those_of_workers) {
  EXPECT_EQ(told({"thread", "setfsuid"}), "there value\nlater value\nthe same user\n");
}

TEST_F(Rights, that_program_or_task_has_dropped_miss_no_deadline_limit_cancel_or_shutdown) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"nothing", "setresuid"},   {"setresuid", "nothing"}, {"setresuid", "capset-all"},
      {"setresuid", "setgroups"}, {"setreuid", "setregid"}, {"capset-all", "setresuid"},
      {"seteuid", "nothing"},     {"seteuid", "setresuid"}};
  struct Run {
    explicit Run(const std::pair<std::string, std::string>& ways) {
      meeting.open_to_all_users();
      program.emplace(RIGHTS_PROGRAM,
                      std::vector<std::string>{"limit", ways.first, ways.second, meeting.folder()});
      meeting.await(4);
      meeting.let_go();
      meeting.await(4);
      program->signal(SIGUSR1);
    }
    Meeting meeting;
    std::optional<Program> program;
  };
  std::deque<Run> runs;  // in parallel, because they wait for seconds
  for (const auto& pair : pairs) runs.emplace_back(pair);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    SCOPED_TRACE("the program: " + pairs[i].first + ", the tasks: " + pairs[i].second);
    const std::string output = runs[i].program->output();
    EXPECT_EQ(runs[i].program->status(), 0);
    for (const std::string end :
         {"cancel CancelledError: ", "deadline DeadlineError: ", "run_limit DeadlineError: ",
          "shutdown ShutdownExecutorError: "}) {
      EXPECT_NE(output.find(end), std::string::npos) << end << "is not in\n" << output;
    }
    EXPECT_EQ(output.find("a worker is left"), std::string::npos) << output;
    EXPECT_EQ(output.find("may still run"), std::string::npos) << output;
  }
}

struct Kill {
  std::string programs_way = "nothing";
  std::string tasks_way = "setresuid";
  std::string evasion = "nothing";
  std::string end = "kill";
  std::string where = "task";
  bool in_namespace = false;
};

std::string line_of(const std::string& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

// Waits until the worker, after it has arrived, has done what the plan says.
void await_evasion(int worker, const std::string& evasion) {
  const std::string folder = "/proc/" + std::to_string(worker);
  const auto done = [&] {
    if (evasion == "exec") return line_of(folder + "/comm") == "sleep";
    if (evasion != "stop") return true;
    const std::string stat = line_of(folder + "/stat");
    return stat.substr(stat.rfind(')') + 2, 1) == "T";
  };
  for (int look = 0; look < 60'000 && !done(); ++look) std::this_thread::sleep_for(1ms);
  ASSERT_TRUE(done());
}

void expect_no_worker_left(const Kill& plan) {
  SCOPED_TRACE("the program: " + plan.programs_way + ", its end: " + plan.end + ", in the " +
               plan.where + ": " + plan.tasks_way + " and " + plan.evasion);
  Meeting meeting;
  meeting.open_to_all_users();
  std::vector<std::string> words = {"be-killed",    meeting.folder(), plan.programs_way,
                                    plan.tasks_way, plan.evasion,     plan.end,
                                    plan.where};
  if (plan.in_namespace) words.insert(words.begin(), "in-namespace");
  Program program(RIGHTS_PROGRAM, words);
  const int worker = meeting.await();
  pollfd watch{static_cast<int>(syscall(SYS_pidfd_open, worker, 0)), POLLIN, 0};
  ASSERT_GE(watch.fd, 0);
  await_evasion(worker, plan.evasion);
  int fork = -1;
  auto start = std::chrono::steady_clock::now();
  program.signal(SIGUSR1);
  if (plan.end == "kill" || plan.end == "fork") {
    const int arrived = meeting.await();  // the program, which has dropped its rights, or its child
    if (plan.end == "fork") fork = arrived;
    start = std::chrono::steady_clock::now();
    program.signal(SIGKILL);
  }
  EXPECT_EQ(poll(&watch, 1, 30'000), 1) << "the worker is left";
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s);
  kill(worker, SIGKILL);
  close(watch.fd);
  if (fork > 0) kill(fork, SIGKILL);
}

TEST_F(Rights, that_a_task_has_dropped_do_not_let_it_outlive_its_killed_program) {
  for (const std::string way : {"setresuid", "setregid", "setgroups", "capset-all", "seteuid",
                                "no-new-privs", "user-namespace"}) {
    expect_no_worker_left({.tasks_way = way});
    expect_no_worker_left({.tasks_way = way, .where = "initializer"});
  }
}

TEST_F(Rights, that_a_task_has_dropped_do_not_help_it_whatever_else_it_does) {
  for (const std::string evasion : {"session", "group", "low-descriptors", "all-but-channel",
                                    "all-descriptors", "exec", "stop", "loop"}) {
    expect_no_worker_left({.evasion = evasion});
    expect_no_worker_left({.evasion = evasion, .where = "initializer"});
  }
}

TEST_F(Rights, that_a_task_has_dropped_do_not_help_it_however_the_program_ends) {
  for (const std::string end : {"crash", "exit-in-thread", "exec", "fork"}) {
    expect_no_worker_left({.end = end});
    expect_no_worker_left({.evasion = "all-descriptors", .end = end});
  }
}

// There the kernel forbids what it allows to the machine's root, so a thread of the worker watches.
TEST_F(Rights, of_the_root_of_a_container_dropped_by_a_task_do_not_let_it_outlive_its_program) {
  for (const std::string evasion :
       {"nothing", "session", "low-descriptors", "all-but-channel", "all-descriptors", "loop"}) {
    expect_no_worker_left({.evasion = evasion, .in_namespace = true});
    expect_no_worker_left({.evasion = evasion, .where = "initializer", .in_namespace = true});
  }
  expect_no_worker_left({.end = "fork", .in_namespace = true});
}

TEST_F(Rights, that_the_program_has_dropped_too_do_not_let_a_worker_outlive_it) {
  for (const std::string way : {"setresuid", "capset-all", "seteuid"}) {
    expect_no_worker_left({.programs_way = way});
    expect_no_worker_left({.programs_way = way, .tasks_way = "nothing"});
  }
}

}  // namespace
}  // namespace poolproof
