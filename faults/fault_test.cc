#include "faults/fault.h"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

namespace poolproof::faults {
namespace {

TEST(Fault, every_point_reads_back_as_itself) {
  const std::vector<Point> all = {Point::kIdle,       Point::kRunning,      Point::kEncodeArgs,
                                  Point::kDecodeArgs, Point::kEncodeResult, Point::kDecodeResult,
                                  Point::kSending,    Point::kCallback};
  for (const Point point : all) EXPECT_EQ(parse_point(to_string(point)), point) << to_string(point);
  EXPECT_EQ(to_string(Point::kDecodeArgs), "decode-args");
}

TEST(Fault, every_target_reads_back_as_itself) {
  for (const Target target :
       {Target::kWorker, Target::kAllWorkers, Target::kParent, Target::kGroup})
    EXPECT_EQ(parse_target(to_string(target)), target) << to_string(target);
}

std::vector<Effect> all_effects() {
  std::vector<Effect> effects = {{EffectKind::kLoop, 0, 0},   {EffectKind::kSleep, 0, 0},
                                 {EffectKind::kThrow, 0, 0},  {EffectKind::kThrowUndecodable, 0, 0},
                                 {EffectKind::kFork, 0, 0},   {EffectKind::kCloseFds, 0, 0},
                                 {EffectKind::kReturn, 0, 0}, {EffectKind::kGarbage, 0, 0}};
  for (const Resource resource :
       {Resource::kMemory, Resource::kAddressSpace, Resource::kData, Resource::kStack,
        Resource::kFiles, Resource::kFileSize, Resource::kSharedMemory})
    effects.push_back({EffectKind::kExhaust, 0, 0, resource});
  for (const Resource resource : {Resource::kProcesses, Resource::kFiles, Resource::kSharedMemory,
                                  Resource::kCpu, Resource::kExec})
    effects.push_back({EffectKind::kDeny, 0, 0, resource});
  for (int signal = 1; signal < NSIG; ++signal) {
    effects.push_back({EffectKind::kSignal, signal, 0});
    effects.push_back({EffectKind::kRaise, signal, 0});
  }
  for (int code = 0; code <= 255; ++code) effects.push_back({EffectKind::kExit, 0, code});
  return effects;
}

TEST(Fault, every_effect_reads_back_as_itself) {
  for (const Effect& effect : all_effects())
    EXPECT_EQ(parse_effect(to_string(effect)), effect) << to_string(effect);
}

TEST(Fault, sigkill_by_the_process_door_is_called_kill_and_may_be_written_in_full) {
  const Effect kill = {EffectKind::kSignal, SIGKILL, 0};
  EXPECT_EQ(to_string(kill), "kill");
  EXPECT_EQ(parse_effect("signal:KILL"), kill);
  EXPECT_EQ(parse_effect("signal:SIGKILL"), kill);
  EXPECT_EQ(to_string(Effect{EffectKind::kRaise, SIGKILL, 0}), "raise:KILL");
}

TEST(Fault, a_word_that_is_no_effect_is_refused) {
  for (const char* text : {"",
                           "kil",
                           "KILL",
                           "kill ",
                           "exit",
                           "exit:",
                           "exit:256",
                           "exit:-1",
                           "exit:+1",
                           "exit:007",
                           "exit:1x",
                           "exit:99999999999",
                           "signal",
                           "signal:",
                           "signal:SIG",
                           "signal:NOPE",
                           "signal:sigsegv",
                           "signal:0",
                           "signal:65",
                           "raise:",
                           "raise:0",
                           "loop:1",
                           "throw:x",
                           "exhaust",
                           "exhaust:",
                           "deny",
                           "exhaust:processes",
                           "deny:memory",
                           "deny:?"})
    EXPECT_EQ(parse_effect(text), std::nullopt) << text;
}

TEST(Fault, a_word_that_is_no_point_or_target_is_refused) {
  for (const char* text : {"", "Idle", "runing", "decode_args", "worker"})
    EXPECT_EQ(parse_point(text), std::nullopt) << text;
  for (const char* text : {"", "workers", "all_workers", "idle"})
    EXPECT_EQ(parse_target(text), std::nullopt) << text;
}

TEST(Fault, signals_are_read_with_and_without_prefix_and_by_number) {
  EXPECT_EQ(parse_signal("SEGV"), SIGSEGV);
  EXPECT_EQ(parse_signal("SIGSEGV"), SIGSEGV);
  EXPECT_EQ(parse_signal("11"), SIGSEGV);
  EXPECT_EQ(parse_signal("SIG11"), std::nullopt);
  EXPECT_EQ(signal_name(SIGTERM), "TERM");
}

TEST(Fault, a_signal_without_a_name_is_told_by_its_number) {
  EXPECT_EQ(signal_name(SIGRTMIN), std::to_string(SIGRTMIN));
  EXPECT_EQ(parse_signal(signal_name(SIGRTMIN)), SIGRTMIN);
}

TEST(Fault, only_signals_and_the_end_of_main_enter_by_the_process_door) {
  for (const Effect& effect : all_effects()) {
    const bool by_us = effect.kind == EffectKind::kSignal || effect.kind == EffectKind::kReturn;
    EXPECT_EQ(door_of(effect) == Door::kProcess, by_us) << to_string(effect);
  }
}

TEST(Fault, what_is_limited_enters_by_the_limit_door_and_a_stack_needs_none) {
  for (const Effect& effect : all_effects()) {
    const bool limits = effect.kind == EffectKind::kDeny || effect.kind == EffectKind::kExhaust;
    EXPECT_EQ(door_of(effect) == Door::kLimit, limits && effect.resource != Resource::kStack)
        << to_string(effect);
  }
  EXPECT_EQ(to_string(Door::kLimit), "limit");
  EXPECT_EQ(to_string(Door::kProcess), "process");
  EXPECT_EQ(to_string(Door::kTask), "task");
}

TEST(Fault, the_receipt_of_a_signal_a_raise_and_an_exit_is_an_exit_of_the_process) {
  EXPECT_TRUE(ends_process({EffectKind::kSignal, SIGKILL, 0}));
  EXPECT_TRUE(ends_process({EffectKind::kRaise, SIGSEGV, 0}));
  EXPECT_TRUE(ends_process({EffectKind::kExit, 0, 0}));
  EXPECT_FALSE(ends_process({EffectKind::kLoop, 0, 0}));
  EXPECT_FALSE(ends_process({EffectKind::kSleep, 0, 0}));
  EXPECT_FALSE(ends_process({EffectKind::kThrow, 0, 0}));
}

TEST(Fault, no_effect_has_two_kinds_of_receipt) {
  for (const Effect& effect : all_effects())
    EXPECT_LE(
        ends_process(effect) + is_written_by_task(effect) + ends_process_or_is_written(effect), 1)
        << to_string(effect);
  EXPECT_TRUE(ends_process({EffectKind::kExhaust, 0, 0, Resource::kMemory}));
  EXPECT_TRUE(ends_process_or_is_written({EffectKind::kExhaust, 0, 0, Resource::kStack}));
  EXPECT_TRUE(is_written_by_task({EffectKind::kFork, 0, 0}));
  EXPECT_TRUE(is_written_by_task({EffectKind::kCloseFds, 0, 0}));
}

TEST(Fault, a_task_meets_at_running_on_its_way_to_sending) {
  EXPECT_EQ(meets_at(Point::kSending), "running");
  EXPECT_EQ(meets_at(Point::kCallback), "callback");
}

TEST(Fault, a_fault_of_the_parent_or_its_group_strikes_the_program) {
  Fault fault;
  EXPECT_FALSE(strikes_program(fault));
  fault.target = Target::kParent;
  EXPECT_TRUE(strikes_program(fault));
  fault.target = Target::kGroup;
  EXPECT_TRUE(strikes_program(fault));
}

}  // namespace
}  // namespace poolproof::faults
