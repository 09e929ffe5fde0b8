// Did the planned faults really strike, and did the strike of a traced run? (L12) A receipt has two
// halves: the fault was commanded, and its effect was seen to happen, with an exit status that the
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
  // The second half; nullopt: it did not come, see `why_not`.
  std::optional<std::int64_t> landed_ns;
  std::optional<ExitStatus> status;  // of the process, if the effect ends one
  std::string why_not;
};

struct Receipt {
  int fault = 0;  // kCallStrike: the strike of plan.trace
  std::vector<Strike> strikes;
  std::string missing;  // a sentence; empty: the receipt is complete
};

inline constexpr int kCallStrike = -1;

struct Receipts {
  // One for each fault of the plan, in its order; then the one of the call strike.
  std::vector<Receipt> faults;

  std::string missing() const;                  // of the first fault without one; empty: all struck
  std::optional<std::int64_t> last_ns() const;  // when the last strike landed
  std::vector<const Strike*> on_task(const std::string& id) const;
  bool struck(int pid) const;  // whether a strike with a receipt ended this process
};

// As text, for an attempt that has one: "`signal:KILL` after the call `write:pipe#2 in after-1`".
std::string words_of_call_strike(const scenarios::Plan& plan);

// No process of the strike's lineages made the call, so the attempt says nothing about this point.
bool never_fired(const scenarios::Plan& plan, const History& history);

Receipts read_receipts(const scenarios::Plan& plan, const History& history);

// The adapter itself was told to die. We caused its end, and no process is left that could report
// outcomes.
bool parent_was_struck(const scenarios::Plan& plan, const History& history);

}  // namespace poolproof::conformance::judging
