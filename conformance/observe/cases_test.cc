// The proof on real process trees, each in a known state (cases/). A tree that can never continue
// is proved hung. A tree that can continue is never called hung, however often it is examined.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "conformance/observe/cases/ground.h"
#include "conformance/observe/examine.h"
#include "conformance/observe/graph.h"

namespace poolproof::hang {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(60);  // a hang is proved much faster

// A process that ends every case that is still running when this test has ended, in whatever way.
class Watchman {
 public:
  Watchman() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setsid();
      ::close(ends[1]);
      watch(ends[0]);
    }
    ::close(ends[0]);
    told_ = ends[1];
  }
  Watchman(const Watchman&) = delete;
  Watchman& operator=(const Watchman&) = delete;

  void begun(pid_t group) const { tell(group); }
  void ended(pid_t group) const { tell(-group); }

 private:
  void tell(pid_t word) const {
    EXPECT_EQ(::write(told_, &word, sizeof word), ssize_t{sizeof word});
  }

  [[noreturn]] static void watch(int fd) {
    std::set<pid_t> groups;
    for (pid_t word = 0; ::read(fd, &word, sizeof word) == ssize_t{sizeof word};)
      if (word > 0)
        groups.insert(word);
      else
        groups.erase(-word);
    for (const pid_t group : groups) ::kill(-group, SIGKILL);
    std::_Exit(0);
  }

  int told_ = -1;  // open as long as we live
};

const Watchman& watchman() {
  static const Watchman one;
  return one;
}

// A running case, in its own session, until this object is destroyed.
class Case {
 public:
  explicit Case(const std::vector<std::string>& command,
                const Watchman& watchman = hang::watchman())
      : watchman_(watchman) {
    std::array<int, 2> in{}, out{};
    EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    std::vector<std::string> words = command;
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ), 0);
    if (pid_ > 0) watchman_.begun(pid_);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    ::close(in[0]), ::close(out[1]);
    stdin_ = in[1];
    std::array<char, 6> line{};  // "ready\n"
    is_ready_ = ::read(out[0], line.data(), line.size()) == 6;
    ::close(out[0]);
    if (is_ready_) return;
    siginfo_t end{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOWAIT);
    EXPECT_EQ(end.si_status, 77) << "the case could not be set up";
  }
  ~Case() {
    if (pid_ <= 0) return;  // -1 would mean every process
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    watchman_.ended(pid_);
    ::close(stdin_);
  }
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  pid_t pid() const { return pid_; }
  bool is_ready() const { return is_ready_; }  // otherwise this machine lacks what it needs

 private:
  const Watchman& watchman_;
  bool is_ready_ = false;
  pid_t pid_ = 0;
  int stdin_ = -1;
};

fs::path beside_us(const char* name) {
  return fs::read_symlink("/proc/self/exe").parent_path() / name;
}

std::vector<std::string> program(const std::string& name) { return {beside_us("hang_case"), name}; }

std::vector<std::string> python(const std::string& name) {
  return {"/usr/bin/python3", fs::path(POOLPROOF_SOURCE_DIR) / "conformance/observe/cases/pools.py",
          name};
}

std::vector<std::string> names_of(const cases::Cases& all) {
  std::vector<std::string> names;
  for (const auto& [name, body] : all) names.push_back(name);
  return names;
}

int rounds() {
  const char* wanted = std::getenv("POOLPROOF_HANG_ROUNDS");
  return wanted != nullptr ? std::atoi(wanted) : 3;
}

// Why nothing can be proved here: as an ordinary user, we may not look into some processes.
std::string hidden_from_us(const Look& look) {
  if (::geteuid() == 0) return "";
  for (const auto* unseen : {&look.unseen_kin, &look.unseen_elders})
    if (!unseen->empty()) return "we may not look into process " + unseen->front();
  return "";
}

// What the stuck cases may promise if the machine does not report it: they set no alarm.
ClosedWorld without_alarms() {
  ClosedWorld world;
  world.no_alarms = true;
  return world;
}

ClosedWorld alarms_as_told() {
  const bool told = look_at({::getpid()}).interval_timers.has_value();
  return told ? ClosedWorld{} : without_alarms();
}

// Everything that we can promise: we started the case and could send it something.
ClosedWorld all_promised(pid_t pid, ClosedWorld world) {
  world.silent_processes = {::getpid()};
  world.silent_objects = {object_behind(pid, STDIN_FILENO)};
  world.names_are_private = true;
  world.no_signals = true;
  return world;
}

// Cases that only we could wake, which would break the promise.
const std::set<std::string> kOnlyForUs = {
    "reads_stdin",    "polls_stdin_and_its_own", "epolls_stdin",       "executor_idle_on_stdin",
    "pauses",         "waits_for_a_signal",      "polls_for_a_signal", "semaphore_with_a_name",
    "listens_locally"};

