// The judge's sequence, in the order in which its rules bind. Each rule is in the file named for
// its question; this one only says which comes first.
//
//   1. No trial: interrupted or without an end -> cut-off; the harness or the adapter broke its
//      own rules -> harness-error. Nothing is judged.                       (this file)
//   2. The parts, in the order of verdict.h:
//        open        warm-up tasks give their values
//        ROLE.*      outcome, time, cause, certainty, blame                 (outcome_parts, truth)
//        run-once    no task started twice                                  (outcome_parts)
//        initialized each worker ran its initializer, once, before its tasks (outcome_parts)
//        recycled    no worker ran more tasks than the plan lets it         (outcome_parts)
//        innocents   no task failed outside of the struck worker            (outcome_parts)
//        after       the probe gives its value, as the pool says it recovers
//        close       every close answered in its time; the program ends
//        leftovers   snapshots against the baseline                         (leftovers)
//   3. An obstacle (a hang, a crash of the parent) is convicted once, at the part that was waiting;
//      later parts are not judged.                                          (obstacle)
//   4. A fault without its receipt says nothing of the pool: then only what needs no fault is
//      judged (open, run-once, an obstacle that no strike caused), else the attempt is vacuous.
//                                                                           (receipts)
//   5. The worst must part is the attempt's status.                         (verdict)
#include "conformance/judge/oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/judge/evidence.h"
#include "conformance/judge/leftovers.h"
#include "conformance/judge/obstacle.h"
#include "conformance/judge/outcome_parts.h"
#include "conformance/judge/wording.h"

namespace poolproof::conformance {
namespace {

using namespace judging;  // NOLINT: this file is where its rules come together
using scenarios::Level;
using scenarios::Plan;
using scenarios::Recovery;
using scenarios::StepKind;

Part passing(const std::string& name, Level level = Level::kMust) {
  return {name, Status::kPass, level, "", ""};
}

// Rule 1. Why there is no trial; empty if there is one.
struct NoTrial {
  Status status;
  std::string why;
};

NoTrial harness_error(const Plan& plan, const History& history, const std::string& why) {
  const std::string words = last_words(history);
  return {Status::kHarnessError,
          fmt::format("adapter `{}`: {}; {}", plan.pool.pool, why,
                      words.empty() ? "it said nothing on stderr" : "last on stderr: " + words)};
}

std::optional<NoTrial> why_no_trial(const Plan& plan, const History& history) {
  if (!history.ended) return NoTrial{Status::kCutOff, "the record stops before the attempt's end"};
  const Ending& ended = *history.ended;
  if (ended.how == "interrupted") return NoTrial{Status::kCutOff, "the run was interrupted"};
  if (!history.nonsense.empty()) return harness_error(plan, history, history.nonsense.front());
  if (ended.how == "harness-error") return harness_error(plan, history, ended.why);
  if (history.cage_deadline)
    return harness_error(plan, history, "the cage's own deadline ended the attempt");
  const bool opened = !history.opens.empty() && history.opens.front().answered_ns;
  if (!opened) return harness_error(plan, history, "its first `open` was never answered");
  return std::nullopt;
}

// Rule 2, "open": this round has no strike, so a warm-up task without its value is the pool's
// fault.
Part open_part(const Trial& trial) {
  Part part = passing("open");
  for (const TaskHistory* task : trial.history.of_role("warm-up")) {
    if (task->settled.empty()) continue;  // open: an obstacle handles it; or it was never submitted
    const Settled& settled = task->settled.front();
    if (settled.kind() != "value" && part.status == Status::kPass) {
      part.status = Status::kWrongError;
      part.expected = "value " + task->planned.value_json;
      part.got = fmt::format("{}: {}", name_of(*task), words_of(settled));
    }
  }
  if (part.status != Status::kPass) return part;
  return misbehaviour("open", trial.history.of_role("warm-up")).value_or(part);
}

// Rule 2, "after". "usable": the first probe gave its value. "recovered": the second probe did, in
// a pool that says it must be opened again or makes a new pool by itself. For such a pool, this is
// the meaning of usable.
Part after_part(const Trial& trial) {
  const auto& claim = trial.plan.expect.after;
  Part part = passing("after", claim.level);
  std::vector<const TaskHistory*> probes;
  for (const TaskHistory* task : trial.history.of_role("probe"))
    if (task->submitted_ns) probes.push_back(task);
  if (probes.empty()) throw FormError("the attempt has no probe");
  if (auto wrong = misbehaviour("after", probes)) return *wrong;
  // If the first probe itself was struck, it says nothing about the pool. It is one of the tasks
  // that a strike may cost, and the next probe shows whether the pool still works.
  const auto& struck = trial.history.call_struck;
  const bool first_was_struck = struck && struck->t_ns >= *probes.front()->submitted_ns;
  std::string word = "broken", got;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (probes[i]->settled.empty()) {
      word = "stuck";
      got = fmt::format("{} is still open", name_of(*probes[i]));
      break;
    }
    const Settled& settled = probes[i]->settled.front();
    got += fmt::format("{}{}: {}", got.empty() ? "" : "; ", name_of(*probes[i]), words_of(settled));
    if (settled.kind() != "value") continue;
    const bool again =
        i > 0 && (first_was_struck || trial.plan.pool.recovers != Recovery::kReplaces);
    word = i == 0 ? "usable" : again ? "recovered" : "broken";
  }
  const auto accepted = [&](const char* one) {
    return std::find(claim.one_of.begin(), claim.one_of.end(), one) != claim.one_of.end();
  };
  if (accepted(word.c_str()) || (word == "recovered" && accepted("usable"))) return part;
  part.status = word == "stuck" ? Status::kTimeout : Status::kWrongError;
  part.expected = fmt::format("{} (this pool {})", alternatives(claim.one_of),
                              to_string(trial.plan.pool.recovers));
  part.got = fmt::format("{}: {}", word, got);
  return part;
}

// Rule 2, "close". A close that was never answered is an obstacle. This part is about closes that
// took too long.
Part close_part(const Trial& trial) {
  const auto limit_ns = static_cast<std::int64_t>(
      static_cast<double>(trial.plan.expect.closes_within_ms) * 1e6 * trial.history.factor);
  Part part = passing("close");
  const std::int64_t struck_ns = trial.receipts.last_ns().value_or(0);
  for (const Call& close : trial.history.closes) {
    if (!close.answered_ns) continue;
    // A close that was in progress when the fault struck had to wait for us until then.
    const bool struck_within = close.sent_ns < struck_ns && struck_ns < *close.answered_ns;
    const std::int64_t took_ns = *close.answered_ns - (struck_within ? struck_ns : close.sent_ns);
    if (took_ns <= limit_ns) continue;
    part.status = Status::kTimeout;
    part.expected = fmt::format("closed within {}", duration(limit_ns));
    part.got = fmt::format("closed after {}", duration(took_ns));
  }
  const bool must_end = !trial.parent_struck && trial.history.ended->how == "done";
  const bool program_ended = std::any_of(trial.history.exits.begin(), trial.history.exits.end(),
                                         [](const Exit& exit) { return exit.adapter; });
  if (must_end && !program_ended)
    throw FormError("the attempt is done, and the adapter has no exit");
  return part;
}

// Rule 4: what is convicted even if a fault has not struck. A crash of the parent always. A hang,
// if the missing fault had not even been commanded, because then no strike of ours can have caused
// it.
bool stands_without_receipt(const Trial& trial, const Obstacle& obstacle) {
  if (obstacle.status == Status::kParentCrash) return true;
  if (weight_of(obstacle.status) != Weight::kFails) return false;
  return std::all_of(trial.receipts.faults.begin(), trial.receipts.faults.end(),
                     [](const Receipt& r) { return r.missing.empty() || r.strikes.empty(); });
}

// Rules 2 to 4: puts the parts in order, and the obstacle in its place.
class Sequence {
 public:
  explicit Sequence(const Trial& trial) : trial_(trial), struck_(trial.receipts.missing().empty()) {
    if (trial.obstacle && (struck_ || stands_without_receipt(trial, *trial.obstacle)))
      obstacle_ = trial.obstacle;
  }

