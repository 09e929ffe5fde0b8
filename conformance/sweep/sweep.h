// Strikes the workers of one pool at every call that they were seen to make. It runs plans through
// a Session, as `check` does, into a record that `judge` reads like any other.
#pragma once

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/run/pools.h"
#include "conformance/run/session.h"
#include "conformance/sweep/labels.h"
#include "conformance/sweep/points.h"
#include "conformance/sweep/workload.h"

namespace poolproof::conformance::sweep {

// Why this sweep cannot start: the record belongs to another pool, or no run showed the label. Says
// how to fix it.
class SweepError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct SweepOptions {
  Pool pool;
  std::vector<Workload> workloads;
  Wanted wanted;
  std::optional<std::chrono::nanoseconds>
      budget;              // for this call of the command; the record can be continued later
  int measured = 0;        // extra runs of each workload, untraced and traced without a strike
  SessionOptions session;  // its `before` and `enough` are set by sweep()
  bool anew = false;       // replaces a record in `session.out`, whatever it holds
};

struct KnownWorkload {
  Workload workload;
  Recording recording;  // without runs: none was recorded, see Swept::unavailable
};

struct SweptPoint {
  Point point;
  std::optional<CellVerdict> verdict;  // nullopt: not yet struck
};

struct Rate {        // of runs that were made in this call
  std::string what;  // "struck", "untraced", "traced"
  int runs = 0;
  double seconds = 0;
};

struct Swept {
  std::optional<CellVerdict> aside;  // declined, unavailable, harness-error: nothing was struck
  scenarios::PoolFacts facts;
  std::vector<KnownWorkload> workloads;
  std::vector<SweptPoint> points;  // all wanted points, in the order of the sweep
  std::vector<CellVerdict> cells;  // of the whole record
  std::vector<Rate> rates;
  int resumed = 0;  // points whose verdict comes from an earlier call of the command
  bool interrupted = false;
};

inline constexpr int kRecordings = 3;

// Throws SweepError, RecordError, faults::CageError, std::filesystem::filesystem_error.
Swept sweep(const SweepOptions& options, const CheckHooks& hooks);

}  // namespace poolproof::conformance::sweep
