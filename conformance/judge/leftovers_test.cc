#include "conformance/judge/leftovers.h"

#include <gtest/gtest.h>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;

json process(int pid, int ppid, const std::string& state, const std::string& command) {
  return {{"pid", pid},
          {"ppid", ppid},
          {"start", 1000 + pid},
          {"state", state},
          {"name", "worker"},
          {"command", state == "Z" ? "" : command},
          {"threads", json::array()},
          {"fds", json::array()}};
}

// A correct attempt, changed by `edit`; returns its part "leftovers".
Part leftovers_with(const std::function<void(Lines&)>& edit) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  edit(lines);
  const auto verdict = judge(plan, lines);
  const Part* found = part(verdict, "leftovers");
  if (found == nullptr)
    return {"leftovers", Status::kNotJudged, scenarios::Level::kMust, "", verdict.why};
  return *found;
}

void expect_leak(const Part& got, const std::string& name) {
  EXPECT_EQ(got.status, Status::kLeak) << name << ": " << got.got;
  EXPECT_NE(got.got.find(name), std::string::npos) << got.got;
}

TEST(Leftovers, a_worker_after_close_is_a_leak_and_named) {
  expect_leak(leftovers_with([](Lines& lines) {
                add_process(lines, "closed", process(23, 10, "S", "adapter"));
              }),
              "process 23 `worker` (S, child of 10)");
}

TEST(Leftovers, a_zombie_after_close_is_a_leak_and_named) {
  expect_leak(
      leftovers_with([](Lines& lines) { add_process(lines, "closed", process(21, 10, "Z", "")); }),
      "zombie 21 `worker` of 10");
}

TEST(Leftovers, a_zombie_that_the_keeper_is_about_to_reap_is_no_leak) {
  for (const char* why : {"closed", "end"}) {
    EXPECT_EQ(leftovers_with([&](Lines& lines) {
                add_process(lines, why, process(21, 1, "Z", ""));
              }).status,
              Status::kPass);
  }
}

TEST(Leftovers, what_the_first_round_left_too_is_no_leak_but_one_more_of_it_is) {
  const auto tracker = [](int pid) { return process(pid, 10, "S", "resource_tracker"); };
  EXPECT_EQ(leftovers_with([&](Lines& lines) {
              add_process(lines, "baseline", tracker(13));
              add_process(lines, "closed", tracker(24));  // started again: still one
            }).status,
            Status::kPass);
  expect_leak(leftovers_with([&](Lines& lines) {
                add_process(lines, "baseline", tracker(13));
                add_process(lines, "closed", tracker(13));
                add_process(lines, "closed", tracker(25));
              }),
              "process 25");
}

TEST(Leftovers, a_descriptor_more_is_a_leak_and_one_with_a_new_number_is_none) {
  const json fd = {{"fd", 9}, {"to", "pipe:[77]"}, {"mode", "r"}};
  expect_leak(leftovers_with(
                  [&](Lines& lines) { adapter_in(lines, "closed").fields["fds"].push_back(fd); }),
              "fd 9 -> pipe:[77]");
  EXPECT_EQ(leftovers_with([&](Lines& lines) {
              adapter_in(lines, "closed").fields["fds"][1]["to"] = "pipe:[99]";
            }).status,
            Status::kPass);
}

TEST(Leftovers, a_thread_more_is_a_leak_unless_it_has_done_its_last_act) {
  const auto with = [](const std::string& state) {
    return leftovers_with([&](Lines& lines) {
      adapter_in(lines, "closed")
          .fields["threads"]
          .push_back({{"tid", 15}, {"state", state}, {"wait", "futex, no time limit"}});
    });
  };
  expect_leak(with("S"), "thread 15 (futex, no time limit)");
  EXPECT_EQ(with("X").status, Status::kPass);
}

TEST(Leftovers, a_control_group_of_the_pools_own_is_named_after_close_and_after_the_end) {
  for (const char* why : {"closed", "end"})
    expect_leak(leftovers_with([&](Lines& lines) {
                  snapshot_of(lines, why).fields["groups"] = {"/sys/fs/cgroup/memory/pool"};
                }),
                "control group /sys/fs/cgroup/memory/pool");
}

