// JUnit XML, as CI reads it: a suite for each pool, a test case for each scenario.
//
//   passes (known failures too)  a test case; system-out has what failed below the level
//   fails, or a part of at least `level` fails    <failure type="hang-quiet">, with the evidence
//   flaky                        <failure type="flaky">: poolproof fails on it, so CI must see red.
//                                (Surefire's flakyFailure would read as a pass.) The text describes
//                                its attempts one by one
//   inconclusive                 <error>
//   declined, unavailable        <skipped>
#pragma once

#include <string>
#include <vector>

#include "reports/console.h"
#include "reports/placed.h"

namespace poolproof::reports {

std::string junit(const std::vector<Judged>& records, scenarios::Level level, const Look& look);

}  // namespace poolproof::reports
