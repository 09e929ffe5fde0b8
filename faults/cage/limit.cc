#include "faults/cage/limit.h"

#include <set>
#include <utility>

#include "faults/cage/fd.h"
#include "faults/cage/limit_exec.h"
#include "faults/cage/limit_process.h"
#include "faults/cage/limit_shm.h"
#include "generated/words.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;

constexpr long long kMemoryOfGroup = 64LL << 20;  // bytes
constexpr long long kThousandthsOfACore = 50;

}  // namespace

json Limits::set(const LimitWish& wish, const Identity& adapter, const Places& places) {
  Limit limit;
  limit.wish = wish;
  const Identity who = wish.who.pid == 0 ? adapter : wish.who;
  std::string error;
  try {
    if (wish.what == "memory") {
      limit_by_group(limit, "memory", kMemoryOfGroup);
    } else if (wish.what == "cpu") {
      limit_by_group(limit, "cpu", kThousandthsOfACore);
    } else if (wish.what == "processes") {
      limit_births(limit);
    } else if (wish.what == "shared-memory") {
      limit_shared_memory(limit, places);
    } else if (wish.what == "exec") {
      limit.by = "noexec on every mount that is seen inside";
      limit.undo = limit_exec(places, who);
    } else {
      limit_process(limit, who);
    }
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  json told = {{"limit", wish.number},     {"what", wish.what}, {"pid", who.pid},
               {"start", who.start},       {"by", limit.by},    {"amount", limit.amount},
               {"all", wish.who.pid == 0}, {"error", error}};
  if (limit.group) {
    told["group"] = limit.group->path();
    limit.before = limit.group->counters();
  }
  // A limit that failed half-way is kept too: its changes are undone with the others.
  limits_.push_back(std::move(limit));
  return told;
}

void Limits::limit_by_group(Limit& limit, const std::string& controller, long long amount) {
  limit.group = std::make_unique<Cgroup>(controller);
  on_group_(limit.group->path());
  limit.by = limit.group->words();
  limit.amount = amount;
  Cgroup& group = *limit.group;
  limit.undo = [&group] { group.limit(std::nullopt); };
  group.limit(amount);
  if (limit.wish.who.pid == 0) return take_in_all(group);
  const auto stat = read_stat(limit.wish.who.pid);
  if (!stat || stat->identity() != limit.wish.who) throw std::runtime_error("ESRCH it has ended");
  group.take_in(limit.wish.who.pid);
}

// A process that is started while the list is read has a parent that is not in the group yet. So
// read again until the list has no new process.
void Limits::take_in_all(Cgroup& group) const {
  std::set<Identity> inside;
  for (bool grew = true; grew;) {
    grew = false;
    for (const Stat& process : processes_inside(containment_)) {
      if (!process.alive() || !inside.insert(process.identity()).second) continue;
      grew = true;
      try {
        group.take_in(process.pid);
      } catch (const CallFailed&) {
        if (read_stat(process.pid)) throw;  // otherwise it has ended in the meantime
      }
    }
  }
}

void Limits::limit_process(Limit& limit, const Identity& who) {
  ProcessLimit done = limit_one_process(who, limit.wish.what, limit.wish.room);
  limit.by = done.by;
  limit.amount = done.amount;
  limit.undo = std::move(done.undo);
}

void Limits::limit_births(Limit& limit) {
  if (!births_are_limited_by_rlimit()) return limit_by_group(limit, "pids", 0);
  limit.by = "RLIMIT_NPROC of every process inside";
  std::vector<std::function<void()>> undo;
  for (const Stat& process : processes_inside(containment_)) {
    if (!process.alive()) continue;
    try {
      undo.push_back(limit_one_process(process.identity(), "processes", false).undo);
    } catch (const CallFailed&) {
      if (read_stat(process.pid)) throw;
    }
  }
  limit.undo = [undo = std::move(undo)] {
    for (const auto& each : undo) each();
  };
}

void Limits::limit_shared_memory(Limit& limit, const Places& places) {
  SharedMemoryLimit done = limit_shm(places, limit.wish.room);
  limit.by = "the size of the attempt's own /dev/shm";
  limit.amount = done.bytes;
  limit.undo = std::move(done.undo);
}

json Limits::lift() {
  json lifted = json::array();
  std::string error;
  for (Limit& limit : limits_) {
    if (!limit.undo) continue;
    try {
      std::exchange(limit.undo, {})();
      lifted.push_back(limit.wish.number);
    } catch (const std::exception& failure) {
      error += (error.empty() ? "" : "; ") + std::string(failure.what());
    }
  }
  return {{"limits", std::move(lifted)}, {"error", error}};
}

std::vector<json> Limits::seen_of(const Identity& who) const {
  std::vector<json> seen;
  for (const Limit& limit : limits_) {
    if (!limit.group || limit.before.empty()) continue;
    if (limit.wish.who.pid != 0 && limit.wish.who != who) continue;
    seen.push_back({{"limit", limit.wish.number},
                    {"what", limit.wish.what},
                    {"pid", who.pid},
                    {"start", who.start},
                    {"before", limit.before},
                    {"now", limit.group->counters()}});
  }
  return seen;
}

json Limits::probe(const Places& places) {
  json kinds = json::object();
  for (const std::string_view kind : words::kLimitable) kinds[std::string(kind)] = "";
  kinds["shared-memory"] = why_no_shm_limit(places);
  kinds["exec"] = why_no_exec_limit(places);
  for (const auto& [kind, controller] :
       {std::pair{"memory", "memory"}, std::pair{"cpu", "cpu"}, std::pair{"processes", "pids"}}) {
    if (kind == std::string("processes") && births_are_limited_by_rlimit()) continue;
    try {
      Cgroup group(controller);
      on_group_(group.path());
      const bool gone = remove_cgroup(group.path());
      if (!gone) kinds[kind] = "the empty group " + group.path() + " could not be removed";
    } catch (const std::exception& failure) {
      kinds[kind] = failure.what();
    }
  }
  return kinds;
}

void Limits::remove() {
  for (const Limit& limit : limits_)
    if (limit.group) remove_cgroup(limit.group->path());  // the guard tries again
}

}  // namespace poolproof::faults
