// How long a wait may take. All arithmetic on durations that a user gives saturates. Internal.
#pragma once

#include <chrono>
#include <optional>

#include "poolproof/export.h"

namespace poolproof::detail {

// That far from now, or an instant that has passed if it is negative. None: no limit was given, or
// one so far away that the clock cannot tell it.
POOLPROOF_EXPORT std::optional<std::chrono::steady_clock::time_point> until_after(
    std::optional<std::chrono::nanoseconds> delay);

// Any duration; the nearest one that nanoseconds can tell.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds in_nanoseconds(std::chrono::duration<Rep, Period> duration) {
  using std::chrono::nanoseconds;
  // Exact for all that fits: a long double has at least 64 bits of mantissa here.
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
