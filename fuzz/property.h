// One property as one gtest, with a number of cases, and the seed in the failure's text.
//
// rc::check takes the number only from the environment. This is the one place that uses the
// library's detail namespace to set it. RC_PARAMS="seed=..." still replays a run.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>
#include <string>
#include <utility>

namespace poolproof::fuzz {

template <class Testable>
void holds(const std::string& what, int cases, Testable&& testable) {
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = cases;
  rc::detail::TestMetadata metadata;
  metadata.id = what;
  metadata.description = what;
  const rc::detail::TestResult result =
      rc::detail::checkTestable(std::forward<Testable>(testable), metadata, params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>())
      << what << "\n"
      << text.str() << "\nseed=" << params.seed;
}

}  // namespace poolproof::fuzz