  std::vector<Part> parts() && {
    add("open", false, [&] { return open_part(trial_); });
    for (const auto& role : trial_.plan.expect.roles) add_role(role);
    for (const std::string& role : roles_without_claims()) add_unclaimed(role);
    add("run-once", false, [&] { return run_once_part(trial_); });
    if (trial_.plan.opening.initializer)
      add("initialized", false, [&] { return initialized_part(trial_); });
    if (trial_.plan.opening.tasks_per_worker)
      add("recycled", false, [&] { return recycled_part(trial_); });
    if (trial_.plan.expect.lost_at_most)
      add("innocents", true, [&] { return innocents_part(trial_); });
    if (!trial_.plan.expect.after.one_of.empty())
      add("after", true, [&] { return after_part(trial_); });
    if (!trial_.parent_struck || !trial_.history.closes.empty())
      add("close", true, [&] { return close_part(trial_); });
    if (!trial_.plan.expect.leftovers.one_of.empty())
      add("leftovers", true, [&] { return leftovers_part(trial_); });
    if (obstacle_) place_obstacle();  // its own part is not claimed here, so it comes at the end
    return std::move(parts_);
  }

 private:
  void not_judged(const std::string& name, const std::string& why) {
    parts_.push_back({name, Status::kNotJudged, Level::kMust, "", why});
  }

  void place_obstacle() {
    parts_.push_back(
        {obstacle_->part, obstacle_->status, Level::kMust, obstacle_->expected, obstacle_->got});
    obstacle_.reset();
    after_obstacle_ = true;
  }

  // Why this part is not judged; empty if it is judged.
  std::string why_not(bool needs_fault) const {
    if (after_obstacle_) return "after what stopped the attempt";
    if (needs_fault && !struck_) return "the fault did not strike";
    return "";
  }

