#include "conformance/run/strike.h"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "conformance/protocol/protocol.h"
#include "conformance/run/limits.h"
#include "faults/fault.h"

namespace poolproof::conformance {
namespace {

using faults::Effect;
using faults::EffectKind;
using faults::Fault;
using faults::Point;
using faults::Target;
using nlohmann::json;

// A body without a limit stops there: the harness shares its machine with others.
constexpr long long kMostBytes = 1LL << 30;
constexpr long long kMostFiles = 65'536;

json order_to_exhaust(faults::Resource resource) {
  using faults::Resource;
  const bool memory = resource == Resource::kMemory || resource == Resource::kAddressSpace ||
                      resource == Resource::kData;
  return {{"do", "exhaust"},
          {"what", memory ? "memory" : faults::to_string(resource)},
          {"at_most", resource == Resource::kFiles ? kMostFiles : kMostBytes}};
}

json order_for(const Effect& effect) {
  constexpr const char* kText = "thrown because the scenario says so";
  switch (effect.kind) {
    case EffectKind::kExit:
      return {{"do", "exit"}, {"code", effect.code}};
    case EffectKind::kRaise:
      return {{"do", "raise"}, {"signal", faults::signal_name(effect.signal)}};
    case EffectKind::kThrow:
    case EffectKind::kThrowUndecodable:
      return {{"do", faults::to_string(effect)}, {"text", kText}};
    case EffectKind::kLoop:
    case EffectKind::kSleep:
    case EffectKind::kFork:
    case EffectKind::kCloseFds:
    case EffectKind::kGarbage:
      return {{"do", faults::to_string(effect)}};
    case EffectKind::kExhaust:
      return order_to_exhaust(effect.resource);
    case EffectKind::kSignal:
    case EffectKind::kReturn:
    case EffectKind::kDeny:
      break;
  }
  return {{"do", "go"}};
}

class Strike {
 public:
  Strike(Progress& progress, int index)
      : progress_(progress),
        scene_(progress.scene),
        index_(index),
        fault_(progress.plan.faults[static_cast<std::size_t>(index)]) {}

  void operator()() {
    std::vector<Meeting*> victims;
    if (fault_.point != Point::kIdle) victims = victims_at_the_point();
    progress_.struck.insert(index_);
    if (fault_.effect.kind == EffectKind::kDeny)
      deny();
    else
      strike(victims);
    progress_.strikes_over.insert(index_);
  }

 private:
  void strike(const std::vector<Meeting*>& victims) {
    switch (fault_.target) {
      case Target::kParent:
        strike_parent();
        break;
      case Target::kGroup:
        strike_group();
        break;
      case Target::kAllWorkers:
        strike_together(progress_.workers, {});
        break;
      case Target::kWorker:
        strike_victims(victims);
        if (costs_a_worker()) let_pool_hear();
    }
  }

  static bool was_set(const json& limited) {
    return limited.at("error").get<std::string>().empty();
  }

  // Denies it to the whole run, until the probe (steps.cc). Bodies at the point stay there.
  void deny() {
    const json limited = scene_.limit({}, faults::to_string(fault_.effect.resource), false);
    if (was_set(limited)) tell(adapter(), nullptr, limited.at("limit"));
  }

  std::vector<Meeting*> victims_at_the_point() {
    const auto ids = progress_.tasks_of(fault_.role);
    const std::string point = faults::meets_at(fault_.point);
    const auto all_stand = [&] { return progress_.standing(ids, point).size() == ids.size(); };
    if (fault_.point == Point::kCallback)  // it comes after the task has settled, or never
      scene_.wait(all_stand, scene_.now() + progress_.scaled(limits::kStep));
    else
      progress_.require([&] { return all_stand() || progress_.settled(ids); }, limits::kStep);
    return progress_.standing(ids, point);
  }

