#include "conformance/sweep/points.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "conformance/sweep/staged_recording.h"

namespace poolproof::conformance::sweep {
namespace {

using faults::CallEffect;
using faults::Moment;

Wanted wanted(std::string_view effect) { return {parse_effects(effect), {}, {}, {}, {}}; }

std::vector<std::string> moments_at(const Recording& recording, const char* label,
                                    std::string_view effect, bool freezable = false) {
  std::vector<std::string> moments;
  for (const Point& point : points_of("w", recording, wanted(effect), freezable))
    if (to_string(point.label) == label) moments.push_back(faults::to_string(point.moment));
  return moments;
}

using Words = std::vector<std::string>;

class Points : public testing::Test {
 protected:
  Recording forks_ = learn({staged::run_of_a_forking_pool()}, 1);
  Recording spawns_ = learn({staged::run_of_a_spawning_pool()}, 1);
};

TEST_F(Points, a_call_is_struck_before_and_after_and_one_that_moves_bytes_out_is_torn_too) {
  EXPECT_EQ(moments_at(forks_, "worker read:pipe#1 in start", "kill"), (Words{"before", "after"}));
  EXPECT_EQ(moments_at(forks_, "worker write:pipe#2 in after-1", "kill"),
            (Words{"before", "torn-byte", "torn-half", "torn-last", "after"}));
}

TEST_F(Points, nothing_strikes_after_a_call_that_never_returns) {
  EXPECT_EQ(moments_at(forks_, "worker exit_group:-#1 in shutdown", "kill"), Words{"before"});
}

TEST_F(Points, a_byte_or_two_are_not_torn_in_more_ways_than_there_are) {
  Recording recording = forks_;
  for (RecordedCall& call : recording.calls) call.bytes = 2;
  EXPECT_EQ(moments_at(recording, "worker write:pipe#1 in after-1", "kill"),
            (Words{"before", "torn-byte", "after"}));
  for (RecordedCall& call : recording.calls) call.bytes = 1;
  EXPECT_EQ(moments_at(recording, "worker write:pipe#1 in after-1", "kill"),
            (Words{"before", "after"}));
}

TEST_F(Points, what_stands_in_the_place_of_a_call_comes_only_before_it) {
  EXPECT_EQ(moments_at(forks_, "worker write:pipe#2 in after-1", "exit:3"), Words{"before"});
  EXPECT_EQ(moments_at(forks_, "worker write:pipe#2 in after-1", "short"), Words{"before"});
}

TEST_F(Points, a_freeze_needs_a_deadline_and_a_worker) {
  EXPECT_TRUE(points_of("w", spawns_, wanted("freeze"), false).empty());
  EXPECT_FALSE(moments_at(spawns_, "worker read:socket#1 in start", "freeze", true).empty());
  EXPECT_TRUE(moments_at(spawns_, "newborn execve:-#1 in start", "freeze", true).empty());
}

TEST_F(Points, only_what_is_wanted_is_struck) {
  Wanted only = wanted("kill");
  only.phases = {Phase::kSpawn};
  for (const Point& point : points_of("w", spawns_, only, false))
    EXPECT_EQ(point.label.role, Role::kNewborn);
  only = wanted("kill");
  only.at = parse_label("worker read:socket#1 in start");
  only.moments = {Moment::kAfter};
  ASSERT_EQ(points_of("w", spawns_, only, false).size(), 1U);
  only.roles = {Role::kNewborn};
  EXPECT_TRUE(points_of("w", spawns_, only, false).empty());
}

TEST_F(Points, a_worker_that_is_replaced_is_struck_on_its_way_out) {
  Wanted only = wanted("kill");
  only.phases = {Phase::kRecycle};
  std::vector<std::string> names;
  for (const Point& point :
       points_of("w", learn({staged::run_of_a_recycling_pool()}, 1), only, false))
    names.push_back(to_string(point.label) + " " + faults::to_string(point.moment));
  EXPECT_EQ(names,
            (Words{"worker close:pipe#1 in after-1 before", "worker close:pipe#1 in after-1 after",
                   "worker exit_group:-#1 in after-1 before"}));
  EXPECT_TRUE(points_of("w", forks_, only, false).empty()) << "nobody recycles there";
}

TEST_F(Points, each_has_a_name_of_its_own_that_says_what_it_is) {
  std::set<std::string> names;
  Wanted both = wanted("kill");
  both.effects.push_back({CallEffect::Kind::kSignal, SIGSEGV});
  const auto points = points_of("big_results", forks_, both, false);
  for (const Point& point : points) names.insert(scenario_of(point));
  EXPECT_EQ(names.size(), points.size());
  EXPECT_EQ(names.count("sweep/big_results/worker write:pipe#2 in after-1@torn-half:signal:KILL"),
            1U);
}

TEST_F(Points, a_newborn_is_struck_in_what_it_is_and_not_in_what_it_becomes) {
  const Point point{"w", *parse_label("newborn execve:-#1 in start"), Phase::kSpawn,
                    Moment::kBefore, parse_effects("kill").front()};
  EXPECT_EQ(strike_at(point, spawns_).lineages, Words{"adapter>fork"});
}

TEST(Effects, have_short_words_and_full_ones) {
  EXPECT_EQ(parse_effects("kill"), parse_effects("signal:KILL"));
  EXPECT_EQ(parse_effects("errno").size(), 3U);
  EXPECT_EQ(parse_effects("errno:ENOSPC").size(), 1U);
  EXPECT_TRUE(parse_effects("tickle").empty());
}

}  // namespace
}  // namespace poolproof::conformance::sweep
