// How much this process holds over time, and how steeply it grows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fuzz/belongings.h"

namespace poolproof::fuzz::soak {

double rss_mib();  // after what is free was given back to the system

struct Slope {
  double per_minute = 0;  // least squares
  double first = 0, last = 0, most = 0;
};

class Gauge {
 public:
  void sample(double minutes);  // since the start
  Slope rss() const { return slope(rss_); }
  Slope descriptors() const { return slope(descriptors_); }
  Slope threads() const { return slope(threads_); }

 private:
  Slope slope(const std::vector<double>& values) const;
  std::vector<double> minutes_, rss_, descriptors_, threads_;
};

std::string to_string(const Slope& slope);

}  // namespace poolproof::fuzz::soak
