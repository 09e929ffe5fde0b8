#include "conformance/sweep/labels.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace poolproof::conformance::sweep {
namespace {

using faults::CallLabel;
using faults::Segment;
using nlohmann::json;
using Process = std::pair<int, std::uint64_t>;  // pid and start

struct Born {
  Process process;
  std::string lineage;
};

struct Called {
  std::int64_t t_ns = 0;
  Process process;
  std::string lineage;
  CallLabel label;
  bool returned = false;
  std::int64_t bytes = 0;
};

// What one run shows about its processes. Whether a process is a worker shows only when it runs a
// body.
struct Run {
  std::vector<Born> born;
  std::vector<Called> calls;
  std::set<std::string> workers, newborns;
  std::set<int> bodies;                     // pids of the processes that ran one
  std::set<std::string> probes;             // ids
  std::optional<std::int64_t> probed_ns{};  // when the first of them was submitted
};

Process process_of(const json& fields) {
  return {fields.value("pid", 0), fields.value("start", std::uint64_t{0})};
}

// The lineages of this process, one after the other.
std::vector<std::string> lives_of(const Process& process, const Run& run) {
  std::vector<std::string> lives;
  for (const Born& born : run.born)
    if (born.process == process) lives.push_back(born.lineage);
  return lives;
}

// A process that ran a body is a worker, under its last lineage, because a worker does not exec any
// more. The record may have the line of the body before the line of the exec, which came on a
// different way.
void name_workers(Run& run) {
  for (const Born& born : run.born) {
    if (run.bodies.count(born.process.first) == 0) continue;
    const auto lives = lives_of(born.process, run);
    run.workers.insert(lives.back());
    for (const std::string& life : lives)
      if (life != lives.back()) run.newborns.insert(life);
  }
}

// An exec is reported when it has returned, under the new lineage; but the call belongs to the old
// lineage.
void give_back_execs(Run& run) {
  for (Called& call : run.calls) {
    if (call.label.call != "execve" || !call.returned) continue;
    const auto lives = lives_of(call.process, run);
    const auto made = std::find(lives.begin(), lives.end(), call.lineage);
    if (made != lives.begin() && made != lives.end()) call.lineage = *(made - 1);
  }
}

// The content that a body wrote: of any shape.
void take_body(const json& entry, Run& run) {
  if (!entry.is_object() || !entry.contains("ev") || !entry.contains("pid")) return;
  if (entry.at("ev") == "start" && entry.at("pid").is_number_integer())
    run.bodies.insert(entry.at("pid").get<int>());
}

void take_plan(const json& plan, Run& run) {
  for (const json& task : plan.value("tasks", json::array()))
    if (task.value("role", "") == "probe") run.probes.insert(task.value("id", ""));
}

void take_sent(const Observation& line, Run& run) {
  const json message = line.fields.value("message", json::object());
  const bool probe = message.value("cmd", "") == "submit" && run.probes.count(message["id"]) > 0;
  if (probe && !run.probed_ns) run.probed_ns = line.t_ns;
}

Run run_of(const std::vector<Observation>& lines) {
  Run run;
  for (const Observation& line : lines) {
    const json& fields = line.fields;
    if (line.kind == "plan") {
      take_plan(fields.value("plan", json::object()), run);
    } else if (line.kind == "sent") {
      take_sent(line, run);
    } else if (line.kind == "born") {
      run.born.push_back({process_of(fields), fields.value("lineage", "")});
    } else if (line.kind == "ledger") {
      take_body(fields.value("entry", json()), run);
    } else if (line.kind == "call") {
      const auto label = faults::parse_call_label(fields.value("at", ""));
      if (!label) continue;
      run.calls.push_back({line.t_ns, process_of(fields), fields.value("lineage", ""), *label,
                           fields.contains("result"), fields.value("bytes", std::int64_t{0})});
    }
  }
  name_workers(run);
  give_back_execs(run);
  return run;
}

struct Gathered {
  std::map<Phase, int> phases;
  int runs = 0, last_run = -1;
  bool returns = false;
  std::int64_t bytes = 0;
  std::size_t earliest = 0;  // position in its process's life
};

class Learner {
 public:
  explicit Learner(int share) : share_(share) {}