class Times : public testing::Environment {
 public:
  void TearDown() override {
    if (all.empty()) return;
    std::sort(all.begin(), all.end());
    std::cout
        << all.size() << " proofs of a hang: median "
        << std::chrono::duration_cast<std::chrono::milliseconds>(all[all.size() / 2]).count()
        << " ms, 95 of 100 within "
        << std::chrono::duration_cast<std::chrono::milliseconds>(all[all.size() * 95 / 100]).count()
        << " ms\n";
  }
  static inline std::vector<std::chrono::nanoseconds> all;
};
const auto* const kTimes = testing::AddGlobalTestEnvironment(new Times);

// Looks until this is the verdict, because the case first has to fall asleep. For an ordinary user,
// each program of others that init takes over in between hides the verdict. Skips the test if one
// still does after two seconds.
void await_verdict(Verdict wanted, pid_t pid, const ClosedWorld& world, Examination& last) {
  const auto begun = Clock::now(), limit = begun + kPatience;
  do {
    last = examine(pid, world);
    const std::string hidden = hidden_from_us(last.look);
    if (last.proof.verdict == Verdict::undecided && !hidden.empty() &&
        Clock::now() > begun + std::chrono::seconds(2))
      GTEST_SKIP() << hidden;
  } while (last.proof.verdict != wanted && Clock::now() < limit);
  ASSERT_EQ(word_for(last.proof.verdict), std::string(word_for(wanted)))
      << graph_text(last.look, last.proof);
  if (wanted == Verdict::hung) Times::all.push_back(last.took);
}

void await_verdict(Verdict wanted, pid_t pid, const ClosedWorld& world) {
  Examination last;
  await_verdict(wanted, pid, world, last);
}

void expect_hung(const std::vector<std::string>& command) {
  const Case still(command);
  const ClosedWorld world = alarms_as_told();
  await_verdict(Verdict::hung, still.pid(), world);
  for (int round = 1; round < rounds() && !testing::Test::HasFailure(); ++round)
    for (const ClosedWorld& one : {world, all_promised(still.pid(), world)})
      await_verdict(Verdict::hung, still.pid(), one);
}

// One life of a case, which ends after a minute: looks so often, alternating between no promise and
// all promises. Returns what it saw.
std::string looks_at(const std::vector<std::string>& command, int& left) {
  const auto over = Clock::now() + std::chrono::seconds(30);
  const Case alive(command);
  if (!alive.is_ready()) return left = 0, "this machine lacks what the case needs";
  std::string seen;
  const ClosedWorld promised = all_promised(alive.pid(), {});
  while (left > 0 && Clock::now() < over && !testing::Test::HasFailure()) {
    const bool promise = left-- % 2 == 1;
    if (promise && kOnlyForUs.contains(command.back())) continue;  // hung, if we keep our word
    const Examination one = examine(alive.pid(), promise ? promised : ClosedWorld{});
    EXPECT_NE(one.proof.verdict, Verdict::hung) << graph_text(one.look, one.proof);
    EXPECT_FALSE(one.look.processes.empty() || one.look.processes[0].dead)
        << "the case is over: " << command.back();
    const std::string word = word_for(one.proof.verdict);
    if (seen.find(word) == std::string::npos) seen += " " + word;
  }
  return seen;
}

void expect_never_hung(const std::vector<std::string>& command) {
  for (int left = 2 * rounds(); left > 0 && !testing::Test::HasFailure();)
    std::cout << command.back() << ": " << looks_at(command, left) << "\n";
}

