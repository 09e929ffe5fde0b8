// What the cage takes from the processes inside: each kind of limit is set, has an effect, and is
// lifted. No cgroup lives longer than its cage, whichever process was killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>

#include "faults/cage/attempt_for_test.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class LimitTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { attempt_ = std::make_unique<Attempt>(GetParam()); }

  json limit(const json& who, const std::string& what, bool room) {
    attempt_->cage().limit(++count_, who.at("pid"), who.at("start"), what, room);
    return attempt_->await("limited");
  }
  json limit_all(const std::string& what) { return limit({{"pid", 0}, {"start", 0}}, what, false); }
  void lift() {
    attempt_->cage().lift();
    EXPECT_EQ(attempt_->await("lifted").at("error"), "");
  }
  // Tells a worker to use up the limited resource; returns the status of its end.
  json exhaust(const json& met, const std::string& what) {
    attempt_->cage().answer(met.at("conn"), {{"do", "exhaust"}, {"what", what}});
    const auto of_it = [&](const json& exit) { return exit.at("pid") == met.at("pid"); };
    return attempt_->await("exit", of_it).at("status");
  }
  std::string openable() { return attempt_->ask("can-be-opened"); }

  std::unique_ptr<Attempt> attempt_;
  int count_ = 0;
};

const json kRefused = {{"code", 51}};  // cage_test_body.cc

// Why a limit could not be set; "": it was set.
std::string error_of(const json& limited) { return limited.at("error"); }

#define SKIP_UNLESS_SET(limited)  \
  if (!error_of(limited).empty()) \
  GTEST_SKIP() << "this machine cannot limit " << (limited).at("what") << ": " << error_of(limited)

INSTANTIATE_TEST_SUITE_P(Modes, LimitTest, testing::Values(true, false), [](const auto& mode) {
  return std::string(mode.param ? "pid_namespace" : "subreaper");
});

TEST_P(LimitTest, who_eats_memory_without_end_is_killed_and_the_kernel_counts_it) {
  attempt_->ready();
  const json bystander = attempt_->meet("t1");
  const json victim = attempt_->meet("t2");
  const json limited = limit(victim, "memory", true);
  SKIP_UNLESS_SET(limited);
  EXPECT_EQ(exhaust(victim, "memory").value("signal", ""), "KILL");
  const json seen = attempt_->await("limit-seen");
  EXPECT_EQ(seen.at("pid"), victim.at("pid"));
  EXPECT_EQ(seen.at("before").at("oom_kill"), 0);
  EXPECT_EQ(seen.at("now").at("oom_kill"), 1);
  // The evidence comes before the end that it explains.
  std::vector<std::string> order;
  for (const json& message : attempt_->all())
    if (message.at("ev") == "limit-seen" || message.at("ev") == "exit")
      order.push_back(message.at("ev"));
  EXPECT_EQ(order, (std::vector<std::string>{"limit-seen", "exit"}));
  EXPECT_EQ(exhaust(bystander, "files").value("signal", ""), "") << "it lives, and ends by itself";
}

TEST_P(LimitTest, a_kill_that_is_ours_is_counted_by_nobody) {
  attempt_->ready();
  const json victim = attempt_->meet("t1");
  SKIP_UNLESS_SET(limit(victim, "memory", true));
  attempt_->cage().signal(victim.at("pid"), victim.at("start"), "KILL");
  attempt_->await("exit");
  EXPECT_EQ(attempt_->await("limit-seen").at("now").at("oom_kill"), 0);
}

TEST_P(LimitTest, an_allocation_beyond_the_address_space_is_refused) {
  attempt_->ready();
  for (const char* kind : {"address-space", "data"}) {
    const json victim = attempt_->meet(kind);
    const json limited = limit(victim, kind, true);
    ASSERT_EQ(limited.at("error"), "") << kind;
    EXPECT_EQ(exhaust(victim, "memory"), kRefused) << kind;
  }
}

TEST_P(LimitTest, files_and_their_size_are_refused) {
  attempt_->ready();
  for (const char* kind : {"files", "file-size"}) {
    const json victim = attempt_->meet(kind);
    ASSERT_EQ(limit(victim, kind, true).at("error"), "") << kind;
    EXPECT_EQ(exhaust(victim, kind), kRefused) << kind;
  }
}

TEST_P(LimitTest, shared_memory_that_is_not_there_is_a_bus_error) {
  attempt_->ready();
  const json victim = attempt_->meet("t1");
  SKIP_UNLESS_SET(limit(victim, "shared-memory", true));
  EXPECT_EQ(exhaust(victim, "shared-memory").value("signal", ""), "BUS");
}

