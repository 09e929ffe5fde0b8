// What a snapshot shows of processes that really wait, sleep, or are zombies, in each mode.
#include <gtest/gtest.h>

#include <chrono>

#include "faults/cage/attempt_for_test.h"
#include "faults/cage/cgroup_place.h"
#include "faults/cage/limit_cgroup.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

class SnapshotTest : public testing::TestWithParam<bool> {
 protected:
  Attempt attempt_{GetParam()};
  json ready_;
  json whole_;

  void SetUp() override {
    ready_ = attempt_.ready();
    if (GetParam() && ready_.at("mode") != "pid-namespace")
      GTEST_SKIP() << "this machine allows no PID namespace: " << ready_.at("why");
  }

  int pid_from(const std::string& answer) {
    return std::atoi(answer.substr(answer.find(' ') + 1).c_str());
  }

  // A snapshot may see a process that is still falling asleep: asks again until the result fits.
  json process(int pid, const std::function<bool(const json&)>& fits) {
    json last;
    while (in_time()) {
      for (const json& each : attempt_.processes(++snap_, &whole_))
        if (each.at("pid") == pid) last = each;
      if (!last.is_null() && fits(last)) return last;
    }
    ADD_FAILURE() << "never as wanted: " << last;
    return last;
  }

  // On a busy machine a process may not run for the time of any number of looks.
  bool in_time() const { return std::chrono::steady_clock::now() < limit_; }

  bool rests() {
    attempt_.cage().activity(++looks_);
    return attempt_.await("activity").at("rests");
  }

  bool comes_to_rest() {
    while (in_time())
      if (rests()) return true;
    return false;
  }

  bool has(const char* list, const std::string& item) {
    for (const json& each : whole_.at(list))
      if (each == item) return true;
    return false;
  }

  int snap_ = 0, looks_ = 0;
  const std::chrono::steady_clock::time_point limit_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
};

INSTANTIATE_TEST_SUITE_P(Modes, SnapshotTest, testing::Values(true, false), [](const auto& mode) {
  return std::string(mode.param ? "pid_namespace" : "subreaper");
});

bool waits(const json& process, const std::string& words) {
  return process.at("threads").size() == 1 &&
         process.at("threads")[0].at("wait").get<std::string>().find(words) != std::string::npos;
}

TEST_P(SnapshotTest, a_sleeping_child_is_shown_with_its_wait_in_words) {
  const int pid = pid_from(attempt_.ask("sleeper"));
  const json sleeper = process(pid, [](const json& p) {
    return p.at("state") == "S" && waits(p, "wait for a signal, no time limit");
  });
  EXPECT_EQ(sleeper.at("name"), "cage_body");
  EXPECT_EQ(sleeper.at("ppid"), ready_.at("adapter").at("pid"));
  EXPECT_NE(sleeper.at("command").get<std::string>().find(attempt_.token()), std::string::npos);
  EXPECT_GT(sleeper.at("threads")[0].at("switches").get<int>(), 0);
}

TEST_P(SnapshotTest, the_adapter_is_shown_reading_its_line_with_its_descriptors) {
  const int pid = ready_.at("adapter").at("pid");
  const json adapter = process(pid, [](const json& p) { return waits(p, "read fd 0 socket:["); });
  ASSERT_EQ(adapter.at("fds").size(), 3U);
  EXPECT_EQ(adapter.at("fds")[0].at("mode"), "rw");
  EXPECT_EQ(adapter.at("fds")[2].at("mode"), "w");
  EXPECT_EQ(adapter.at("fds")[2].at("to").get<std::string>().rfind("pipe:[", 0), 0U);
  EXPECT_GT(adapter.at("io_bytes").get<long>(), 0);
  EXPECT_GE(adapter.at("cpu_ticks").get<long>(), 0);
}

TEST_P(SnapshotTest, who_moves_can_be_asked_without_a_picture) {
  const int pid = pid_from(attempt_.ask("sleeper"));
  const auto of_it = [&](const json& threads) {
    for (const json& thread : threads)
      if (thread[0] == pid) return thread;
    return json();
  };
  json seen;
  for (int n = 1; in_time() && (seen.is_null() || seen[1] != "S"); ++n) {
    attempt_.cage().activity(n);
    seen = of_it(attempt_.await("activity").at("threads"));
  }
  EXPECT_EQ(seen[1], "S") << seen;
  attempt_.cage().activity(0);
  EXPECT_EQ(of_it(attempt_.await("activity").at("threads")), seen) << "it has not moved";
}

TEST_P(SnapshotTest, all_rest_who_sleep_until_somebody_else_does_something) {
  EXPECT_TRUE(comes_to_rest()) << "it reads its line";
  attempt_.ask("sleeper");
  EXPECT_TRUE(comes_to_rest());
  const int pid = pid_from(attempt_.ask("held t1"));
  const json met = attempt_.await("met");
  process(pid, [](const json& p) { return waits(p, "wait for a signal"); });
  for (int look = 1; look <= 100; ++look) ASSERT_FALSE(rests()) << "it waits for us";
  attempt_.cage().answer(met.at("conn"), {{"do", "go"}});
  EXPECT_TRUE(comes_to_rest());
}

