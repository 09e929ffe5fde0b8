// Nothing that starts in a cage lives longer than it; and what must be visible inside.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "faults/cage/attempt_for_test.h"
#include "faults/cage/proc.h"
#include "faults/cage/watch.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class ContainmentTest : public testing::TestWithParam<bool> {
 protected:
  // A machine that allows no namespace cannot test them: printed once a cage reports why.
  bool skips(const json& ready) { return GetParam() && ready.at("mode") != "pid-namespace"; }
  std::string mode_word() const { return GetParam() ? "namespaces" : "subreaper"; }
};

#define SKIP_WITHOUT_NAMESPACE(ready) \
  if (skips(ready)) GTEST_SKIP() << "this machine allows no PID namespace: " << (ready).at("why")

INSTANTIATE_TEST_SUITE_P(Modes, ContainmentTest, testing::Values(true, false),
                         [](const auto& mode) {
                           return std::string(mode.param ? "pid_namespace" : "subreaper");
                         });

void fill(Attempt& attempt) {
  attempt.ask("sleeper");
  attempt.ask("zombie");
  ASSERT_EQ(attempt.ask("daemon").rfind("daemon ", 0), 0U);
  attempt.ask("leaderless");
  attempt.meet("t1");
}

TEST_P(ContainmentTest, the_end_kills_what_is_left_and_names_it) {
  Attempt attempt(GetParam());
  const json ready = attempt.ready();
  SKIP_WITHOUT_NAMESPACE(ready);
  fill(attempt);
  attempt.cage().end();
  const json healed = attempt.await("healed");
  EXPECT_EQ(healed.at("killed").size(), 5U)
      << healed << "\nadapter, sleeper, daemon, leaderless, worker";
  for (const json& killed : healed.at("killed")) EXPECT_EQ(killed.at("name"), "cage_body");
  EXPECT_TRUE(attempt.ended());
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
  EXPECT_EQ(attempt.end_text(), "the cage ended: its guard ended with status 0");
  EXPECT_FALSE(fs::exists(fs::path(ready.at("tmp").get<std::string>()).parent_path()));
}

TEST_P(ContainmentTest, the_end_of_a_cage_that_is_empty_kills_nothing) {
  Attempt attempt(GetParam());
  attempt.ready();
  attempt.tell("exit 0");
  attempt.await("exit");
  attempt.cage().end();
  EXPECT_EQ(attempt.await("healed").at("killed"), json::array());
}

TEST_P(ContainmentTest, nothing_is_alive_after_the_destructor) {
  Attempt attempt(GetParam());
  const json ready = attempt.ready();
  fill(attempt);
  EXPECT_EQ(processes_with(attempt.token()).size(), 5U);
  attempt.destroy();
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
  EXPECT_FALSE(fs::exists(fs::path(ready.at("tmp").get<std::string>()).parent_path()));
}

