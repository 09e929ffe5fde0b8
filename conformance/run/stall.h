// A step did not end at its limit. Did anything inside still move? (events.md,
// "Stillness")
#pragma once

#include <chrono>
#include <functional>

#include "conformance/run/silence.h"

namespace poolproof::conformance {

// Watches the last second before `until`, and writes `still` if `done` is not true by then. kDone:
// it became true, but late.
Silence::End watch_stillness(Scene& scene, Silence& silence, const std::function<bool()>& done,
                             Clock::time_point until);

}  // namespace poolproof::conformance
