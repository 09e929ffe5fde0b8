// A run in which nothing moves any more: can it ever continue? The harness stops sending and
// requests the hang proof (observe/). So a hang is proved a fraction of a second after it has
// happened (events.md, "Proof").
#pragma once

#include <chrono>
#include <functional>

#include "conformance/run/scene.h"

namespace poolproof::conformance {

// The proof assumes that the harness sends nothing until the step has ended. So use it only for
// waits in which the harness sends nothing before their end.
class Silence {
 public:
  // `owes_nothing`: returns true if no process inside can wait for the harness.
  Silence(Scene& scene, std::function<bool()> owes_nothing);
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

  enum class End { kDone, kLimit, kHung };
  // As Scene::wait. But once nothing has arrived for a while, it asks whether anything ever can.
  // Each question is written to the record; the answer `hung` ends the wait. Each costs two scans
  // of /proc. It asks less and less often while nothing changes.
  End wait(const std::function<bool()>& done, Clock::time_point limit);
  // The latest end of a time limit with which a thread waited when we last asked; limits longer
  // than 30 s are ignored. A time long ago if there is none.
  Clock::time_point last_time_limit() const { return last_time_limit_; }

 private:
  bool is_hung();
  bool is_proved();

  Scene& scene_;
  const std::function<bool()> owes_nothing_;
  std::chrono::nanoseconds pause_;  // before the next question, while nothing arrives
  Clock::time_point not_before_, last_time_limit_;
};

}  // namespace poolproof::conformance