TEST_P(ContainmentTest, the_destructor_does_not_wait_for_messages_to_be_read) {
  Attempt attempt(GetParam());
  attempt.ready();
  for (int i = 0; i < 200; ++i) attempt.cage().snapshot(i);  // more than a socket holds
  ASSERT_EQ(attempt.ask("flood 3000"), "flooded") << "the keeper drains though nobody reads";
  attempt.destroy();
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, a_chain_of_processes_that_fork_and_end_is_caught) {
  Attempt attempt(GetParam());
  attempt.ready();
  attempt.ask("runner");
  attempt.ask("runner");
  attempt.cage().end();
  EXPECT_TRUE(attempt.ended());
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, a_process_that_kills_its_parent_the_keeper_is_contained) {
  Attempt attempt(GetParam());
  const json ready = attempt.ready();
  SKIP_WITHOUT_NAMESPACE(ready);
  attempt.tell("kill-keeper");
  if (GetParam()) {
    attempt.cage().ping(1);  // in its namespace nothing inside can signal the first process
    attempt.await("pong");
  } else {
    EXPECT_EQ(attempt.end_text().rfind("the cage ended: its guard ended with status 70", 0), 0U);
  }
  attempt.destroy();
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, a_writer_that_floods_the_ledger_keeps_the_keeper_from_nothing) {
  Attempt attempt(GetParam());
  attempt.ready();
  ASSERT_EQ(attempt.ask("flood-on").rfind("flood-on", 0), 0U);
  attempt.await("ledger-invalid");
  attempt.cage().ping(1);
  attempt.await("pong");
  attempt.cage().end();
  EXPECT_EQ(attempt.await("healed").at("killed").size(), 2U);
  EXPECT_TRUE(attempt.ended());
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, the_deadline_ends_everything_and_says_so) {
  Attempt attempt(GetParam(), [](CageOptions& options) {
    // This test needs no answer from inside: on a slow machine the deadline comes early.
    options.command = {"/bin/sh", "-c", "sleep 1000 & wait", options.command[1]};
    options.env["PATH"] = "/usr/bin:/bin";
    options.deadline = std::chrono::milliseconds(300);
  });
  attempt.await("ready");
  attempt.await("deadline");
  EXPECT_GE(attempt.await("healed").at("killed").size(), 1U);
  EXPECT_TRUE(attempt.ended());
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, an_adapter_that_cannot_start_is_told_with_call_path_and_reason) {
  Attempt missing(GetParam(), [](CageOptions& o) { o.command = {"/no/such/adapter"}; });
  EXPECT_EQ(missing.await("failed").at("why"),
            "exec of /no/such/adapter: ENOENT No such file or directory");
  Attempt nowhere(GetParam(), [](CageOptions& o) { o.cwd = "/no/such/directory"; });
  EXPECT_EQ(
      nowhere.await("failed").at("why"),
      "chdir to the adapter's directory /no/such/directory: ENOENT No such file or directory");
  Attempt forbidden(GetParam(), [](CageOptions& o) { o.command = {"/etc/passwd"}; });
  EXPECT_EQ(forbidden.await("failed").at("why"), "exec of /etc/passwd: EACCES Permission denied");
  forbidden.cage().end();
  EXPECT_EQ(forbidden.await("healed").at("killed"), json::array());
}

TEST_P(ContainmentTest, the_program_is_found_in_the_path_of_the_adapter) {
  Attempt attempt(GetParam(), [](CageOptions& options) {
    options.command[0] = "cage_test_body";
    options.env["PATH"] = program_beside_this("").string() + ":/usr/bin:/bin";
  });
  attempt.ready();
}

