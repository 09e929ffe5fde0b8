#include "conformance/judge/leftovers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

using nlohmann::json;

constexpr std::size_t kNamed = 8;

const SeenProcess* find(const Snapshot& snapshot, const ProcessId& id) {
  for (const SeenProcess& process : snapshot.processes)
    if (process.id == id) return &process;
  return nullptr;
}

// One thing that can be left over. Two snapshots are compared by `kind`; `identity` tells old ones
// from new ones; `words` is its text.
struct Thing {
  std::string kind, identity, words;
};

// For each kind, the surplus in `after`; new ones come first.
void add_surplus(const std::vector<Thing>& before, const std::vector<Thing>& after,
                 Leftovers& out) {
  std::map<std::string, std::size_t> allowed;
  std::set<std::string> known;
  for (const Thing& thing : before) {
    ++allowed[thing.kind];
    known.insert(thing.identity);
  }
  std::vector<Thing> ordered = after;  // the known ones use up the allowed number
  std::stable_partition(ordered.begin(), ordered.end(),
                        [&](const Thing& thing) { return known.count(thing.identity) > 0; });
  for (const Thing& thing : ordered) {
    std::size_t& room = allowed[thing.kind];
    if (room > 0) {
      --room;
    } else {
      out.push_back(thing.words);
    }
  }
}

std::string words_of(const SeenProcess& process) {
  if (process.zombie())
    return fmt::format("zombie {} `{}` of {}", process.id.pid, process.name, process.ppid);
  return fmt::format("process {} `{}` ({}, child of {})", process.id.pid, process.name,
                     process.state, process.ppid);
}

// `keeper_pid` reaps orphans: its own zombies disappear in a moment, and the pool did not cause
// them.
std::vector<Thing> processes_of(const Snapshot& snapshot, int adapter_pid, int keeper_pid) {
  std::vector<Thing> things;
  for (const SeenProcess& process : snapshot.processes) {
    if (process.id.pid == adapter_pid || process.ours) continue;
    if (process.zombie() && process.ppid == keeper_pid) continue;
    things.push_back({process.zombie() ? "zombie" : "process " + process.command,
                      fmt::format("{} {}", process.id.pid, process.id.start), words_of(process)});
  }
  return things;
}

// "pipe:[123]" -> "pipe": the number is different each time; a path stays the same.
std::string kind_of_target(const std::string& target) {
  const auto number = target.find(":[");
  if (number == std::string::npos) return target;
  return target.substr(0, number) == "anon_inode" ? target : target.substr(0, number);
}

// "listens on tcp port 4000" -> " listens on tcp": the port, or the name, may be different each
// time.
std::string kind_of_socket(const std::string& socket) {
  if (socket.empty()) return "";
  return " " + socket.substr(0, socket.rfind("unix ", 0) == 0 ? 4 : socket.find(" port "));
}

std::vector<Thing> fds_of(const SeenProcess& process) {
  std::vector<Thing> things;
  for (const json& fd : process.fds) {
    const std::string target = fd.value("to", "");
    const std::string socket = fd.value("socket", "");
    const std::string words = fmt::format("fd {} -> {}", integer_in(fd, "fd", -1), target);
    things.push_back({"fd " + kind_of_target(target) + kind_of_socket(socket), words,
                      socket.empty() ? words : fmt::format("{} ({})", words, socket)});
  }
  return things;
}

// An ending thread (Z, X) does nothing any more.
std::vector<Thing> threads_of(const SeenProcess& process) {
  std::vector<Thing> things;
  for (const json& thread : process.threads) {
    const std::string state = thread.value("state", "");
    if (state == "Z" || state == "X") continue;
    const int tid = integer_in(thread, "tid", 0);
    things.push_back({"thread", std::to_string(tid),
                      fmt::format("thread {} ({})", tid, thread.value("wait", "?"))});
  }
  return things;
}

std::string words_of_file(const std::string& path) {
  return path.ends_with('/') ? "folder " + path : "file " + path;
}

std::string words_of_group(const std::string& path) { return "control group " + path; }

// A named semaphore is a file in /dev/shm, so people look for it there.
std::string words_of_shm(const std::string& name) {
  const std::string path = "/dev/shm/" + name;
  return name.rfind("sem.", 0) == 0 ? "named semaphore " + path : path;
}

