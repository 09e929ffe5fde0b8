#include "fuzz/soak/gauge.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

namespace poolproof::fuzz::soak {

void let_free_memory_go() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 128 << 10);  // otherwise it grows with what is freed
}

double rss_mib() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

void Gauge::sample(double minutes) {
  const Belongings now = belongings();
  minutes_.push_back(minutes);
  rss_.push_back(rss_mib());
  descriptors_.push_back(static_cast<double>(now.descriptors));
  threads_.push_back(static_cast<double>(now.threads));
}

Slope slope_of(const std::vector<double>& minutes, const std::vector<double>& values,
               std::size_t stretch) {
  if (values.empty()) return {};
  std::vector<std::size_t> lows;  // of each stretch
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % stretch == 0) {
      lows.push_back(i);
    } else if (values[i] < values[lows.back()]) {
      lows.back() = i;
    }
  }
  const auto count = static_cast<double>(lows.size());
  double mean_x = 0, mean_y = 0;
  for (const std::size_t i : lows) mean_x += minutes[i] / count;
  for (const std::size_t i : lows) mean_y += values[i] / count;
  double covariance = 0, variance = 0;
  for (const std::size_t i : lows) {
    covariance += (minutes[i] - mean_x) * (values[i] - mean_y);
    variance += (minutes[i] - mean_x) * (minutes[i] - mean_x);
  }
  return {variance > 0 ? covariance / variance : 0, values.front(), values.back(),
          *std::max_element(values.begin(), values.end())};
}

std::string to_string(const Slope& slope) {
  char text[128];
  std::snprintf(text, sizeof(text), "%+.3f a minute; first %.1f, last %.1f, most %.1f",
                slope.per_minute, slope.first, slope.last, slope.most);
  return text;
}

}  // namespace poolproof::fuzz::soak