TEST_P(ContainmentTest, an_environment_larger_than_a_packet_arrives_whole) {
  const std::string large(20'000, 'x');
  Attempt attempt(GetParam(), [&](CageOptions& options) {
    for (int i = 0; i < 10; ++i) options.env["LARGE" + std::to_string(i)] = large;
  });
  attempt.ready();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(attempt.ask("env LARGE" + std::to_string(i)), large);
  EXPECT_EQ(attempt.ask("env HOME"), "") << "the harness's own environment stays outside";
}

class KilledHarness {
 public:
  explicit KilledHarness(const std::string& mode) {
    std::array<int, 2> ends;
    checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    const std::string harness = program_beside_this("cage_test_harness");
    const std::string cage = program_beside_this("poolproof_cage");
    const std::string body = program_beside_this("cage_test_body");
    pid_ = checked(::fork(), "fork");
    if (pid_ == 0) {
      ::dup2(ends[1], 1);
      ::execl(harness.c_str(), harness.c_str(), cage.c_str(), body.c_str(), token_.c_str(),
              mode.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    const Fd out(ends[0]);
    char byte = 0;
    std::string line;
    while (::read(out.get(), &byte, 1) == 1 && byte != '\n') line += byte;
    mode_ = line.substr(0, line.find(' '));
    if (line.size() > mode_.size()) holder_ = std::atoi(line.c_str() + mode_.size());
  }
  ~KilledHarness() {
    release_descriptors();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  std::vector<int> cages() const { return cages_of(pid_); }
  // Only after this does the harness's end cause an EOF.
  void release_descriptors() {
    if (holder_ == 0) return;
    const auto ended = pidfds_of({holder_});
    ::kill(std::exchange(holder_, 0), SIGKILL);
    EXPECT_TRUE(all_end(ended));
  }
  int guard() const {
    for (const int pid : cages())
      if (read_stat(pid)->ppid == pid_) return pid;
    return 0;
  }
  int keeper() const {
    for (const int pid : cages())
      if (read_stat(pid)->ppid != pid_) return pid;
    return 0;
  }
  std::vector<Fd> all_pidfds() const {
    std::vector<int> pids = cages();
    for (const int pid : processes_with(token_))
      if (pid != pid_ && pid != holder_) pids.push_back(pid);
    return pidfds_of(pids);
  }
  int pid() const { return pid_; }
  const std::string& token() const { return token_; }
  const std::string& mode() const { return mode_; }

 private:
  std::string token_ = fresh_token();
  std::string mode_;
  int pid_ = 0;
  int holder_ = 0;
};

TEST_P(ContainmentTest, sigkill_of_the_harness_leaves_nothing) {
  KilledHarness harness(mode_word());
  ASSERT_FALSE(harness.mode().empty()) << "the harness did not come up";
  const auto pidfds = harness.all_pidfds();
  ASSERT_EQ(pidfds.size(), 2U + 5U)
      << "guard, keeper; adapter, sleeper, daemon, leaderless, worker";
  harness.release_descriptors();
  ASSERT_EQ(::kill(harness.pid(), SIGKILL), 0);
  EXPECT_TRUE(all_end(pidfds));
  EXPECT_EQ(processes_with(harness.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, sigkill_of_a_harness_whose_descriptors_live_on_leaves_nothing) {
  const KilledHarness harness(mode_word());
  const auto pidfds = harness.all_pidfds();
  ASSERT_EQ(pidfds.size(), 7U);
  ASSERT_EQ(::kill(harness.pid(), SIGKILL), 0);
  EXPECT_TRUE(all_end(pidfds));
}

TEST_P(ContainmentTest, a_keeper_that_is_stopped_cannot_keep_the_harness_from_its_end) {
  Attempt attempt(GetParam());
  attempt.ready();
  attempt.ask("daemon");
  const auto cages = cages_of(::getpid());
  ASSERT_EQ(cages.size(), 2U);
  const int keeper = read_stat(cages[0])->ppid == ::getpid() ? cages[1] : cages[0];
  ASSERT_EQ(::kill(keeper, SIGSTOP), 0);
  attempt.destroy();
  EXPECT_EQ(processes_with(attempt.token()), std::vector<int>{});
}

TEST_P(ContainmentTest, sigkill_of_the_guard_leaves_nothing) {
  const KilledHarness harness(mode_word());
  const auto pidfds = harness.all_pidfds();
  ASSERT_EQ(pidfds.size(), 7U);
  ASSERT_EQ(::kill(harness.guard(), SIGKILL), 0);
  EXPECT_TRUE(all_end(pidfds));
}

TEST(PidNamespace, ends_with_its_guard_though_the_keeper_is_stopped) {
  const KilledHarness harness("namespaces");
  if (harness.mode() != "pid-namespace")
    GTEST_SKIP() << "this machine allows no PID namespace: it has a " << harness.mode();
  const auto pidfds = harness.all_pidfds();
  ASSERT_EQ(pidfds.size(), 7U);
  ASSERT_EQ(::kill(harness.keeper(), SIGSTOP), 0);
  ASSERT_EQ(::kill(harness.guard(), SIGKILL), 0);
  EXPECT_TRUE(all_end(pidfds));
}

TEST_P(ContainmentTest, sigkill_of_the_keeper_leaves_nothing) {
  const KilledHarness harness(mode_word());
  const auto pidfds = harness.all_pidfds();
  ASSERT_EQ(pidfds.size(), 7U);
  ASSERT_EQ(::kill(harness.keeper(), SIGKILL), 0);
  EXPECT_TRUE(all_end(pidfds));
}

TEST_P(ContainmentTest, sigterm_of_the_guard_leaves_nothing) {
  const KilledHarness harness(mode_word());
  const auto pidfds = harness.all_pidfds();
  ASSERT_EQ(::kill(harness.guard(), SIGTERM), 0);
  EXPECT_TRUE(all_end(pidfds));
}

TEST_P(ContainmentTest, sigint_is_the_harness_s_own_affair) {
  Attempt attempt(GetParam());
  attempt.ready();
  const auto cages = cages_of(::getpid());
  ASSERT_EQ(cages.size(), 2U);
  for (const int pid : cages) {
    EXPECT_NE(::getsid(pid), ::getsid(0)) << "a Ctrl-C to our group must not reach it";
    ASSERT_EQ(::kill(pid, SIGINT), 0);
  }
  attempt.cage().ping(1);
  attempt.await("pong");
}

// A folder under /tmp (and /dev/shm) with the adapter in it, as a clone of the repository may be
// there.
class CloneUnder {
 public:
  explicit CloneUnder(const std::string& place) {
    std::string pattern = place + "/cage-clone-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw CallFailed("mkdtemp " + pattern);
    path_ = pattern;
    fs::copy_file(program_beside_this("cage_test_body"), path_ / "body");
    std::ofstream(path_ / "file") << "seen\n";
  }
  ~CloneUnder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST_P(ContainmentTest, an_adapter_under_tmp_is_visible_at_its_own_path_and_nothing_else_is) {
  const CloneUnder clone("/tmp");
  const CloneUnder stranger("/tmp");
  Attempt attempt(GetParam(), [&](CageOptions& options) {
    options.command[0] = clone.path() / "body";
    options.cwd = clone.path();
  });
  const json ready = attempt.ready();
  SKIP_WITHOUT_NAMESPACE(ready);
  EXPECT_EQ(ready.at("mounts").get<bool>(), GetParam()) << ready;
  EXPECT_EQ(attempt.ask("cwd"), clone.path().string());
  EXPECT_EQ(attempt.ask("see " + (clone.path() / "file").string()), "yes");
  EXPECT_EQ(attempt.ask("see " + stranger.path().string()), GetParam() ? "no" : "yes");
  json whole;
  attempt.processes(1, &whole);
  EXPECT_EQ(whole.at("files"), json::array()) << "what was visible before is no leftover";
}

TEST_P(ContainmentTest, what_environment_arguments_and_links_lead_to_under_tmp_is_visible) {
  const CloneUnder by_path("/tmp");
  const CloneUnder by_link("/tmp");
  const CloneUnder by_argument("/dev/shm");
  fs::create_symlink(by_link.path() / "file", by_path.path() / "link");
  fs::create_symlink(by_link.path() / "body", by_path.path() / "linked_body");
  Attempt attempt(GetParam(), [&](CageOptions& options) {
    options.command = {"linked_body", options.command[1],
                       "--file=" + (by_argument.path() / "file").string()};
    options.env["PATH"] = "/usr/bin:" + by_path.path().string() + ":/bin";
  });
  attempt.ready();
  EXPECT_EQ(attempt.ask("see " + (by_path.path() / "link").string()), "yes");
  EXPECT_EQ(attempt.ask("see " + (by_argument.path() / "file").string()), "yes");
}

TEST(CageStart, a_missing_cage_program_is_named_with_the_mend) {
  CageOptions options;
  options.program = "/no/such/poolproof_cage";
  options.command = {"/bin/true"};
  try {
    Cage cage(options);
    FAIL() << "it started";
  } catch (const CageError& error) {
    EXPECT_STREQ(error.what(),
                 "the cage program /no/such/poolproof_cage cannot be run: ENOENT No such file or "
                 "directory; build the target poolproof_cage, or name the program where it is");
  }
  options.program = "/etc/passwd";
  EXPECT_THROW(Cage{options}, CageError);
}

TEST(CageStart, leaves_no_descriptor_behind) {
  const auto before = numbers_in("/proc/self/fd").size();
  { Attempt attempt(true); }
  { Attempt attempt(false); }
  EXPECT_EQ(numbers_in("/proc/self/fd").size(), before);
}

TEST(CageStart, the_doors_of_this_machine_are_probed_with_a_real_cage) {
  const Doors doors = probe_doors(program_beside_this("poolproof_cage"));
  EXPECT_TRUE(doors.mode == "pid-namespace" || doors.mode == "subreaper") << doors.mode;
  EXPECT_TRUE(doors.mounts || !doors.why.empty()) << "what is less than all has a reason";
  EXPECT_EQ(doors.no_syscalls, "") << "the other tests trace here";
}

}  // namespace
}  // namespace poolproof::faults
