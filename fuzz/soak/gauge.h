// How much this process holds over time, and how fast it grows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fuzz/belongings.h"

namespace poolproof::fuzz::soak {

// Free memory must go back to the system; otherwise it is counted. So there is one arena, which can
// be trimmed at its end, and each large block is mapped separately. Call it before any thread
// starts.
void let_free_memory_go();
double rss_mib();  // after that

struct Slope {
  double per_minute = 0;
  double first = 0, last = 0, most = 0;
};

// By least squares over the lowest value of each stretch of `stretch` samples.
Slope slope_of(const std::vector<double>& minutes, const std::vector<double>& values,
               std::size_t stretch = 1);

class Gauge {
 public:
  void sample(double minutes);  // since the start
  // A large payload comes and goes within a second; what is never given back lifts the lowest, too.
  Slope rss() const { return slope_of(minutes_, rss_, 20); }
  Slope descriptors() const { return slope_of(minutes_, descriptors_); }
  Slope threads() const { return slope_of(minutes_, threads_); }

 private:
  std::vector<double> minutes_, rss_, descriptors_, threads_;
};

std::string to_string(const Slope& slope);

}  // namespace poolproof::fuzz::soak