  // Is the attempt's course after this part missing from the record?
  bool stopped() const { return trial_.obstacle.has_value(); }

  template <typename Judge>
  void add(const std::string& name, bool needs_end, Judge judge) {
    if (obstacle_ && obstacle_->part == name) return place_obstacle();
    std::string why = why_not(needs_end);
    if (why.empty() && needs_end && stopped()) why = "the attempt did not come so far";
    if (!why.empty()) return not_judged(name, why);
    parts_.push_back(judge());
  }

  void add_role(const scenarios::RoleExpectation& role) {
    const std::string name = role.role + ".outcome";
    if (obstacle_ && obstacle_->part == name) return place_obstacle();
    std::string why = why_not(true);
    if (why.empty() && trial_.parent_struck) why = "the process that could tell was struck";
    const auto tasks = trial_.history.of_role(role.role);
    const bool unsettled = std::any_of(
        tasks.begin(), tasks.end(), [](const TaskHistory* task) { return task->settled.empty(); });
    if (why.empty() && stopped() && unsettled) why = "the attempt did not come so far";
    if (!why.empty()) return not_judged(name, why);
    for (Part& part : role_parts(trial_, role)) parts_.push_back(std::move(part));
  }

  std::vector<std::string> roles_without_claims() const {
    std::vector<std::string> roles;
    for (const auto& task : trial_.plan.tasks) {
      if (task.role == "warm-up" || task.role == "probe") continue;
      const bool claimed =
          std::any_of(trial_.plan.expect.roles.begin(), trial_.plan.expect.roles.end(),
                      [&](const auto& role) { return role.role == task.role; });
      if (!claimed && std::find(roles.begin(), roles.end(), task.role) == roles.end())
        roles.push_back(task.role);
    }
    return roles;
  }

  void add_unclaimed(const std::string& role) {
    const std::string name = role + ".outcome";
    if (obstacle_ && obstacle_->part == name) return place_obstacle();
    if (!why_not(true).empty()) return;
    if (auto wrong = misbehaviour(name, trial_.history.of_role(role)))
      parts_.push_back(std::move(*wrong));
  }

  const Trial& trial_;
  bool struck_;
  std::optional<Obstacle> obstacle_;  // the obstacle that must still be placed
  bool after_obstacle_ = false;
  std::vector<Part> parts_;
};

// Rule 5.
void conclude(const Trial& trial, AttemptVerdict& verdict) {
  const Part* worst = nullptr;
  const Part* unavailable = nullptr;
  for (const Part& part : verdict.parts) {
    if (part.level != Level::kMust) continue;
    const Weight weight = weight_of(part.status);
    if (part.status == Status::kUnavailable) unavailable = &part;
    if (weight != Weight::kFails && weight != Weight::kInconclusive) continue;
    if (worst == nullptr || worse(part.status, worst->status)) worst = &part;
  }
  const bool failed = worst != nullptr && weight_of(worst->status) == Weight::kFails;
  const std::string missing = trial.receipts.missing();
  if (!failed && !missing.empty()) {
    const bool cannot = !trial.history.limits.first_error().empty();
    verdict.status = cannot ? Status::kUnavailable : Status::kVacuous;
    verdict.why = missing;
  } else if (worst != nullptr) {
    verdict.status = worst->status;
    verdict.why = fmt::format("{}: {}", worst->name, worst->got);
  } else if (unavailable != nullptr) {  // a pass without the required part would claim too much
    verdict.status = Status::kUnavailable;
    verdict.why = fmt::format("{}: {}", unavailable->name, unavailable->got);
  }
}

AttemptVerdict try_to_judge(const Plan& plan, const std::vector<Observation>& attempt) {
  AttemptVerdict verdict;
  const History history = read_history(plan, attempt);
  if (const auto none = why_no_trial(plan, history)) {
    verdict.status = none->status;
    verdict.why = none->why;
    return verdict;
  }
  const Receipts receipts = read_receipts(plan, history);
  const Trial trial{plan, history, receipts, parent_was_struck(plan, history),
                    find_obstacle(plan, history)};
  verdict.parts = Sequence(trial).parts();
  conclude(trial, verdict);
  verdict.evidence = evidence_of(trial, verdict.status != Status::kPass);
  verdict.detect_ns = time_to_detect(trial);
  verdict.blank = verdict.status == Status::kVacuous && never_fired(plan, history);
  return verdict;
}

}  // namespace

AttemptVerdict judge(const Plan& plan, const std::vector<Observation>& attempt) {
  AttemptVerdict verdict;
  try {
    verdict = try_to_judge(plan, attempt);
  } catch (const judging::FormError& error) {
    verdict.status = Status::kHarnessError;
    verdict.why = fmt::format("the record contradicts its own form: {}", error.what());
  } catch (const nlohmann::json::exception& error) {
    verdict.status = Status::kHarnessError;
    verdict.why = fmt::format("the record holds a field of the wrong type: {}", error.what());
  }
  if (!attempt.empty()) verdict.attempt = attempt.front().attempt;
  return verdict;
}

}  // namespace poolproof::conformance
