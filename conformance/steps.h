// What each step of a plan does, and when it has ended (scenarios/plan.h lists the steps).
#pragma once

#include "conformance/scene.h"
#include "scenarios/plan.h"

namespace poolproof::conformance {

struct Stuck {
};  // thrown: a step did not end within all that the pool may take; `still` is in the record

// Runs the steps in order. `factor` >= 1 lengthens every limit. Throws Stuck, or AttemptOver from
// the scene.
void execute(const scenarios::Plan& plan, Scene& scene, double factor);

}  // namespace poolproof::conformance
