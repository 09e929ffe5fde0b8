// How long a wait may take. All arithmetic on durations that a user gives saturates. Internal.
#pragma once

#include <chrono>
#include <optional>

#include "poolproof/export.h"

namespace poolproof::detail {

// The instant `timeout` from now; an instant that has passed if it is negative. None: no limit was
// given, or the limit is so far away that the clock cannot represent it.
POOLPROOF_EXPORT std::optional<std::chrono::steady_clock::time_point> until_after(
    std::optional<std::chrono::nanoseconds> delay);

// Converts any duration, to the nearest one that nanoseconds can represent.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds in_nanoseconds(std::chrono::duration<Rep, Period> duration) {
  using std::chrono::nanoseconds;
  // Exact for every value that fits: a long double has at least 64 bits of mantissa here.
  using Wide = std::chrono::duration<long double, std::nano>;
  const Wide wide(duration);
  if (!(wide < Wide(nanoseconds::max()))) return nanoseconds::max();
  if (wide <= Wide(nanoseconds::min())) return nanoseconds::min();
  return nanoseconds(static_cast<nanoseconds::rep>(wide.count()));
}

template <class Duration>
constexpr std::chrono::steady_clock::time_point in_nanoseconds(
    std::chrono::time_point<std::chrono::steady_clock, Duration> instant) {
  return std::chrono::steady_clock::time_point(in_nanoseconds(instant.time_since_epoch()));
}

}  // namespace poolproof::detail