TEST(Leftovers, shared_memory_and_files_are_named) {
  expect_leak(leftovers_with([](Lines& lines) {
                snapshot_of(lines, "closed").fields["shm"].push_back("psm_1");
              }),
              "/dev/shm/psm_1");
  expect_leak(leftovers_with([](Lines& lines) {
                snapshot_of(lines, "closed").fields["files"].push_back("/tmp/a/spool");
              }),
              "file /tmp/a/spool");
}

TEST(Leftovers, named_semaphores_and_folders_are_called_so) {
  expect_leak(leftovers_with([](Lines& lines) {
                snapshot_of(lines, "closed").fields["shm"].push_back("sem.pool");
              }),
              "named semaphore /dev/shm/sem.pool");
  expect_leak(leftovers_with([](Lines& lines) {
                snapshot_of(lines, "closed").fields["files"].push_back("/tmp/a/spool/");
              }),
              "folder /tmp/a/spool/");
}

// A port, or a socket with a name, instead of a nameless one is not just a new number of the same.
TEST(Leftovers, a_socket_with_an_address_is_a_leak_where_there_was_a_nameless_one) {
  const auto with = [](const std::string& before, const std::string& after) {
    return leftovers_with([&](Lines& lines) {
      for (const auto& [why, socket] :
           {std::pair("baseline", before), std::pair("closed", after)}) {
        json fd = {{"fd", 9}, {"to", "socket:[77]"}, {"mode", "rw"}};
        if (!socket.empty()) fd["socket"] = socket;
        adapter_in(lines, why).fields["fds"].push_back(fd);
      }
    });
  };
  expect_leak(with("", "listens on tcp port 4000"),
              "fd 9 -> socket:[77] (listens on tcp port 4000)");
  expect_leak(with("", "unix @pool"), "fd 9 -> socket:[77] (unix @pool)");
  EXPECT_EQ(with("listens on tcp port 4000", "listens on tcp port 4001").status, Status::kPass)
      << "the port is new each time";
  EXPECT_EQ(with("unix @a", "unix @b").status, Status::kPass);
}

TEST(Leftovers, after_the_end_nothing_at_all_may_be_left) {
  const auto at_end = [](const std::function<void(Lines&)>& edit) {
    const Part got = leftovers_with(edit);
    EXPECT_NE(got.got.find("after the end of the program"), std::string::npos) << got.got;
    return got;
  };
  expect_leak(at_end([](Lines& lines) { add_process(lines, "end", process(23, 1, "S", "w")); }),
              "process 23");
  expect_leak(at_end([](Lines& lines) {  // even what the baseline had
                snapshot_of(lines, "baseline").fields["shm"].push_back("sem.x");
                snapshot_of(lines, "closed").fields["shm"].push_back("sem.x");
                snapshot_of(lines, "end").fields["shm"].push_back("sem.x");
              }),
              "/dev/shm/sem.x");
  expect_leak(at_end([](Lines& lines) {
                snapshot_of(lines, "end").fields["files"].push_back("/tmp/pool.lock");
              }),
              "file /tmp/pool.lock");
}

TEST(Leftovers, where_shared_memory_is_shared_with_others_no_pool_is_convicted_of_a_name) {
  const auto shared = [](const char* at_end) {
    return leftovers_with([&](Lines& lines) {
      first(lines, of_kind("cage")).fields["mounts"] = false;
      for (const char* why : {"baseline", "closed", "end"})
        snapshot_of(lines, why).fields["shm"].push_back("somebody_else");
      if (at_end != nullptr) snapshot_of(lines, "end").fields["shm"].push_back(at_end);
    });
  };
  EXPECT_EQ(shared(nullptr).status, Status::kPass);
  EXPECT_EQ(shared("psm_2").status, Status::kUnavailable);
  EXPECT_NE(shared("psm_2").got.find("/dev/shm/psm_2"), std::string::npos);
}

