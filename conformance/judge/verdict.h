// Verdicts: the types that `judge` returns. Plain values. Status and Weight come from
// conformance/protocol/words.toml.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "generated/words.h"  // Status, Weight
#include "scenarios/plan.h"

namespace poolproof::conformance {

std::string to_string(Status status);  // "hang-quiet"
std::optional<Status> parse_status(std::string_view text);
Weight weight_of(Status status);
bool worse(Status one, Status other);  // worst wins: any failure > any inconclusive > aside > pass

// One part of one attempt, in this order: "open" (the pool opens, and its workers run their first
// tasks); for each role "victim.outcome", "victim.within", "victim.cause", "victim.certainty",
// "victim.blame"; then "run-once" (no task ran twice); "initialized" and "recycled" (if the plan
// opens that way: each worker ran its initializer first, and no more tasks than it may);
// "innocents" (if it is claimed: no task failed that was not in the struck worker); "after";
// "close" (the pool's close and the end of its program); "leftovers".
struct Part {
  std::string name;
  Status status = Status::kPass;
  scenarios::Level level = scenarios::Level::kMust;  // how serious it is if this part fails
  std::string expected;                              // as text, empty if it passed
  std::string got;                                   // as text, empty if it passed
  bool operator==(const Part&) const = default;
};

struct AttemptVerdict {
  int attempt = 1;
  Status status = Status::kPass;  // the worst must part, or what ended the attempt (vacuous,
                                  // harness-error, cut-off)
  std::string why;                // one sentence, empty for pass
  std::vector<Part> parts;
  std::vector<std::string>
      // Sentences: open futures, deaths and their times, what each thread waits for.
      evidence;
  bool blank = false;  // vacuous because its strike found no call to strike: it says nothing at all
  std::optional<std::int64_t> detect_ns;  // from the last receipt to the victims' last error
  bool operator==(const AttemptVerdict&) const = default;
};

struct CellVerdict {
  std::string pool;
  std::string scenario;
  Status status = Status::kPass;  // of its attempts; see fold() for mixed ones
  std::string why{};
  std::vector<Part> parts{};  // of the attempt that decided
  std::vector<AttemptVerdict> attempts{};
  std::string rate{};  // failing: "3 of 3", or "1 of 3" with kFlaky; empty if no attempt failed
  bool operator==(const CellVerdict&) const = default;
};

}  // namespace poolproof::conformance