TEST_P(SnapshotTest, nobody_rests_while_one_runs_sleeps_for_a_time_or_has_to_be_waited_for) {
  for (const char* who : {"drowsy", "zombie", "runner"}) {
    Attempt other(GetParam());
    other.ready();
    other.ask(who);
    for (int n = 1; n <= 200; ++n) {
      other.cage().activity(n);
      ASSERT_FALSE(other.await("activity").at("rests")) << who << ", at look " << n;
    }
  }
}

TEST_P(SnapshotTest, a_zombie_is_shown_as_one) {
  const int pid = pid_from(attempt_.ask("zombie"));
  const json zombie =
      process(pid, [](const json& p) { return p.at("state") == "Z" && waits(p, "ended"); });
  EXPECT_EQ(zombie.at("threads").size(), 1U);
  EXPECT_TRUE(zombie.at("fds").empty());
}

TEST_P(SnapshotTest, all_threads_are_shown_though_the_first_has_ended) {
  const int pid = pid_from(attempt_.ask("leaderless"));
  const json both = process(pid, [](const json& p) {
    return p.at("state") == "Z" && p.at("threads").size() == 2 &&
           p.at("threads")[0].at("state") == "Z" && p.at("threads")[1].at("state") == "S";
  });
  EXPECT_TRUE(both.at("fds").empty()) << "so /proc shows it, and only the threads tell the truth";
}

TEST_P(SnapshotTest, files_and_shared_memory_are_listed) {
  const std::string name = "poolproof-" + attempt_.token();
  ASSERT_EQ(attempt_.ask("file left-behind"), "made");
  ASSERT_EQ(attempt_.ask("make /dev/shm/" + name), "made");
  ASSERT_EQ(attempt_.ask("make /tmp/" + name), "made");
  attempt_.processes(1, &whole_);
  EXPECT_TRUE(has("files", ready_.at("tmp").get<std::string>() + "/left-behind"));
  EXPECT_TRUE(has("shm", name));
  EXPECT_EQ(has("files", "/tmp/" + name), ready_.at("mounts").get<bool>());
  for (const json& path : whole_.at("files"))
    EXPECT_EQ(path.get<std::string>().find("/meet"), std::string::npos) << "the keeper's own";
  if (ready_.at("mounts").get<bool>()) {
    EXPECT_EQ(whole_.at("shm").size(), 1U);
    EXPECT_FALSE(std::filesystem::exists("/tmp/" + name)) << "it left the cage";
  } else {
    std::filesystem::remove("/tmp/" + name);
    std::filesystem::remove("/dev/shm/" + name);
  }
}

TEST_P(SnapshotTest, sockets_are_shown_with_their_address_and_folders_as_folders) {
  const std::string tmp = ready_.at("tmp");
  const std::string port = attempt_.ask("sockets " + tmp + "/left.sock");
  attempt_.ask("folder " + tmp + "/left");
  const json adapter = process(ready_.at("adapter").at("pid"), [](const json&) { return true; });
  std::string all;
  for (const json& fd : adapter.at("fds")) all += fd.value("socket", "") + "\n";
  EXPECT_NE(all.find("unix " + tmp + "/left.sock\n"), std::string::npos) << all;
  EXPECT_NE(all.find("unix @cage-test-"), std::string::npos) << all;
  EXPECT_NE(all.find("listens on tcp port " + port + "\n"), std::string::npos) << all;
  EXPECT_TRUE(has("files", tmp + "/left.sock"));
  EXPECT_TRUE(has("files", tmp + "/left/"));
}

TEST_P(SnapshotTest, a_control_group_that_somebody_inside_made_is_listed_until_it_is_removed) {
  std::string group;
  try {
    group = find_cgroup_place("pids", read_file("/proc/self/mountinfo", 1U << 20).text,
                              read_file("/proc/self/cgroup").text)
                .parent +
            "/" + attempt_.token();
  } catch (const std::runtime_error& none) {
    GTEST_SKIP() << none.what();
  }
  if (const std::string joins = attempt_.ask("join-a-group " + group); joins != "yes")
    GTEST_SKIP() << "no group can be made and joined here: " << joins;
  attempt_.processes(1, &whole_);
  EXPECT_EQ(whole_.at("groups"), json::array({group}));
  attempt_.cage().end();
  EXPECT_TRUE(attempt_.ended());
  EXPECT_TRUE(remove_cgroup(group)) << "nothing lives in it any more";
}

TEST_P(SnapshotTest, a_snapshot_larger_than_a_packet_is_cut_and_says_so) {
  ASSERT_EQ(attempt_.ask("open 3000"), "opened");
  const int pid = ready_.at("adapter").at("pid");
  const json adapter = process(pid, [](const json& p) { return waits(p, "read fd 0"); });
  EXPECT_EQ(adapter.at("fds").size() + adapter.at("fds_cut").get<std::size_t>(), 3003U);
  EXPECT_LE(adapter.dump().size(), 65536U);
}

TEST_P(SnapshotTest, many_processes_are_all_listed) {
  ASSERT_EQ(attempt_.ask("children 100"), "made");
  EXPECT_EQ(attempt_.processes(1).size(), 101U);
}

}  // namespace
}  // namespace poolproof::faults
