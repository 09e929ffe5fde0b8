#include "fuzz/simulation/strikes.h"

#include <signal.h>

#include <algorithm>
#include <array>

namespace poolproof::simulation {
namespace {

const std::array<ExitStatus, 4> kExits = {Signaled{SIGKILL, false}, Signaled{SIGSEGV, true},
                                          Exited{0}, Exited{3}};
constexpr int kDeaths = 8;  // for each exit: EOF first, or record and EOF together
constexpr int kOutOfMemory = 8;
constexpr std::array<int, 3> kCuts = {1, 27, 28};
constexpr std::array<int, 3> kRooms = {0, 10, 40};
constexpr std::array<int, 2> kPaces = {60, 120};
constexpr int kNoises = 3;
constexpr int kPass = 16;    // so many spawns work before those that fail
constexpr int kInDrain = 3;  // beyond the ways of simulation::Kill

// What a corrupted worker sends in its own name: about its own task, another one, or none.
struct Forgery {
  FrameKind kind;
  bool own;
};
constexpr std::array<Forgery, 14> kForgeries = {{{FrameKind::kHello, true},
                                                 {FrameKind::kRefusal, true},
                                                 {FrameKind::kInitBegun, true},
                                                 {FrameKind::kClaim, true},
                                                 {FrameKind::kClaim, false},
                                                 {FrameKind::kWithdrawn, true},
                                                 {FrameKind::kWithdrawn, false},
                                                 {FrameKind::kValue, true},
                                                 {FrameKind::kValue, false},
                                                 {FrameKind::kFailed, true},
                                                 {FrameKind::kFailed, false},
                                                 {FrameKind::kMemory, true},
                                                 {FrameKind::kOffer, true},
                                                 {FrameKind::kTally, true}}};

Bytes noise(int how) {
  if (how == 0) return Bytes(40, std::byte{0x5a});
  Bytes frame = to_bytes(Frame{FrameKind::kHello, 0, Bytes(4)});
  frame[how == 1 ? 4 : 30] ^= std::byte{0xff};  // another version; another payload than its sum
  return frame;
}

}  // namespace

const std::vector<Strike>& Strikes::possible(bool brief) {
  possible_.clear();
  for (const Process& process : facts_.processes) of_worker(process, brief);
  for (std::size_t i = 0; i < facts_.tasks.size(); ++i) {
    const TaskFacts& task = facts_.tasks[i];
    if (!task.submitted || task.settled > 0) continue;
    for (const int kills : {0, 1}) {
      if (kills == 0 ? task.cancel_asked : task.cancel_kill) continue;
      possible_.push_back({What::kCancel, static_cast<int>(i + 1), kills});
    }
  }
  for (const int size : {1, 2, 3}) {
    if (size != facts_.wanted) possible_.push_back({What::kResize, size, 0});
  }
  possible_.push_back({What::kAskHealth, 0, 0});
  for (const int how : {0, 1, 2, 3}) possible_.push_back({What::kShutdown, 0, how});
  if (has_task([](const TaskPlan& task) { return task.large_reply; })) {
    possible_.push_back({What::kNoMemoryHere, 0, facts_.no_memory ? 0 : 1});
  }
  const bool is_late = std::any_of(facts_.processes.begin(), facts_.processes.end(),
                                   [](const Process& process) { return process.late; });
  if (is_late) possible_.push_back({What::kNoThreads, 0, kernel_.no_threads ? 0 : 1});
  for (const int times : {1, 2, 8, kPass + 1}) {
    if (kernel_.fail_spawns == 0) possible_.push_back({What::kSpawnFails, 0, times});
  }
  for (const int how : {0, 1, 2}) {
    if (how != static_cast<int>(facts_.kill)) possible_.push_back({What::kKillsFail, 0, how});
  }
  for (int how = 0; how < (brief ? 1 : 4); ++how) possible_.push_back({What::kNewRights, 0, how});
  if (!kernel_.sleeps_fail()) {
    for (const int how : {0, 1}) possible_.push_back({What::kSleepFails, 0, how});
  }
  if (!facts_.descriptors_struck) {
    possible_.push_back({What::kLoseAll, 0, 0});
    possible_.push_back({What::kSteal, -1, 0});
    possible_.push_back({What::kSteal, -1, 1});
  }
  return possible_;
}

bool Strikes::has_task(bool (*is_such)(const TaskPlan& task)) const {
  return std::any_of(facts_.plan.tasks.begin(), facts_.plan.tasks.end(), is_such);
}

void Strikes::of_worker(const Process& process, bool brief) {
  if (process.reaped > 0) return;
  const auto can = [&](What what, int hows = 1) {
    const int most = brief ? (hows + 3) / 4 : hows;
    for (int how = 0; how < most; ++how) possible_.push_back({what, process.number, how});
  };
  if (!facts_.descriptors_struck) can(What::kSteal, process.errors >= 0 ? 4 : 3);
  if (!process.recorded && !process.late) can(What::kLateRecord);
  if (!process.elsewhere && !process.late) can(What::kElsewhere);
  if (process.ended) return;
  for (const int how : {1, 2}) {
    if (how > static_cast<int>(std::max(process.kill, facts_.kill))) {
      possible_.push_back({What::kShield, process.number, how});
    }
  }
  if (process.phase == Process::Phase::kBoot && process.refusal == Process::Refusal::kNone) {
    for (const int how : {0, 1}) possible_.push_back({What::kSayRefusal, process.number, how});
  }
  can(What::kStrikeDeath, kDeaths + 1);
  can(process.frozen ? What::kThaw : What::kFreeze);
  if (!process.stalled) can(What::kStall);
  if (!process.held_open) can(What::kHoldOpen);
  if (!process.refuses) can(What::kRefuse);
  can(What::kNarrow, kRooms.size());
  if (has_task([](const TaskPlan& task) { return task.large_call; })) {
    if (process.at_once == Process::kLots) can(What::kSlow, kPaces.size());
    possible_.push_back({What::kNoMemoryThere, process.number, process.no_memory ? 0 : 1});
  }
  if (process.hung_up || process.parent_closed) return;
  can(What::kHangUp);
  if (!process.unsent.empty()) return;
  if (process.split_at == 0) {
    can(What::kSplit, kCuts.size());
    can(What::kTear, kCuts.size());
  }
  can(What::kNoise, kNoises);
  can(What::kForge, kForgeries.size());
}

void Strikes::make(const Strike& strike) {
  const auto [what, who, how] = strike;
  facts_.record.add(what, who, how);
  switch (what) {
    case What::kCancel:
      return cancel(static_cast<TaskId>(who), how != 0);
    case What::kResize:
      facts_.wanted = who;
      return inbox_.put(supervise::ResizeAsked{who});
    case What::kAskHealth:
      return inbox_.put(supervise::HealthAsked{1});
    case What::kShutdown:
      return shut_down(
          {.pending = how == 1 ? Pending::kCancel : Pending::kDrain,
           .running = how == 2 ? Running::kKill : Running::kFinish,
           .until = os::after(facts_.now,
                              how == 3 ? std::optional(std::chrono::seconds(1)) : std::nullopt)});
    case What::kNoThreads:
      kernel_.no_threads = how != 0;
      return;
    case What::kSpawnFails:
      kernel_.fail_spawns = how % kPass;
      kernel_.pass_spawns = how / kPass;
      return;
    case What::kKillsFail:
      facts_.kill = static_cast<Kill>(how);
      return;
    case What::kNewRights:
      if (how == kInDrain) {
        kernel_.rights_change_in_drain = true;
      } else {
        change_rights(static_cast<Kill>(how));
      }
      return;
    case What::kSleepFails:
      kernel_.fail_sleeps(how == 1);
      return;
    case What::kNoMemoryHere:
      facts_.no_memory = how != 0;
      facts_.memory_struck |= facts_.no_memory;
      return;
    case What::kLoseAll:
      facts_.descriptors_struck = true;
      return kernel_.lose_all();
    case What::kSteal:
      facts_.descriptors_struck = true;
      return kernel_.steal(who < 0 ? how
                                   : facts_.processes[static_cast<std::size_t>(who)].channel + how);
    default:
      return this->strike(strike, facts_.processes[static_cast<std::size_t>(who)]);
  }
}

void Strikes::strike(const Strike& strike, Process& process) {
  const int how = strike.how;
  const auto index = static_cast<std::size_t>(how);
  process.struck |= strike.what != What::kSplit && strike.what != What::kThaw &&
                    strike.what != What::kNoMemoryThere && strike.what != What::kShield;
  switch (strike.what) {
    case What::kStrikeDeath:
      if (how == kOutOfMemory) {
        process.out_of_memory = facts_.out_of_memory_struck = true;
        ++facts_.memory_kills;
      }
      if (how % 4 == 0 && how != kOutOfMemory) ++facts_.plain_sigkills;
      process.dying = false;  // it was faster than our own kill
      program_.die(process, kExits[index % 4], how >= 4);
      break;
    case What::kFreeze:
    case What::kThaw:
      process.frozen = strike.what == What::kFreeze;
      break;
    case What::kStall:
      process.stalled = true;
      break;
    case What::kSplit:
    case What::kTear:
      process.split_at = static_cast<std::size_t>(kCuts[index]);
      process.tears = strike.what == What::kTear;
      if (process.tears) ++facts_.plain_sigkills;
      break;
    case What::kNoise:
      process.mad = true;
      if (kernel_.carry(process, noise(how))) process.garbled = true;
      break;
    case What::kForge:
      forge(process, how);
      break;
    case What::kHangUp:
      process.hung_up = process.stalled = true;
      break;
    case What::kRefuse:
      process.refuses = true;
      break;
    case What::kNarrow:
      process.room = static_cast<std::size_t>(kRooms[index]);
      break;
    case What::kSlow:
      process.at_once = process.room = static_cast<std::size_t>(kPaces[index]);
      break;
    case What::kNoMemoryThere:
      process.no_memory = how != 0;
      process.memory_struck |= process.no_memory;
      break;
    case What::kShield:
      process.kill = static_cast<Kill>(how);
      break;
    case What::kSayRefusal:
      process.refusal = how == 1 ? Process::Refusal::kGoesOn : Process::Refusal::kEnds;
      break;
    case What::kHoldOpen:
      process.held_open = true;
      break;
    case What::kElsewhere:
      process.elsewhere = true;
      break;
    case What::kLateRecord:
      process.late = true;
      break;
    default:
      break;
  }
}

void Strikes::forge(Process& process, int how) {
  const Forgery& forgery = kForgeries[static_cast<std::size_t>(how)];
  TaskId task = forgery.own ? process.task : process.task % 3 + 1;
  if (forgery.kind == FrameKind::kMemory) task = 1 << 22;
  if (forgery.kind == FrameKind::kFailed && !forgery.own) task = 0;
  Bytes payload;
  if (forgery.kind == FrameKind::kFailed)
    payload = transport::to_bytes(Failure{.text = "", .type_name = "Lie"});
  if (forgery.kind == FrameKind::kValue) payload = Bytes(1);
  program_.forge(process, forgery.kind, task, std::move(payload));
}

// SIGKILL may not be sent to workers with the old rights; to later ones it may.
void Strikes::change_rights(Kill kill) {
  ++facts_.rights;
  for (Process& process : facts_.processes) process.kill = std::max(process.kill, kill);
}

void Strikes::cancel(TaskId id, bool kills) {
  TaskFacts& task = *facts_.find(id);
  task.cancel_asked = true;
  task.cancel_kill |= kills;
  inbox_.put(supervise::CancelAsked{id, kills ? Running::kKill : Running::kFinish});
}

void Strikes::shut_down(const supervise::ShutdownAsked& asked) {
  facts_.shutdown = true;
  facts_.shutdown_cancels |= asked.pending == Pending::kCancel;
  facts_.shutdown_kills |= asked.running == Running::kKill;
  if (asked.until && (!facts_.shutdown_until || *asked.until < *facts_.shutdown_until)) {
    facts_.shutdown_until = asked.until;
  }
  inbox_.put(asked);
}

void Strikes::heal() {
  facts_.record.add(What::kHeal);
  kernel_.fail_spawns = kernel_.pass_spawns = 0;
  facts_.no_memory = kernel_.no_threads = false;
  for (Process& process : facts_.processes) {
    process.frozen = process.stalled = process.no_memory = false;
  }
  if (facts_.plan.init == Init::kHangs) facts_.plan.init = Init::kWorks;
  for (TaskFacts& task : facts_.tasks) {
    if (task.plan.body == Body::kHangs) task.plan.body = Body::kValue;
  }
}

}  // namespace poolproof::simulation
