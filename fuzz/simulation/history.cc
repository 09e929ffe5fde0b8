#include "fuzz/simulation/history.h"

#include <signal.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "fuzz/simulation/memory.h"

namespace poolproof::simulation {
namespace {

constexpr int kMostTurns = 200;      // in a row, while nothing else happens
constexpr int kMostSteps = 3000;     // after the faults have stopped
constexpr std::size_t kRarely = 16;  // time passes although something else could happen

// Made once: this does not test the checksum of a payload.
transport::SharedPayload payload_of(TaskId task, bool large) {
  static const auto kPayloads = [] {
    std::array<transport::SharedPayload, 32> made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i] = std::make_shared<const transport::Payload>(Bytes(i % 2 == 0 ? 4 : 200));
    }
    return made;
  }();
  return kPayloads[task % 16 * 2 + (large ? 1 : 0)];
}

}  // namespace

History::History(const Plan& plan, Choices& choices)
    : choices_(choices),
      judge_(facts_),
      kernel_(facts_, judge_),
      inbox_(kernel_, std::get<os::Bell>(kernel_.open_bell())),
      program_(facts_, judge_, kernel_),
      strikes_(facts_, kernel_, program_, inbox_),
      strikes_left_(plan.strikes) {
  facts_.plan = plan;
  facts_.wanted = plan.options.workers;
  facts_.tasks.resize(plan.tasks.size());
  for (std::size_t i = 0; i < plan.tasks.size(); ++i) facts_.tasks[i].plan = plan.tasks[i];
  if (plan.init != Init::kNone) facts_.plan.options.initializer = payload_of(0, false);
  kernel_.in_drain = [this] {
    if (submit_in_drain_ || (!choices_.walks() && choices_.one_in(kRarely))) {
      submit_in_drain_ = false;
      facts_.record.add(What::kSubmitInHush);
      submit_next();
    }
  };
  loop_.emplace(kernel_, inbox_, static_cast<supervise::Outlet&>(*this), facts_.plan.options,
                facts_.plan.settings);
}

std::string History::run() {
  try {
    while (submitted_ < facts_.plan.at_once) submit_next();
    live();
    recover();
  } catch (const std::runtime_error& spins) {
    facts_.breaks(spins.what());
  }
  facts_.lost = loop_->lost_descriptors();
  for (Process& process : facts_.processes) {
    if (process.awaited && facts_.broken.empty()) kernel_.release(process);
  }
  kernel_.release_all();
  kernel_.let_time_pass();
  loop_.reset();
  if (facts_.broken.empty()) {
    judge_.is_over();
    kernel_.is_over();
  }
  return facts_.broken;
}

void History::live() {
  for (int steps = 0; steps < facts_.plan.steps; ++steps) {
    while (may_strike()) continue;
    if (facts_.finished || !facts_.broken.empty() || !step(facts_.plan.shuffled)) return;
  }
}

// Faults have stopped: from here on everything must end by itself (law L5).
void History::recover() {
  if (facts_.finished || !facts_.broken.empty()) return;
  strikes_.heal();
  if (!end_asked_) shut_down();
  strikes_left_ = 0;
  for (int steps = 0; steps < kMostSteps; ++steps) {
    if (facts_.finished || !facts_.broken.empty() || !step(false)) return;
  }
  facts_.breaks("liveness: faults have stopped, and it goes on forever");
}

bool History::step(bool chosen) {
  find_moves();
  const bool early = chosen && choices_.one_in(kRarely);
  if (moves_.empty() || early) find_quiet_moves();
  if (moves_.empty()) return false;
  make(moves_[chosen ? choices_.pick(moves_.size()) : 0]);
  return true;
}

void History::find_moves() {
  moves_.clear();
  for (const Process& process : facts_.processes) {
    if (process.dying && !process.ended) moves_.push_back({What::kDies, process.number});
  }
  if (!kernel_.asleep() || kernel_.would_wake()) moves_.push_back({What::kTurn});
  for (const Process& process : facts_.processes) {
    if (program_.can_move(process)) moves_.push_back({What::kMove, process.number});
  }
  for (const Process& process : facts_.processes) {
    if (process.ended && !process.recorded) moves_.push_back({What::kRecord, process.number});
    const bool late = process.late && process.looked_for;
    if (process.awaited || late) moves_.push_back({What::kRelease, process.number});
  }
}

// Events that happen only when all others are quiet, or sometimes.
void History::find_quiet_moves() {
  if (submitted_ < facts_.tasks.size()) moves_.push_back({What::kSubmit});
  const bool timed = kernel_.asleep() && kernel_.until() && *kernel_.until() > facts_.now;
  if (timed && !facts_.plan.impatient) moves_.push_back({What::kClock});
  if (!end_asked_) moves_.push_back({What::kShutdown});
  if (timed && facts_.plan.impatient) moves_.push_back({What::kClock});
}

void History::make(const Move& move) {
  if (move.what != What::kTurn) {
    turns_ = 0;
    facts_.record.add(move.what, move.who);
  }
  switch (move.what) {
    case What::kTurn:
      return turn();
    case What::kSubmit:
      return submit_next();
    case What::kShutdown:
      return shut_down();
    case What::kClock:
      facts_.now = *kernel_.until();
      return;
    default:
      break;
  }
  Process& process = facts_.processes[static_cast<std::size_t>(move.who)];
  switch (move.what) {
    case What::kDies:
      process.died_of_us = process.kill_called;
      return program_.die(process, Signaled{SIGKILL, false}, false);
    case What::kMove:
      return program_.move(process);
    case What::kRecord:
      return kernel_.show_record(process);
    default:
      return kernel_.release(process);
  }
}

