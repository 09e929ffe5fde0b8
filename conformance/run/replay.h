// A recorded cell, run again: the plan as it stands in the record (not the scenario's file of
// today), on the adapter's command as it was recorded.
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
  using std::runtime_error::runtime_error;  // what is missing in the record, and the mend
};

struct Recorded {
  std::string pool;
  std::string scenario;
  std::vector<std::string> command;  // the adapter's argv
  std::filesystem::path cwd;         // where it was started; empty: the record does not say
  scenarios::Plan plan;
  CellVerdict verdict;  // of the record
};

// `run` is POOL:SCENARIO. Throws ReplayError if the record has no such run, or none with a plan (it
// was declined, or unavailable).
Recorded find_recorded(const Record& record, const std::string& run);

struct Replayed {
  CellVerdict verdict;         // of all attempts of the replay
  std::string pool_version{};  // what the adapter says today
  bool interrupted = false;
  bool same = false;  // the verdict, in its status and in the status of each part that must hold
};

// Makes `options.repeat` attempts, whatever they show, into a record of their own. Throws as
// Session does; ReplayError if the adapter cannot be spoken to any more.
Replayed replay(const Recorded& recorded, const SessionOptions& options, const CheckHooks& hooks);

}  // namespace poolproof::conformance