  void strike_victims(const std::vector<Meeting*>& victims) {
    if (fault_.point == Point::kSending) return strike_while_sending(victims);
    if (victims.size() > 1 && by_signal()) {
      std::vector<Identity> workers;
      for (const Meeting* victim : victims) workers.push_back(victim->process);
      return strike_together(workers, victims);
    }
    Receipts receipts;
    for (Meeting* victim : victims) receipts.push_back(hit(victim->process, victim));
    await(receipts);
  }

  // It must not depend on luck whether the other worker or the dead one takes the next task. So the
  // waiting bystanders continue when the pool has reported the death, or has had enough time to.
  void let_pool_hear() {
    const auto ids = progress_.tasks_of(fault_.role);
    scene_.wait([&] { return progress_.settled(ids); },
                scene_.now() + progress_.scaled(limits::kPoolHears));
  }

  bool costs_a_worker() const {
    return faults::ends_process(fault_.effect) || fault_.effect.kind == EffectKind::kCloseFds ||
           faults::ends_process_or_is_written(fault_.effect);
  }

  bool by_signal() const { return fault_.effect.kind == EffectKind::kSignal; }

  // The fault means that all are struck at once. Otherwise a pool that ends its other workers
  // itself when the first one dies would be faster than we are, and the second death would not be
  // ours.
  void strike_together(const std::vector<Identity>& workers, const std::vector<Meeting*>& victims) {
    for (const Identity& worker : workers) scene_.outside().signal(worker, "STOP");
    scene_.snapshot();  // takes longer than the processes need to stop
    Receipts receipts;
    for (std::size_t i = 0; i < workers.size(); ++i)
      receipts.push_back(hit(workers[i], i < victims.size() ? victims[i] : nullptr));
    // A stopped process handles only SIGKILL at once; for others it must be continued.
    if (fault_.effect.signal != SIGKILL)
      for (const Identity& worker : workers) scene_.outside().signal(worker, "CONT");
    await(receipts);
  }

  void strike_parent() {
    scene_.adapter_may_end();
    const Identity parent = adapter();
    if (fault_.effect.kind != EffectKind::kReturn) return await({hit(parent, nullptr)});
    tell(parent, nullptr);
    scene_.send(bye_command());
    progress_.await_heard("bye");
    let_program_end();
  }

  // As Ctrl-C does. The program may end at its own time and in its own way. So we only wait until
  // the signal was sent; the next step checks whether the program ends.
  void strike_group() {
    scene_.adapter_may_end();
    const Identity parent = adapter();
    tell(parent, nullptr);
    scene_.outside().signal_group(faults::signal_name(fault_.effect.signal));
    await({[this] { return scene_.seen().group_signalled; }});
    let_program_end();
  }

  // Its tasks are still running, as the claim says. Then they continue, because a program may wait
  // for their end.
  void let_program_end() {
    scene_.wait([this] { return scene_.seen().adapter_ended; },
                scene_.now() + progress_.scaled(limits::kProgramEnds));
    progress_.release(progress_.standing_anywhere());
  }

  Identity adapter() const {
    const json& ready = scene_.seen().ready.at("adapter");
    return {ready.at("pid"), ready.at("start")};
  }

  // If its reader is stopped, a result that is larger than any buffer can never be sent completely.
  // So a worker that has left the body and does not move is in the middle of sending it.
  void strike_while_sending(const std::vector<Meeting*>& victims) {
    const Identity reader = adapter();
    scene_.outside().signal(reader, "STOP");
    scene_.snapshot();
    Receipts receipts;
    for (Meeting* victim : victims) {
      const Identity sender = victim->process;
      progress_.release({victim});
      await_sending(sender, victim->task);
      receipts.push_back(hit(sender, victim));
    }
    await(receipts);
    scene_.outside().signal(reader, "CONT");
  }

