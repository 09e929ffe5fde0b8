// Runs a recorded cell again: with the plan in the record (not today's scenario file), and with the
// recorded command of the adapter.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/record/record.h"
#include "conformance/run/session.h"

namespace poolproof::conformance {

class ReplayError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;  // says what is missing in the record, and how to fix it
};

struct Recorded {
  std::string pool;
  std::string scenario;
  std::vector<std::string> command;  // the adapter's argv
  // Where the adapter was started; empty if the record does not say.
  std::filesystem::path cwd;
  scenarios::Plan plan;
  CellVerdict verdict;  // of the record
};

// `run` is POOL:SCENARIO. Throws ReplayError if the record has no such run, or one without a plan
// (it was declined, or unavailable).
Recorded find_recorded(const Record& record, const std::string& run);

struct Replayed {
  CellVerdict verdict;         // of all attempts of the replay
  std::string pool_version{};  // as the adapter reports it now
  bool interrupted = false;
  bool same = false;  // the same status of the verdict, and of each part that must hold
};

// Makes `options.repeat` attempts, whatever they show, into a separate record. Throws as Session
// does; ReplayError if the adapter can no longer be used.
Replayed replay(const Recorded& recorded, const SessionOptions& options, const CheckHooks& hooks);

}  // namespace poolproof::conformance