TEST_P(LimitTest, a_full_shared_memory_takes_no_file_until_it_is_lifted) {
  attempt_->ready();
  EXPECT_EQ(attempt_->ask("make /dev/shm/poolproof-limit-test-1"), "made");
  const json limited = limit_all("shared-memory");
  if (limited.at("error") != "") ::unlink("/dev/shm/poolproof-limit-test-1");
  SKIP_UNLESS_SET(limited);
  EXPECT_NE(attempt_->ask("make /dev/shm/x").find("No space left"), std::string::npos);
  lift();
  EXPECT_EQ(attempt_->ask("make /dev/shm/x"), "made");
}

TEST_P(LimitTest, nobody_is_born_until_it_is_lifted) {
  attempt_->ready();
  EXPECT_EQ(attempt_->ask("can-be-born"), "yes");
  const json limited = limit_all("processes");
  SKIP_UNLESS_SET(limited);
  EXPECT_EQ(attempt_->ask("can-be-born"), "Resource temporarily unavailable") << limited;
  lift();
  EXPECT_EQ(attempt_->ask("can-be-born"), "yes");
}

TEST_P(LimitTest, the_kernel_counts_the_births_that_it_refused) {
  attempt_->ready();
  const json limited = limit_all("processes");
  SKIP_UNLESS_SET(limited);
  if (!limited.contains("group"))
    GTEST_SKIP() << limited.at("by") << " counts nothing that it refuses";
  attempt_->ask("can-be-born");
  attempt_->cage().lift();
  const json seen = attempt_->await("limit-seen");
  EXPECT_EQ(seen.at("now").at("refused").get<int>() - seen.at("before").at("refused").get<int>(),
            1);
}

TEST_P(LimitTest, the_program_opens_nothing_more_until_it_is_lifted) {
  attempt_->ready();
  EXPECT_EQ(openable(), "yes");
  ASSERT_EQ(limit_all("files").at("error"), "");
  EXPECT_EQ(openable(), "Too many open files");
  lift();
  EXPECT_EQ(openable(), "yes");
}

TEST_P(LimitTest, a_share_of_the_cpu_is_set_and_given_back) {
  attempt_->ready();
  const json limited = limit_all("cpu");
  SKIP_UNLESS_SET(limited);
  const std::string group = limited.at("group");
  const bool first = fs::exists(group + "/cpu.cfs_quota_us");
  const auto quota = [&] {
    return read_file(group + (first ? "/cpu.cfs_quota_us" : "/cpu.max")).text;
  };
  EXPECT_EQ(quota().rfind("1000", 0), 0U) << quota() << ": a twentieth of 20 ms";
  EXPECT_FALSE(read_file(group + "/cgroup.procs").text.empty()) << "all inside are in it";
  lift();
  EXPECT_NE(quota().rfind("1000", 0), 0U) << quota();
}

TEST_P(LimitTest, programs_can_be_started_no_more_and_then_again) {
  attempt_->ready();
  const auto starts = [&] { return attempt_->ask("can-be-started"); };
  EXPECT_EQ(starts(), "yes");
  const json limited = limit_all("exec");
  SKIP_UNLESS_SET(limited);
  EXPECT_EQ(starts(), "Permission denied");
  lift();
  EXPECT_EQ(starts(), "yes");
}

TEST_P(LimitTest, what_cannot_be_limited_is_said_with_the_reason) {
  attempt_->ready();
  EXPECT_EQ(limit_all("patience").at("error"), "\"patience\" is nothing that can be limited");
  const json gone = limit({{"pid", 99999}, {"start", 1}}, "files", true);
  EXPECT_NE(gone.at("error").get<std::string>().find("ESRCH"), std::string::npos) << gone;
}

TEST_P(LimitTest, the_probe_says_of_each_kind_what_setting_it_then_shows) {
  attempt_->ready();
  attempt_->cage().probe_limits();
  const json why_not = attempt_->await("limits").at("why_not");
  EXPECT_EQ(why_not.size(), 9U) << why_not;
  for (const auto& [kind, why] : why_not.items()) {
    const json limited = limit_all(kind);
    EXPECT_EQ(error_of(limited).empty(), why.get<std::string>().empty())
        << kind << ": " << why << " / " << limited;
    lift();
  }
}

// --- cgroups end with their cage ----------------------------------------------------------------

