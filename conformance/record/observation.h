// One line of events.ndjson: what was seen, by which part of the harness, and when. A plain value;
// events.md lists the kinds.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::conformance {

struct Observation {
  std::int64_t seq = 0;
  std::int64_t t_ns = 0;  // CLOCK_MONOTONIC since the start of the command
  std::string run;        // "POOL:SCENARIO"; empty: belongs to no attempt
  int attempt = 0;        // from 1; 0: belongs to no attempt
  std::string kind;
  nlohmann::json fields;  // all other fields of the line, an object

  bool operator==(const Observation&) const = default;
};

}  // namespace poolproof::conformance
