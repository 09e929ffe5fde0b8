// A run that has gone still: can it ever go on? The harness goes silent and asks for the hang proof
// (observe/), so that a hang is proved a fraction of a second after it came about (events.md,
// "Proof").
#pragma once

#include <chrono>
#include <functional>

#include "conformance/run/scene.h"

namespace poolproof::conformance {

// What it promises to the proof is that until the step has ended nothing more is sent. So it is for
// waits at whose end, and not before, the harness will do something again.
class Silence {
 public:
  // `owes_nothing`: has all been done that those inside may wait for?
  Silence(Scene& scene, std::function<bool()> owes_nothing);
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  enum class End { kDone, kLimit, kHung };
  // As Scene::wait; but once nothing has come for a while, it asks whether anything ever can. Each
  // question stands in the record; the answer `hung` ends the wait. Costs two scans of /proc each
  // time, and asks less and less often while nothing changes.
  End wait(const std::function<bool()>& done, Clock::time_point limit);
  // When the last of the time limits ends that the last question saw threads wait with, but for
  // those longer than 30 s; long ago if there is none.
  Clock::time_point last_time_limit() const { return last_time_limit_; }

 private:
  bool is_hung();
  bool is_proved();

  Scene& scene_;
  const std::function<bool()> owes_nothing_;
  std::chrono::nanoseconds pause_;  // before the next question, while nothing comes
  Clock::time_point not_before_, last_time_limit_;
};

}  // namespace poolproof::conformance
