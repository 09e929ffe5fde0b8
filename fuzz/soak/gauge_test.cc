// What counts as growth of the soak's own process.
#include "fuzz/soak/gauge.h"

#include <gtest/gtest.h>

namespace poolproof::fuzz::soak {
namespace {

// Ten minutes, a sample each second: 50, and every seventh what `spike` and `growth` add.
double growth_of(double spike, double growth_a_minute) {
  std::vector<double> minutes, values;
  for (int second = 0; second < 600; ++second) {
    minutes.push_back(second / 60.0);
    const bool large = second > 300 && second % 7 == 0;
    values.push_back(50 + (large ? spike : 0) + growth_a_minute * minutes.back());
  }
  return slope_of(minutes, values, 20).per_minute;
}

TEST(Gauge, takes_what_comes_and_goes_for_no_growth) { EXPECT_NEAR(growth_of(400, 0), 0, 0.01); }

TEST(Gauge, sees_what_is_never_given_back) { EXPECT_NEAR(growth_of(400, 2), 2, 0.05); }

TEST(Gauge, of_nothing_is_nothing) { EXPECT_EQ(slope_of({}, {}).per_minute, 0); }

}  // namespace
}  // namespace poolproof::fuzz::soak
