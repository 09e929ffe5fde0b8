// Did the planned faults really strike, and the strike of a traced run? (L12) A receipt has two
// halves: the fault was commanded, and what it does was seen to happen, with a status that the
// effect explains.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/judge/history.h"
#include "conformance/judge/verdict.h"

namespace poolproof::conformance::judging {

struct Strike {
  Told told;
  std::optional<std::int64_t> landed_ns;  // second half; nothing: it did not come, see `why_not`
  std::optional<ExitStatus> status;       // of the process, where the effect ends one
  std::string why_not;
};

struct Receipt {
  int fault = 0;  // kCallStrike: the strike of plan.trace
  std::vector<Strike> strikes;
  std::string missing;  // a sentence; empty: the receipt is complete
};

inline constexpr int kCallStrike = -1;

struct Receipts {
  std::vector<Receipt> faults;  // one for each of the plan, in its order; then the call strike's

  std::string missing() const;                  // of the first fault without one; empty: all struck
  std::optional<std::int64_t> last_ns() const;  // when the last strike landed
  std::vector<const Strike*> on_task(const std::string& id) const;
  bool struck(int pid) const;  // a landed strike on this process that ends it
};

// In words, of an attempt that has one: "`signal:KILL` after the call `write:pipe#2 in after-1`".
std::string words_of_call_strike(const scenarios::Plan& plan);

// No process of the strike's lineages made the call: the attempt says nothing of the point.
bool never_fired(const scenarios::Plan& plan, const History& history);

Receipts read_receipts(const scenarios::Plan& plan, const History& history);

// The adapter itself was told to die: its end is ours, and nobody is left who could tell outcomes.
bool parent_was_struck(const scenarios::Plan& plan, const History& history);

}  // namespace poolproof::conformance::judging