void add_names(const std::set<std::string>& before, const std::set<std::string>& after,
               std::string (*words)(const std::string&), Leftovers& out) {
  for (const std::string& name : after)
    if (before.count(name) == 0) out.push_back(words(name));
}

int keeper_of(const Trial& trial) {
  if (!trial.history.baseline) return 1;
  const SeenProcess* adapter =
      find(trial.history.snapshot(*trial.history.baseline), trial.history.adapter);
  return adapter != nullptr ? adapter->ppid : 1;
}

std::string listed(const Leftovers& found) {
  std::string text;
  for (std::size_t i = 0; i < found.size() && i < kNamed; ++i)
    text += (i > 0 ? ", " : "") + found[i];
  if (found.size() > kNamed) text += fmt::format(" and {} more", found.size() - kNamed);
  return text;
}

// A finding can only make the part worse, never better.
void add_to(Part& part, Status status, const std::string& when, const Leftovers& found) {
  if (found.empty()) return;
  if (part.status != Status::kLeak) part.status = status;
  part.expected = "none";
  part.got += fmt::format("{}{}{}", part.got.empty() ? "" : "; ", when, listed(found));
  if (status == Status::kUnavailable) part.got += " (in a /dev/shm that is not only this pool's)";
}

}  // namespace

Leftovers beyond(const Snapshot& before, const Snapshot& after, const ProcessId& adapter) {
  const SeenProcess* then = find(before, adapter);
  const SeenProcess* now = find(after, adapter);
  if (then == nullptr || now == nullptr)
    throw FormError("a snapshot after `closed` does not show the adapter");
  Leftovers found;
  add_surplus(processes_of(before, adapter.pid, then->ppid),
              processes_of(after, adapter.pid, now->ppid), found);
  add_surplus(fds_of(*then), fds_of(*now), found);
  add_surplus(threads_of(*then), threads_of(*now), found);
  add_names(before.files, after.files, words_of_file, found);
  add_names(before.groups, after.groups, words_of_group, found);
  return found;
}

Leftovers all_of(const Snapshot& end, int keeper_pid, const std::set<std::string>& own_paths) {
  Leftovers found;
  for (const Thing& thing : processes_of(end, 0, keeper_pid)) found.push_back(thing.words);
  add_names(own_paths, end.files, words_of_file, found);
  add_names({}, end.groups, words_of_group, found);
  return found;
}

Part leftovers_part(const Trial& trial) {
  const History& history = trial.history;
  Part part{"leftovers", Status::kPass, trial.plan.expect.leftovers.level, "", ""};
  if (trial.parent_struck && history.cage_mode == "subreaper") {
    part.status = Status::kUnavailable;
    part.expected = "a cage of its own PID namespace";
    part.got = "a subreaper cannot tell what outlived its parent by itself";
    return part;
  }
  if (!history.baseline) throw FormError("the attempt has no `baseline` snapshot");
  if (!history.end) throw FormError("the attempt has no `end` snapshot");
  if (!trial.parent_struck && history.closed.empty())
    throw FormError("the attempt has no `closed` snapshot");

  const Snapshot& baseline = history.snapshot(*history.baseline);
  std::vector<std::pair<std::string, Leftovers>> found;
  for (const int number : history.closed) {
    found.emplace_back("after close, beyond the first round: ",
                       beyond(baseline, history.snapshot(number), history.adapter));
  }
  const Snapshot& end = history.snapshot(*history.end);
  found.emplace_back("after the end of the program: ",
                     all_of(end, keeper_of(trial), history.own_paths));
  // If others use the same /dev/shm, it may contain their names: no pool is convicted because of
  // them (L15).
  const Status of_shm = history.private_mounts ? Status::kLeak : Status::kUnavailable;
  for (const int number : history.closed) {
    Leftovers names;
    add_names(baseline.shm, history.snapshot(number).shm, words_of_shm, names);
    add_to(part, of_shm, "after close, beyond the first round: ", names);
  }
  Leftovers at_end;
  add_names(history.private_mounts ? std::set<std::string>{} : baseline.shm, end.shm, words_of_shm,
            at_end);
  add_to(part, of_shm, "after the end of the program: ", at_end);
  for (const auto& [when, leftovers] : found) add_to(part, Status::kLeak, when, leftovers);
  return part;
}

}  // namespace poolproof::conformance::judging
