// Stillness: when a step has not ended at its limit, did anything inside still move? (events.md,
// "Stillness")
#pragma once

#include <chrono>
#include <functional>

#include "conformance/scene.h"

namespace poolproof::conformance {

// Watches the last second before `until`, and writes `still` if `done` has not come true by then.
// True: it did come, late.
bool watch_stillness(Scene& scene, const std::function<bool()>& done, Clock::time_point until);

}  // namespace poolproof::conformance