bool is_gone(const fs::path& path) {
  for (int waited = 0; fs::exists(path) && waited < 20'000; waited += 5) ::usleep(5000);
  return !fs::exists(path);
}

TEST_P(LimitTest, cgroups_are_gone_after_the_end) {
  attempt_->ready();
  const json limited = limit(attempt_->meet("t1"), "memory", true);
  SKIP_UNLESS_SET(limited);
  const fs::path group = limited.at("group").get<std::string>();
  EXPECT_TRUE(fs::exists(group));
  attempt_->destroy();
  EXPECT_FALSE(fs::exists(group));
}

// A harness in a child process, so that it can be killed: its pid, and the cgroup in its cage.
class KilledHarness {
 public:
  explicit KilledHarness(bool namespaces) {
    std::array<int, 2> ends;
    checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    pid_ = checked(::fork(), "fork");
    if (pid_ == 0) live(namespaces, ends[1]);
    ::close(ends[1]);
    const Fd out(ends[0]);
    char byte = 0;
    while (::read(out.get(), &byte, 1) == 1 && byte != '\n') said_ += byte;
  }
  ~KilledHarness() { end(); }
  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  int pid() const { return pid_; }
  const std::string& group() const { return said_; }  // or the reason why there is none

 private:
  [[noreturn]] static void live(bool namespaces, int out) {
    Attempt attempt(namespaces);
    attempt.ready();
    const json met = attempt.meet("t1");
    attempt.cage().limit(1, met.at("pid"), met.at("start"), "memory", true);
    const json limited = attempt.await("limited");
    const std::string text = limited.value("group", limited.at("error").get<std::string>()) + "\n";
    if (::write(out, text.data(), text.size()) < 0) ::_exit(1);
    while (true) ::pause();
  }
  int pid_ = 0;
  std::string said_;
};

#define SKIP_WITHOUT_GROUP(harness)         \
  if ((harness).group().rfind('/', 0) != 0) \
  GTEST_SKIP() << "this machine allows no memory cgroup: " << (harness).group()

TEST_P(LimitTest, cgroups_are_gone_after_sigkill_of_the_harness) {
  KilledHarness harness(GetParam());
  SKIP_WITHOUT_GROUP(harness);
  ASSERT_TRUE(fs::exists(harness.group()));
  harness.end();
  EXPECT_TRUE(is_gone(harness.group())) << harness.group();
}

TEST_P(LimitTest, cgroups_are_gone_after_sigkill_of_the_keeper_or_the_guard) {
  for (const bool guard : {true, false}) {
    SetUp();
    attempt_->ready();
    const json limited = limit(attempt_->meet("t1"), "memory", true);
    SKIP_UNLESS_SET(limited);
    const fs::path group = limited.at("group").get<std::string>();
    for (const int pid : cages_of(::getpid())) {
      const bool is_guard = read_stat(pid)->ppid == ::getpid();
      if (is_guard == guard) {
        ASSERT_EQ(::kill(pid, SIGKILL), 0);
      }
    }
    attempt_->destroy();
    EXPECT_TRUE(is_gone(group)) << group << (guard ? " of a guard" : " of a keeper");
  }
}

TEST(FourCages, limit_their_own_and_no_other) {
  std::vector<std::unique_ptr<Attempt>> cages;
  std::set<std::string> groups;
  std::vector<json> met;
  for (int i = 0; i < 4; ++i) {
    cages.push_back(std::make_unique<Attempt>(true));
    cages.back()->ready();
    met.push_back(cages.back()->meet("t1"));
    cages.back()->cage().limit(1, met.back().at("pid"), met.back().at("start"), "memory", true);
    const json limited = cages.back()->await("limited");
    SKIP_UNLESS_SET(limited);
    groups.insert(limited.at("group").get<std::string>());
  }
  EXPECT_EQ(groups.size(), 4U);
  for (const std::size_t i : {0U, 2U})
    cages[i]->cage().answer(met[i].at("conn"), {{"do", "exhaust"}, {"what", "memory"}});
  for (const std::size_t i : {1U, 3U})
    cages[i]->cage().answer(met[i].at("conn"), {{"do", "exit"}, {"code", 3}});
  for (std::size_t i = 0; i < 4; ++i) {
    const bool eats = i % 2 == 0;
    EXPECT_EQ(cages[i]->await("limit-seen").at("now").at("oom_kill"), eats ? 1 : 0) << i;
    EXPECT_EQ(cages[i]->await("exit").at("status").value("code", 0), eats ? 0 : 3) << i;
  }
  cages.clear();
  for (const std::string& group : groups) EXPECT_FALSE(fs::exists(group)) << group;
}

}  // namespace
}  // namespace poolproof::faults