  void await_sending(const Identity& sender, const std::string& task) {
    const auto limit = scene_.now() + progress_.scaled(limits::kStep);
    scene_.wait([&] { return scene_.seen().ended.count(task) > 0; }, limit);
    json before;
    do {
      const json now = doings_of(sender, scene_.snapshot());
      if (!now.is_null() && now == before && scene_.seen().ended.count(task) > 0) {
        scene_.journal().write("sending", {{"pid", sender.pid},
                                           {"start", sender.start},
                                           {"task", task},
                                           {"snap", scene_.last_snapshot()}});
        return;
      }
      before = now;
      scene_.pause(limits::kBetweenLooks);
    } while (scene_.now() < limit);
  }

  // Values that change when a process does anything; null while it could run: on a busy machine a
  // thread that is ready may not run for longer than we look.
  static json doings_of(const Identity& worker, const Snapshot& snapshot) {
    for (const json& process : snapshot.processes) {
      if (process.at("pid") != worker.pid || process.at("start") != worker.start) continue;
      const json& threads = process.at("threads");
      for (const json& thread : threads)
        if (thread.at("state") != "S") return nullptr;
      return {process.value("cpu_ticks", json()), process.value("io_bytes", json()), threads};
    }
    return nullptr;
  }

  using Receipts = std::vector<std::function<bool()>>;

  // If a receipt does not come, the attempt is vacuous; the judge decides this.
  void await(const Receipts& receipts) {
    const auto all_came = [&] {
      return std::all_of(receipts.begin(), receipts.end(), [](const auto& came) { return came(); });
    };
    scene_.wait(all_came, scene_.now() + progress_.scaled(limits::kStep));
  }

  void tell(const Identity& who, const Meeting* meeting, int limit = 0) {
    json told = {{"fault", index_},
                 {"pid", who.pid},
                 {"start", who.start},
                 {"effect", faults::to_string(fault_.effect)}};
    if (meeting != nullptr) told["task"] = meeting->task;
    if (limit != 0) told["limit"] = limit;
    scene_.journal().write("told", told);
  }

  // Commands the fault on one process. The returned function says whether the second half of the
  // receipt has come.
  std::function<bool()> hit(const Identity& who, Meeting* meeting) {
    const Effect& effect = fault_.effect;
    int limit = 0;
    if (faults::door_of(effect) == faults::Door::kLimit) {
      const json limited = scene_.limit(who, faults::to_string(effect.resource), true);
      if (!was_set(limited)) {  // a resource without a limit must not be used up
        if (meeting != nullptr) scene_.answer(*meeting, {{"do", "go"}});
        return [] { return true; };
      }
      limit = limited.at("limit");
    }
    tell(who, meeting, limit);
    const Seen& seen = scene_.seen();
    const std::string task = meeting != nullptr ? meeting->task : "";
    const auto written = seen.struck.find(task);
    const int before = written != seen.struck.end() ? written->second : 0;
    if (by_signal()) {
      scene_.outside().signal(who, faults::signal_name(effect.signal));
    } else if (meeting != nullptr) {
      scene_.answer(*meeting, order_for(effect));
    }
    if (faults::ends_process(effect)) return [&seen, who] { return seen.exits.count(who) > 0; };
    const auto is_written = [&seen, task, before] {
      const auto found = seen.struck.find(task);
      return found != seen.struck.end() && found->second > before;
    };
    if (faults::ends_process_or_is_written(effect))
      return [&seen, who, is_written] { return seen.exits.count(who) > 0 || is_written(); };
    if (faults::is_written_by_task(effect)) return is_written;
    const int conn = meeting != nullptr ? meeting->conn : 0;
    return [&seen, conn] {
      return std::any_of(seen.meetings.begin(), seen.meetings.end(),
                         [conn](const Meeting& other) { return other.conn == conn && other.left; });
    };
  }

  Progress& progress_;
  Scene& scene_;
  int index_;
  const Fault& fault_;
};

}  // namespace

void strike(Progress& progress, const scenarios::Step& step) {
  Strike(progress, step.fault)();
  for (Meeting* bystander : progress.standing(step.tasks, "running"))
    if (!progress.waits_for_us(*bystander)) progress.release({bystander});
}

}  // namespace poolproof::conformance