TEST(Leftovers, the_last_look_after_a_close_counts_and_each_close_counts) {
  const auto look = [](Lines& lines, const Predicate& before, int snap, bool leaks) {
    const Observation adapter = adapter_in(lines, "baseline");
    Observation copy = adapter;
    copy.fields["snap"] = snap;
    if (leaks) copy.fields["fds"].push_back({{"fd", 9}, {"to", "pipe:[77]"}, {"mode", "r"}});
    const json whole = {{"snap", snap},
                        {"count", 1},
                        {"shm", json::array()},
                        {"files", {"/tmp/a/ledger", "/tmp/a/meet"}}};
    insert_before(lines, before, copy);
    insert_before(lines, before, line("snapshot", whole, 0));
    insert_before(lines, before, line("taken", {{"snap", snap}, {"why", "closed"}}, 0));
  };
  const auto closed_taken = [](const Observation& l) {
    return l.kind == "taken" && l.fields["why"] == "closed";
  };
  EXPECT_EQ(leftovers_with([&](Lines& lines) { look(lines, closed_taken, 50, true); }).status,
            Status::kPass)
      << "it was gone at the second look";
  expect_leak(leftovers_with([&](Lines& lines) { look(lines, asks("bye"), 51, true); }),
              "fd 9 -> pipe:[77]");

  const auto plan = killed_plan(scenarios::Recovery::kBreaks);
  auto lines = healthy(plan);
  const int snap = first(lines, closed_taken).fields["snap"];  // of the close before the reopening
  first(lines,
        [&](const Observation& l) { return l.kind == "process" && l.fields["snap"] == snap; })
      .fields["fds"]
      .push_back({{"fd", 9}, {"to", "pipe:[77]"}, {"mode", "r"}});
  EXPECT_EQ(judge(plan, lines).status, Status::kLeak);
}

TEST(Leftovers, many_are_counted_and_not_all_named) {
  const Part got = leftovers_with([](Lines& lines) {
    for (int pid = 100; pid < 150; ++pid)
      add_process(lines, "closed", process(pid, 10, "S", "adapter"));
  });
  EXPECT_NE(got.got.find("and 42 more"), std::string::npos) << got.got;
}

TEST(Leftovers, a_snapshot_that_is_not_whole_is_a_harness_error) {
  const auto plan = killed_plan();
  auto lines = healthy(plan);
  snapshot_of(lines, "closed").fields["count"] = 5;
  EXPECT_EQ(judge(plan, lines).status, Status::kHarnessError);
}

// The parent is killed.

TEST(Leftovers, after_a_kill_of_the_parent_a_clean_end_passes_and_a_worker_that_lives_is_a_leak) {
  const auto plan = parent_plan();
  auto lines = healthy_parent_kill(plan);
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kPass) << verdict.why << statuses(verdict);
  EXPECT_TRUE(has_evidence(verdict, "process 21 died by signal KILL"));

  add_process(lines, "end", process(21, 1, "S", "adapter"));
  const Observation killed_by_us = first(lines, exit_of(21));
  drop(lines, exit_of(21));
  insert_before(lines, of_kind("healed"), killed_by_us);
  const auto leak = judge(plan, lines);
  EXPECT_EQ(leak.status, Status::kLeak);
  EXPECT_FALSE(has_evidence(leak, "process 21 died")) << "it was the cage that killed it";
}

TEST(Leftovers, a_subreaper_cannot_judge_a_kill_of_the_parent) {
  const auto plan = parent_plan();
  auto lines = healthy_parent_kill(plan);
  first(lines, of_kind("cage")).fields["mode"] = "subreaper";
  const auto verdict = judge(plan, lines);
  EXPECT_EQ(verdict.status, Status::kUnavailable) << statuses(verdict);
  EXPECT_EQ(part(verdict, "leftovers")->status, Status::kUnavailable);
}

TEST(Leftovers, a_parent_that_survives_its_kill_makes_the_attempt_vacuous) {
  const auto plan = parent_plan();
  auto lines = healthy_parent_kill(plan);
  drop(lines, exit_of(10));
  EXPECT_EQ(judge(plan, lines).status, Status::kVacuous);
}

TEST(Leftovers, nothing_claimed_is_nothing_judged) {
  auto plan = killed_plan();
  plan.expect.leftovers = {};
  auto lines = healthy(plan);
  add_process(lines, "end", process(23, 1, "S", "adapter"));
  EXPECT_EQ(judge(plan, lines).status, Status::kPass);
}

}  // namespace
}  // namespace poolproof::conformance