class StuckProgram : public testing::TestWithParam<std::string> {};
TEST_P(StuckProgram, is_proved_hung) { expect_hung(program(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Hang, StuckProgram, testing::ValuesIn(names_of(cases::stuck_cases())),
                         [](const auto& one) { return one.param; });

class OpenProgram : public testing::TestWithParam<std::string> {};
TEST_P(OpenProgram, is_never_called_hung) { expect_never_hung(program(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Hang, OpenProgram, testing::ValuesIn(names_of(cases::open_cases())),
                         [](const auto& one) { return one.param; });

class StuckPool : public testing::TestWithParam<std::string> {};
TEST_P(StuckPool, is_proved_hung) { expect_hung(python(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Hang, StuckPool,
                         testing::Values("pool_task_killed", "pool_lock_holder_killed",
                                         "queue_without_producer", "lock_taken_twice",
                                         "thread_joins_a_stuck_one", "executor_half_message"),
                         [](const auto& one) { return one.param; });

class OpenPool : public testing::TestWithParam<std::string> {};
TEST_P(OpenPool, is_never_called_hung) { expect_never_hung(python(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Hang, OpenPool,
                         testing::Values("executor_idle_for_a_minute", "executor_idle_on_stdin",
                                         "executor_long_task", "executor_computes",
                                         "result_with_a_limit", "pool_at_work", "thread_ticks"),
                         [](const auto& one) { return one.param; });

TEST(ClosedWorld, makes_a_hang_of_a_wait_for_whoever_promised_to_be_silent) {
  for (const char* name : {"reads_stdin", "polls_stdin_and_its_own", "epolls_stdin"}) {
    const Case waiting(program(name));
    await_verdict(Verdict::quiet, waiting.pid(), without_alarms());
    ClosedWorld pipe = without_alarms(), us = without_alarms();
    pipe.silent_objects = {object_behind(waiting.pid(), STDIN_FILENO)};
    await_verdict(Verdict::hung, waiting.pid(), pipe);
    us.silent_processes = {::getpid()};  // this says nothing about others that may hold it
    await_verdict(Verdict::hung, waiting.pid(), us);
  }
}

TEST(ClosedWorld, makes_a_hang_of_all_that_wait_only_for_those_who_promised) {
  for (const std::string& name : kOnlyForUs) {
    const Case waiting(name.starts_with("executor") ? python(name) : program(name));
    await_verdict(Verdict::hung, waiting.pid(), all_promised(waiting.pid(), without_alarms()));
  }
}

TEST(ClosedWorld, does_not_make_a_hang_of_a_pool_that_sleeps_for_a_minute) {
  const Case idle(python("executor_idle_for_a_minute"));
  ClosedWorld us = without_alarms();
  us.silent_processes = {::getpid()};
  us.names_are_private = true;
  for (int round = 0; round < rounds(); ++round)
    ASSERT_NE(examine(idle.pid(), us).proof.verdict, Verdict::hung);
}

TEST(ClosedWorld, proves_that_an_idle_pool_waits_only_for_us) {
  const Case idle(python("executor_idle_on_stdin"));
  ClosedWorld pipe = without_alarms();
  pipe.silent_objects = {object_behind(idle.pid(), STDIN_FILENO)};
  await_verdict(Verdict::hung, idle.pid(), pipe);
}

bool has(const Examination& examination, const std::string& words) {
  return graph_text(examination.look, examination.proof).find(words) != std::string::npos;
}

TEST(Graph, of_an_executor_shows_the_half_read_message_and_the_orphaned_lock) {
  const Case still(python("executor_half_message"));
  Examination last;
  await_verdict(Verdict::hung, still.pid(), alarms_as_told(), last);
  if (testing::Test::IsSkipped()) return;
  EXPECT_TRUE(has(last, "half-read-message")) << graph_text(last.look, last.proof);
  EXPECT_TRUE(has(last, "orphaned-lock")) << graph_text(last.look, last.proof);
  EXPECT_TRUE(has(last, "unburied")) << graph_text(last.look, last.proof);
  EXPECT_TRUE(has(last, "eof-blocked")) << graph_text(last.look, last.proof);
}

TEST(Graph, of_a_dead_owner_names_it) {
  const Case still(program("dead_lock_owner"));
  Examination last;
  await_verdict(Verdict::hung, still.pid(), alarms_as_told(), last);
  if (testing::Test::IsSkipped()) return;
  EXPECT_TRUE(has(last, "which is dead")) << graph_text(last.look, last.proof);
}

TEST(Case, does_not_outlive_a_test_that_is_killed) {
  std::array<int, 2> news{}, leave{};
  ASSERT_EQ(::pipe2(news.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(leave.data(), O_CLOEXEC), 0);
  const pid_t test = ::fork();
  if (test == 0) {
    const Watchman own;
    const Case sleeping(program("child_sleeps"), own);
    const pid_t pid = sleeping.pid();
    char go = 0;
    if (::write(news[1], &pid, sizeof pid) > 0 && ::read(leave[0], &go, 1) > 0)
      ::kill(::getpid(), SIGKILL);
    std::_Exit(1);
  }
  pid_t pid = 0;
  ASSERT_EQ(::read(news[0], &pid, sizeof pid), ssize_t{sizeof pid});
  std::vector<pollfd> ends;
  for (const ProcessLook& process : look_at({pid}).processes)
    ends.push_back({static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)), POLLIN, 0});
  ASSERT_GE(ends.size(), 2U);
  ASSERT_EQ(::write(leave[1], "x", 1), 1);
  ::waitpid(test, nullptr, 0);
  for (pollfd& end : ends) {
    EXPECT_EQ(::poll(&end, 1, 10'000), 1) << "a process of the case lives on";
    ::close(end.fd);
  }
  for (const int fd : {news[0], news[1], leave[0], leave[1]}) ::close(fd);
}

TEST(Look, at_a_tree_that_is_gone_has_no_processes) {
  EXPECT_TRUE(look_at({4'000'000}).processes.empty());
  EXPECT_EQ(prove({}, {}, {}).verdict, Verdict::undecided);
}

}  // namespace
}  // namespace poolproof::hang
