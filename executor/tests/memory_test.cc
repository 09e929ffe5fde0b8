// Memory that fails on the supervisor's thread. Whichever allocation it is, the program continues,
// every future ends, and no worker is left. A separate program, because it replaces operator new.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "executor/front/trace.h"
#include "executor/supervise/loop_world.h"
#include "executor/tests/failing_new.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace {

using namespace std::chrono_literals;
using namespace testing_support;
using transport::Frame;
using transport::FrameKind;
using transport::FrameParser;

constexpr long kMany = 1'000'000;

// While it exists, only this thread may fail.
class Failing {
 public:
  explicit Failing(long nth, long more = 0, std::size_t bytes = 0) {
    fail_allocation(nth, more, bytes);
    set_may_fail(true);
  }
  ~Failing() { stop(); }
  long stop() {
    set_may_fail(false);
    return stop_failing();
  }
};

class ParserWithoutMemory : public testing::TestWithParam<transport::Growth> {
 protected:
  ParserWithoutMemory() { set_may_fail(false); }
};
INSTANTIATE_TEST_SUITE_P(Growth, ParserWithoutMemory,
                         testing::Values(transport::Growth::kWithWhatCame,
                                         transport::Growth::kAtOnce));

TEST_P(ParserWithoutMemory, drops_the_payload_says_so_and_reads_on) {
  const Bytes large = to_bytes(Frame{FrameKind::kValue, 7, Bytes(1 << 20)});
  const Bytes next = to_bytes(Frame{FrameKind::kValue, 8, Bytes(5)});
  for (const std::size_t part : {std::size_t{1000}, std::size_t{1} << 16, large.size()}) {
    FrameParser parser(2 << 20, GetParam());
    FrameParser whole(2 << 20);
    whole.feed(large);
    {
      const Failing failing(1, kMany, 100'000);
      for (std::size_t at = 0; at < large.size(); at += part) {
        parser.feed(std::span(large).subspan(at, std::min(part, large.size() - at)));
      }
    }
    const auto dropped = parser.next();
    ASSERT_TRUE(dropped);
    EXPECT_EQ(dropped->task, 7u);
    EXPECT_EQ(dropped->dropped, std::size_t{1} << 20);
    EXPECT_TRUE(dropped->payload.empty());
    EXPECT_EQ(parser.digest(), whole.digest()) << "the tally counts it";
    parser.feed(next);
    EXPECT_EQ(parser.next(), (Frame{FrameKind::kValue, 8, Bytes(5)}));
  }
}

TEST_P(ParserWithoutMemory, still_checks_the_sum) {
  Bytes large = to_bytes(Frame{FrameKind::kValue, 7, Bytes(1 << 20)});
  large.back() ^= std::byte{1};
  FrameParser parser(2 << 20, GetParam());
  const Failing failing(1, kMany, 100'000);
  parser.feed(large);
  EXPECT_FALSE(parser.next());
  EXPECT_TRUE(parser.error());
}

class MemoryOfTheLoop : public supervise::World {
 protected:
  MemoryOfTheLoop() { set_may_fail(false); }
  void turn_without(std::size_t bytes) {
    for (int turns = 0; turns < 100; ++turns) {
      const Failing failing(1, kMany, bytes);
      loop.turn();
      if (os.quiet()) return;
    }
  }
};

TEST_F(MemoryOfTheLoop, that_fails_for_a_result_ends_that_task_alone) {
  one_busy_worker();
  submit(2);
  os.say(0, FrameKind::kValue, 1, Bytes(500'000));
  turn_without(100'000);
  EXPECT_EQ(failure(1).kind, FailureKind::kDecode);
  EXPECT_EQ(failure(1).stage, Stage::kResult);
  EXPECT_EQ(failure(1).type_name, "std::bad_alloc");
  EXPECT_TRUE(failure(1).started);
  EXPECT_NE(failure(1).text.find("500000 bytes"), std::string::npos) << failure(1).text;
  EXPECT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 2, supervise::bytes("work2")}));
  says(0, FrameKind::kClaim, 2);
  says(0, FrameKind::kValue, 2, supervise::bytes("done"));
  EXPECT_EQ(outcome(2), supervise::Outcome(supervise::bytes("done")));
  EXPECT_EQ(os.spawned(), 1u);
}

TEST_F(MemoryOfTheLoop, that_fails_for_the_report_of_a_failure_ends_that_task_alone) {
  one_busy_worker();
  os.say(0, FrameKind::kFailed, 1, Bytes(100'000));
  turn_without(90'000);
  EXPECT_EQ(failure(1).kind, FailureKind::kDecode);
  EXPECT_FALSE(os.worker(0).killed);
  EXPECT_TRUE(recorder.ends.empty());
}

TEST_F(MemoryOfTheLoop, that_it_takes_does_not_grow_with_the_workers_that_are_allowed) {
  constexpr int kMost = std::numeric_limits<int>::max();
  inbox.put(supervise::ResizeAsked{kMost});
  inbox.put(supervise::PrestartAsked{3});
  turn_without(100'000);
  EXPECT_FALSE(loop.broke_down());
  EXPECT_EQ(os.spawned(), 3u);
  for (const TaskId task : {1, 2, 3, 4, 5}) inbox.put(supervise::TaskSubmitted{.task = task});
  turn_without(100'000);
  EXPECT_EQ(os.spawned(), 5u);
  inbox.put(supervise::ResizeAsked{kMost - 1});
  inbox.put(supervise::HealthAsked{1});
  turn_without(100'000);
  EXPECT_EQ(recorder.healths.at(1).workers_wanted, kMost - 1);
}

// Its own bookkeeping has memory: what is tried is the loop.
class SoundOs final : public supervise::FakeOs {
 public:
  std::variant<os::Child, os::SysError> spawn_worker(int index,
                                                     const os::WorkerSettings& settings) override {
    const Sound sound;
    return FakeOs::spawn_worker(index, settings);
  }
  os::IoResult write(int channel, std::array<std::span<const std::byte>, 2> parts) override {
    const Sound sound;
    return FakeOs::write(channel, parts);
  }

 private:
  struct Sound {
    Sound() { set_may_fail(false); }
    ~Sound() { set_may_fail(true); }
  };
};

// A worker dies, another one serves, a third task waits: this uses most of the loop. Returns
// whether an allocation was reached that had to fail.
bool play(long nth, long more) {
  set_may_fail(false);
  SoundOs os;
  supervise::Inbox inbox(os, std::get<os::Bell>(os.open_bell()));
  supervise::Recorder recorder;
  recorder.ends.reserve(2);
  long failed = 0;
  bool finished = false, broke = false;
  {
    supervise::Loop loop(os, inbox, recorder, {.workers = 2},
                         {.max_payload = 1 << 20, .keep_stderr = true});
    const auto settle_down = [&] {
      for (int turns = 0; turns < 100 && !finished; ++turns) {
        set_may_fail(true);
        finished = !loop.turn();
        set_may_fail(false);
        if (os.quiet()) return;
      }
    };
    const auto says = [&](std::size_t n, FrameKind kind, TaskId task, Bytes payload) {
      if (n < os.spawned()) os.say(n, kind, task, std::move(payload));
      settle_down();
    };
    fail_allocation(nth, more);
    for (const TaskId task : {1, 2, 3}) inbox.put(supervise::TaskSubmitted{.task = task});
    settle_down();
    for (const std::size_t n : {0, 1}) says(n, FrameKind::kHello, 0, {});
    for (const std::size_t n : {0, 1}) says(n, FrameKind::kClaim, n + 1, {});
    says(0, FrameKind::kValue, 1, Bytes(200));
    if (os.spawned() > 1) os.end(1, Signaled{SIGSEGV, false});
    settle_down();
    says(0, FrameKind::kClaim, 3, {});
    says(0, FrameKind::kFailed, 3,
         transport::to_bytes(Failure{.text = "why", .type_name = "a::long::Name"}));
    inbox.put(supervise::ShutdownAsked{.pending = Pending::kDrain});
    settle_down();
    if (!finished && os.spawned() > 0) os.end(0, Exited{0});
    settle_down();
    failed = stop_failing();
    broke = loop.broke_down();
    EXPECT_TRUE(finished) << nth;
    EXPECT_EQ(broke, !recorder.ends.empty()) << nth;
    // If a pool broke down, its owner ends what is still open.
    for (const auto& [task, outcomes] : recorder.outcomes) EXPECT_LE(outcomes.size(), 1u) << nth;
    EXPECT_TRUE(broke || recorder.outcomes.size() == 3) << nth;
  }
  for (std::size_t n = 0; n < os.spawned(); ++n) EXPECT_EQ(os.worker(n).reaped, 1) << nth;
  EXPECT_EQ(os.open_descriptors(), 1u) << nth << ": all but the bell";
  EXPECT_TRUE(!broke || recorder.ends.front().kind == FailureKind::kSupervisorLost) << nth;
  return failed > 0;
}

TEST(EveryAllocationOfTheLoop, may_fail_and_no_worker_is_left) {
  long nth = 1;
  while (play(nth, 0) && !testing::Test::HasFailure()) ++nth;
  EXPECT_GT(nth, 50) << "they were reached";
}

TEST(EveryAllocationOfTheLoop, and_all_after_it_may_fail_and_no_worker_is_left) {
  long nth = 1;
  while (play(nth, kMany) && !testing::Test::HasFailure()) ++nth;
  EXPECT_GT(nth, 50);
}

std::size_t open_files() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

template <class T>
bool ends_in_an_error(Future<T>& future) {
  EXPECT_TRUE(future.wait_for(60s)) << "every future ends";
  try {
    future.get();
    return false;
  } catch (const ExecutorError& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    return true;
  }
}

// The same with real processes. Only the supervisor's thread may fail.
bool play_for_real(long nth, long more, bool& broke) {
  set_may_fail(false);
  long failed = 0;
  {
    Executor pool({.workers = 1});
    fail_allocation(nth, more);
    try {
      auto value = pool.submit([](std::string text) { return text; }, "a text that is not short");
      auto death = pool.submit([] { _exit(3); });
      auto later = pool.submit([](int x) { return x; }, 7);
      ends_in_an_error(value);
      ends_in_an_error(death);
      ends_in_an_error(later);
      (void)pool.submit([] {}).wait_for(60s);
    } catch (const SupervisorLost&) {
      broke = true;
    } catch (const SpawnError&) {  // its thread could not be started
    }
    failed = stop_failing();
    pool.shutdown({.pending = Pending::kCancel});
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << nth << ": a worker is left";
  EXPECT_EQ(errno, ECHILD);
  return failed > 0;
}

TEST(EveryAllocationOfASupervisor, may_fail_and_the_program_lives_on) {
  set_may_fail(false);
  const std::size_t files = open_files();
  bool broke = false;
  long nth = 1;
  while (play_for_real(nth, 0, broke) && !HasFailure()) ++nth;
  EXPECT_TRUE(broke);
  EXPECT_GT(nth, 50);
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(Executor({.workers = 1}).submit([] { return 1; }).get(), 1);
}

TEST(EveryAllocationOfASupervisor, and_some_after_it_may_fail_and_the_program_lives_on) {
  set_may_fail(false);
  bool broke = false;
  long nth = 1;
  while (play_for_real(nth, 4, broke) && !HasFailure()) nth += 3;
  EXPECT_TRUE(broke);
}

// Of the allocations of the thread that writes a trace, the nth fails, and `more` after it.
bool play_trace(long nth, long more) {
  set_may_fail(false);
  detail::Trace trace({.sink = [](std::string_view) { throw std::runtime_error("no network"); }},
                      "a program with a long name");
  detail::Trace healthy({.sink = [](std::string_view) {}}, "a program with a long name");
  fail_allocation(nth, more);
  for (detail::Trace* each : {&trace, &healthy}) {
    each->submitted(1, "a task with a name that is not short");
    each->worker_started({0, 7});
    each->begun(1, {0, 7});
    each->ended(1, Bytes());
    each->worker_ended({0, 7});
    each->finish();
  }
  const long failed = stop_failing();
  EXPECT_FALSE(trace.error().empty()) << nth;
  return failed > 0;
}

TEST(MemoryOfATrace, that_fails_ends_the_trace_and_nothing_else) {
  long nth = 1;
  while (play_trace(nth, 0)) ++nth;
  EXPECT_GT(nth, 5);
  for (nth = 1; play_trace(nth, kMany);) ++nth;
}

TEST(MemoryOfATrace, that_fails_is_told_by_it) {
  set_may_fail(false);
  testing::internal::CaptureStderr();
  std::promise<void> set;
  detail::Trace trace({.sink = [&](std::string_view) { set.get_future().wait(); }}, "a program");
  fail_allocation(1, kMany);
  set.set_value();
  trace.submitted(1, "a task with a name that is not short");
  trace.finish();
  stop_failing();
  EXPECT_EQ(trace.error(), "there was no memory for the trace");
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no memory for the trace"),
            std::string::npos);
}

TEST(MemoryOfATrace, that_fails_where_something_is_told_to_it_leaves_that_out) {
  set_may_fail(false);
  std::string text;
  const auto sink = [&](std::string_view piece) {
    set_may_fail(false);  // on the trace's thread, which has allocated nothing before
    text += piece;
  };
  detail::Trace trace({.sink = sink}, "a program");
  {
    const Failing failing(1, kMany, 20);
    EXPECT_NO_THROW(trace.submitted(1, "a task"));
  }
  trace.finish();
  EXPECT_EQ(trace.error(), "");
  EXPECT_NE(text.find("poolproof left out 1 events here"), std::string::npos) << text;
}

TEST(MemoryOfAProgram, that_fails_for_a_result_ends_that_task_alone) {
  set_may_fail(false);
  Executor pool({.workers = 1});
  const int pid = pool.submit(getpid).get();
  fail_allocation(1, kMany, 1 << 20);
  auto large = pool.submit([](int bytes) { return std::string(bytes, 'x'); }, 4 << 20);
  EXPECT_TRUE(large.wait_for(60s));
  stop_failing();
  try {
    large.get();
    FAIL();
  } catch (const DecodeError& error) {
    EXPECT_EQ(error.stage(), Stage::kResult);
    EXPECT_NE(std::string(error.what()).find("no memory"), std::string::npos) << error.what();
  }
  EXPECT_EQ(pool.submit(getpid).get(), pid) << "worker and pool go on";
}

}  // namespace
}  // namespace poolproof