  void take(const Run& run) {
    ++runs_;
    std::map<std::pair<Process, Role>, std::vector<const Called*>> lives;
    for (const Called& call : run.calls) {
      if (workers.count(call.lineage) > 0) {
        lives[{call.process, Role::kWorker}].push_back(&call);
      } else if (newborns.count(call.lineage) > 0) {
        lives[{call.process, Role::kNewborn}].push_back(&call);
      }
    }
    for (const auto& [who, calls] : lives) take_life(run, who.second, calls);
  }

  Recording result() const {
    Recording recording{
        runs_, {workers.begin(), workers.end()}, {newborns.begin(), newborns.end()}, {}};
    for (const auto& [label, seen] : gathered_) {
      const auto most =
          std::max_element(seen.phases.begin(), seen.phases.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      recording.calls.push_back({label, most->first, seen.runs, seen.returns, seen.bytes});
    }
    const auto place = [this](const RecordedCall& call) {
      const Segment& in = call.label.at.segment;
      return std::tuple(call.label.role == Role::kWorker, in.kind == Segment::Kind::kShutdown,
                        in.task, in.kind, gathered_.at(call.label).earliest, call.label);
    };
    std::sort(recording.calls.begin(), recording.calls.end(),
              [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return recording;
  }

  std::set<std::string> workers, newborns;  // of all runs: set before the first one is used

 private:
  // Does every run get to this call, in some worker?
  bool is_due(const Run& run, const Called& call, Phase phase) const {
    const Segment& in = call.label.segment;
    if (in.kind == Segment::Kind::kShutdown) return true;
    if (run.probed_ns && call.t_ns >= *run.probed_ns) return false;
    if (in.kind == Segment::Kind::kAfter && in.task == share_)
      return phase != Phase::kFetch && phase != Phase::kDecode;
    return in.task <= share_;
  }

  void take_life(const Run& run, Role role, const std::vector<const Called*>& calls) {
    std::vector<CallLabel> labels;
    for (const Called* call : calls) labels.push_back(call->label);
    const std::vector<Phase> phases = phases_of(labels);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (!is_due(run, *calls[i], phases[i])) continue;
      const auto [found, fresh] = gathered_.try_emplace(Label{role, calls[i]->label});
      Gathered& seen = found->second;
      ++seen.phases[role == Role::kNewborn ? Phase::kSpawn : phases[i]];
      if (std::exchange(seen.last_run, runs_) != runs_) ++seen.runs;
      seen.returns = seen.returns || calls[i]->returned;
      if (calls[i]->bytes > 0 && (seen.bytes == 0 || calls[i]->bytes < seen.bytes))
        seen.bytes = calls[i]->bytes;
      seen.earliest = fresh ? i : std::min(seen.earliest, i);
    }
  }

  int share_;
  int runs_ = 0;
  std::map<Label, Gathered> gathered_;
};

}  // namespace

Recording learn(const std::vector<std::vector<Observation>>& runs, int share) {
  Learner learner(share);
  std::vector<Run> all;
  for (const auto& lines : runs) {
    all.push_back(run_of(lines));
    learner.workers.insert(all.back().workers.begin(), all.back().workers.end());
    learner.newborns.insert(all.back().newborns.begin(), all.back().newborns.end());
  }
  for (const std::string& worker : learner.workers) learner.newborns.erase(worker);
  for (const Run& run : all) learner.take(run);
  return learner.result();
}

std::string to_string(Role role) { return role == Role::kWorker ? "worker" : "newborn"; }

std::string to_string(const Label& label) {
  return to_string(label.role) + " " + faults::to_string(label.at);
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::kWorker, Role::kNewborn})
    if (to_string(role) == text) return role;
  return std::nullopt;
}

std::optional<Label> parse_label(std::string_view text) {
  Label label;
  const auto space = text.find(' ');
  const auto colon = text.find(':');
  if (space != std::string_view::npos && space < colon) {
    const auto role = parse_role(text.substr(0, space));
    if (!role) return std::nullopt;
    label.role = *role;
    text.remove_prefix(space + 1);
  }
  const auto at = faults::parse_call_label(text);
  if (!at) return std::nullopt;
  label.at = *at;
  return label;
}

}  // namespace poolproof::conformance::sweep
