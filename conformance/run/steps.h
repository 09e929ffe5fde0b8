// What each step of a plan does, and when it has ended (scenarios/plan.h lists the steps).
#pragma once

#include "conformance/run/progress.h"

namespace poolproof::conformance {

// Runs the steps in order. `factor` >= 1 lengthens every limit. Throws Stuck, or AttemptOver from
// the scene.
void execute(const scenarios::Plan& plan, Scene& scene, double factor);

}  // namespace poolproof::conformance
