// The fixture of the loop's tests: a loop on a simulated operating system, and functions to send to
// both.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "executor/supervise/fake_os.h"
#include "executor/supervise/loop.h"

namespace poolproof::supervise {

using namespace std::chrono_literals;
using transport::Frame;
using transport::FrameKind;

struct Recorder : Outlet {
  std::map<TaskId, std::vector<Outcome>> outcomes;
  std::vector<Failure> ends;
  std::function<void()> on_settle = [] {};
  void settle(TaskId task, Outcome outcome) override {
    on_settle();
    outcomes[task].push_back(std::move(outcome));
  }
  void pool_ended(const Failure& why) override { ends.push_back(why); }
  void tell_health(std::uint64_t ticket, Health health) override { healths[ticket] = health; }
  std::map<std::uint64_t, Health> healths;
};

inline Bytes bytes(std::string_view text) {
  Bytes made(text.size());
  std::memcpy(made.data(), text.data(), text.size());
  return made;
}

class World : public testing::Test {
 protected:
  explicit World(int workers = 1)
      : World(SupervisorOptions{.workers = workers, .channel_grace = 500ms, .stop_grace = 2s}) {}
  explicit World(const SupervisorOptions& options)
      : inbox(os, std::get<os::Bell>(os.open_bell())),
        loop(os, inbox, recorder, options, {.max_payload = 1 << 20}) {}
  World(const SupervisorOptions& options, const os::WorkerSettings& settings)
      : inbox(os, std::get<os::Bell>(os.open_bell())),
        loop(os, inbox, recorder, options, settings) {}

  // Takes turns until nothing is left to do at this instant. Fails if the loop spins.
  void settle_down() {
    for (int turns = 0; turns < 1000; ++turns) {
      if (finished) return;
      finished = !loop.turn();
      if (os.quiet()) return;
    }
    FAIL() << "the loop spins";
  }
  void pass(std::chrono::nanoseconds time) {
    os.advance(time);
    settle_down();
  }
  void submit(TaskId task, std::optional<std::chrono::nanoseconds> deadline = std::nullopt) {
    submit(TaskSubmitted{.task = task, .deadline = os::after(os.now(), deadline)});
  }
  void submit(TaskSubmitted task) {
    task.payload =
        std::make_shared<const transport::Payload>(bytes("work" + std::to_string(task.task)));
    asks(std::move(task));
  }
  void says(std::size_t n, FrameKind kind, TaskId task = 0, Bytes payload = {}) {
    os.say(n, kind, task, std::move(payload));
    settle_down();
  }
  void ends(std::size_t n, ExitStatus exit) {
    os.end(n, exit);
    settle_down();
  }
  void asks(Input input) {
    inbox.put(std::move(input));
    settle_down();
  }
  // Worker 0 has started and runs task 1.
  void one_busy_worker(std::optional<std::chrono::nanoseconds> deadline = std::nullopt) {
    one_busy_worker({.task = 1, .deadline = os::after(os.now(), deadline)});
  }
  void one_busy_worker(TaskSubmitted task) {
    submit(std::move(task));
    says(0, FrameKind::kHello);
    says(0, FrameKind::kClaim, 1);
    ASSERT_EQ(os.heard(0), (Frame{FrameKind::kOffer, 1, bytes("work1")}));
  }
  const Outcome& outcome(TaskId task) {
    static const Outcome kOpen = Failure{.text = "still open"};
    const auto& all = recorder.outcomes[task];
    EXPECT_LE(all.size(), 1u) << "a future ends once";
    return all.empty() ? kOpen : all.front();
  }
  const Failure& failure(TaskId task) {
    static const Failure kNone{.text = "it ended with a value"};
    const auto* found = std::get_if<Failure>(&outcome(task));
    return found != nullptr ? *found : kNone;
  }
  bool open(TaskId task) { return recorder.outcomes[task].empty(); }

  FakeOs os;
  Inbox inbox;
  Recorder recorder;
  Loop loop;
  bool finished = false;
};

class Loop1 : public World {};
class Loop2 : public World {
 protected:
  Loop2() : World(2) {}
};

}  // namespace poolproof::supervise
