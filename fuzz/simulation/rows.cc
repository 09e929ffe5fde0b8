#include "fuzz/simulation/rows.h"

// The names that the linker gives to a wrapped function: `real` is the product's function. For the
// linker, and for C, a reference is a pointer.
#define POOLPROOF_ROW_FOR(prefix) prefix##_ZN9poolproof9supervise7row_forENS0_5StateENS0_5EventE
extern "C" const poolproof::supervise::Row* POOLPROOF_ROW_FOR(__real_)(
    poolproof::supervise::State state, poolproof::supervise::Event event);
extern "C" const poolproof::supervise::Row* POOLPROOF_ROW_FOR(__wrap_)(
    poolproof::supervise::State state, poolproof::supervise::Event event);

namespace {

poolproof::simulation::RowCounts counts;

}  // namespace

const poolproof::supervise::Row* POOLPROOF_ROW_FOR(__wrap_)(poolproof::supervise::State state,
                                                            poolproof::supervise::Event event) {
  ++counts[static_cast<std::size_t>(state) * poolproof::supervise::kEvents +
           static_cast<std::size_t>(event)];
  return POOLPROOF_ROW_FOR(__real_)(state, event);
}

namespace poolproof::simulation {

using supervise::Action;
using supervise::Event;
using supervise::State;

const RowCounts& row_counts() { return counts; }

const char* why_unreachable(const supervise::Row& row) {
  if (row.action == Action::kBug) return "our side cannot make it: it would abort";
  if (row.in == State::kReaped) return "a reaped worker is forgotten: nothing finds it any more";
  if (row.in == State::kLosing && !is_ours(row.on) && row.on != Event::kExit) {
    return "a lost channel is not read any more, and its loss is told once";
  }
  const bool moves = row.on == Event::kTakes || row.on == Event::kTaken;
  if (moves && (row.in == State::kIdle || row.in == State::kBusy)) {
    return "nothing is left to be sent to it";
  }
  if (moves && (row.in == State::kStarting || row.in == State::kInitializing ||
                row.in == State::kStopping)) {
    return "an initializer is sent in one piece here: supervise/loop_taking_test.cc has the others";
  }
  return nullptr;
}

std::string in_words(const supervise::Row& row) {
  return std::string(to_string(row.in)) + ", on " + to_string(row.on);
}

}  // namespace poolproof::simulation
