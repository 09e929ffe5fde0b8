// The state of an attempt: which tasks were submitted, which bodies wait at a rendezvous, which
// faults have struck. It also has the only function that waits for the end of a step. Steps and
// strikes share it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/run/scene.h"
#include "conformance/run/silence.h"
#include "scenarios/plan.h"

namespace poolproof::conformance {

struct Stuck {};  // thrown when a step did not end; the record already says so

class Progress {
 public:
  // `factor` says how slow the machine is: `scaled` multiplies limits by it. Takes over the scene's
  // `hold`.
  Progress(const scenarios::Plan& whole_plan, Scene& whole_scene, double factor);
  ~Progress();  // bodies may still come while the scene is cleared; they are not answered
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  const scenarios::PlannedTask& task(const std::string& id) const;  // must be in the plan
  std::vector<std::string> tasks_of(const std::string& role) const;
  bool settled(const std::vector<std::string>& ids) const;

  // The meetings of these tasks that wait at this point now.
  std::vector<Meeting*> standing(const std::vector<std::string>& ids, const std::string& point);
  void release(const std::vector<Meeting*>& meetings);  // tells them to continue
  std::vector<Meeting*> standing_anywhere();            // every meeting that waits for an answer
  bool waits_for_us(const Meeting& meeting) const;      // false: it may continue at once

  std::chrono::nanoseconds scaled(std::chrono::nanoseconds limit) const;
  // Waits for `done`. Throws Stuck as soon as it is proved that it can never come. After the limit,
  // it watches for stillness until the pool's own longest wait is also over, and then throws Stuck.
  void require(const std::function<bool()>& done, std::chrono::nanoseconds limit);
  // Waits until the adapter has read everything that was sent, and writes `heard` into the record.
  void await_heard(const std::string& command);

  void begin_step(int index);
  void end_step();

  const scenarios::Plan& plan;
  Scene& scene;
  std::vector<Identity> workers;       // known from the last warm-up
  std::set<int> struck, strikes_over;  // struck: the fault was commanded. strikes_over: its receipt
                                       // has come, or is no longer awaited

 private:
  void note(const char* state);
  int times_met(const Meeting& meeting) const;

  double factor_;
  int index_ = 0;
  Silence silence_;
};

}  // namespace poolproof::conformance