void History::turn() {
  const bool slept = kernel_.asleep();
  if (++turns_ > kMostTurns) facts_.breaks("L8: the loop spins");
  facts_.record.add(What::kTurn, 0, slept ? 1 : 0);
  ++facts_.turns;
  kernel_.wake();
  const bool goes_on = [&] {
    const LittleMemory little(facts_.no_memory);
    return loop_->turn();
  }();
  judge_.ends_turn();
  if (facts_.sleep_failed && !loop_->broke_down()) {
    facts_.breaks("it cannot sleep, and the pool goes on");
  }
  if (!goes_on) {
    if (loop_->broke_down()) end_open();
    facts_.finished = true;
    facts_.record.add(What::kFinished);
    return;
  }
  if (facts_.shutdown_until && *facts_.shutdown_until <= facts_.now) {  // it kills from now on
    facts_.shutdown_kills = true;
    facts_.shutdown_until.reset();
  }
  if (kernel_.asleep()) {
    const auto until = kernel_.until();
    facts_.record.add(What::kSleeps, until ? 1 : 0, 0,
                      until ? static_cast<std::uint32_t>((*until - facts_.now).count() / 1000) : 0);
  }
}

// Whether something has struck. If all paths are walked, "nothing" is the first choice; another
// order of events counts as a strike, too.
bool History::may_strike() {
  if (strikes_left_ == 0 || facts_.finished || !facts_.broken.empty()) return false;
  if (!choices_.walks() && !choices_.one_in(facts_.plan.calm)) return false;
  const std::vector<Strike>& strikes = strikes_.possible(facts_.plan.brief);
  if (!choices_.walks()) {
    --strikes_left_;
    const Strike& strike = strikes[choices_.pick(strikes.size())];
    const bool loses = strike.what == What::kSteal || strike.what == What::kLoseAll ||
                       strike.what == What::kSleepFails;
    if (loses && !choices_.one_in(8)) return false;  // after those, little remains to be seen
    turns_ = 0;
    strikes_.make(strike);
    return true;
  }
  find_moves();
  const std::size_t firsts = moves_.size();
  if (firsts > 0) find_quiet_moves();
  const std::size_t others = moves_.empty() ? 0 : moves_.size() - 1;
  const std::size_t drain = submitted_ < facts_.tasks.size() && !submit_in_drain_ ? 1 : 0;
  std::size_t chosen = choices_.pick(1 + strikes.size() + others + drain);
  if (chosen == 0) return false;
  --strikes_left_;
  turns_ = 0;
  if (chosen <= strikes.size()) {
    strikes_.make(strikes[chosen - 1]);
    return true;
  }
  chosen -= strikes.size();
  if (chosen <= others) {
    facts_.record.add(What::kOtherOrder);
    make(moves_[chosen]);
  } else {
    submit_in_drain_ = true;
  }
  return true;
}

void History::submit_next() {
  if (submitted_ == facts_.tasks.size()) return;
  TaskFacts& task = facts_.tasks[submitted_++];
  task.submitted = true;
  task.deadline = os::after(facts_.now, task.plan.deadline);
  inbox_.put(supervise::TaskSubmitted{.task = submitted_,
                                      .payload = payload_of(submitted_, task.plan.large_call),
                                      .deadline = task.deadline,
                                      .run_limit = task.plan.run_limit,
                                      .retries = task.plan.retries});
}

void History::shut_down() {
  end_asked_ = true;
  supervise::ShutdownAsked asked = facts_.plan.end;
  asked.until = os::after(facts_.now, facts_.plan.end_within);
  strikes_.shut_down(asked);
}

// As the loop's owner does (front/pool.cc).
void History::end_open() {
  if (!facts_.pool_end) return facts_.breaks("the loop breaks down, and tells nobody");
  for (TaskId id = 1; id <= facts_.tasks.size(); ++id) {
    if (!facts_.find(id)->submitted || facts_.find(id)->settled > 0) continue;
    Failure failure = *facts_.pool_end;
    failure.task = id;
    failure.started = !loop_->has_certainly_not_run(id);
    settle(id, std::move(failure));
  }
}

void History::settle(TaskId task, supervise::Outcome outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  facts_.record.add(What::kSettled, static_cast<int>(task),
                    failure != nullptr ? static_cast<int>(failure->kind) + 1 : 0,
                    failure == nullptr
                        ? 0
                        : static_cast<std::uint32_t>(failure->cause) |
                              static_cast<std::uint32_t>(failure->intent) << 8 |
                              (failure->started ? 1U << 16 : 0) |
                              static_cast<std::uint32_t>(failure->worker.index + 1) << 24);
  if (kernel_.asleep()) facts_.breaks("nothing woke it, and yet a future ends");
  judge_.settles(task, outcome);
}

void History::pool_ended(const Failure& why) {
  facts_.record.add(What::kPoolEnded, 0, static_cast<int>(why.kind) + 1,
                    static_cast<std::uint32_t>(why.cause));
  judge_.ends_pool(why);
}

void History::tell_health(std::uint64_t ticket, Health health) {
  judge_.tells(health, ticket == 0);
}

void History::worker_ended(const WorkerRef& worker) {
  for (Process& process : facts_.processes) {
    if (process.pid != worker.pid || process.reaped > 0) continue;
    facts_.record.add(What::kAbandoned, process.number);
    judge_.forgets(process);
  }
}

void History::task_begun(TaskId id, const WorkerRef& worker) {
  const TaskFacts* task = facts_.find(id);
  const Process& holder = facts_.processes[static_cast<std::size_t>(task->holder)];
  if (!task->claimed || holder.pid != worker.pid) facts_.breaks("begun, and nobody claimed it");
}

}  // namespace poolproof::simulation
