#include "conformance/judge/history.h"

#include <fmt/format.h>

#include <algorithm>

namespace poolproof::conformance::judging {
namespace {

using nlohmann::json;

constexpr double kHighestFactor = 1000;  // far above any; a limit times it can still be computed

// A field that a pool, an adapter or a body sent: data of any shape.
std::string text_in(const json& object, const char* key) {
  if (!object.is_object()) return "";
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int number_in(const json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto found = object.find(key);
  return found != object.end() ? integer_of<int>(*found).value_or(0) : 0;
}

ProcessId identity_in(const Observation& line, const json& object) {
  const bool knows_start = object.is_object() && object.contains("start");
  return {need<int>(line, object, "pid"),
          knows_start ? need<std::uint64_t>(line, object, "start") : 0};
}

class Reader {
 public:
  explicit Reader(const scenarios::Plan& plan) {
    for (const scenarios::PlannedTask& task : plan.tasks)
      history_.tasks.push_back({.planned = task});
  }

  void take(const Observation& line);
  History result() &&;

 private:
  void take_cage(const Observation& line);
  void take_sent(const Observation& line);
  void take_received(const Observation& line);
  void take_settled(const Observation& line, const json& message);
  void take_answer(const Observation& line, std::vector<Call>& calls, const char* event);
  void take_meeting(const Observation& line);
  void take_ledger(const Observation& line);
  void take_exit(const Observation& line);
  void take_call_struck(const Observation& line);
  void take_proof(const Observation& line);
  void take_snapshot(const Observation& line);
  void take_taken(const Observation& line);

  TaskHistory* find(const std::string& id) {
    const auto found = std::find_if(history_.tasks.begin(), history_.tasks.end(),
                                    [&](const auto& task) { return task.planned.id == id; });
    return found == history_.tasks.end() ? nullptr : &*found;
  }

  History history_;
  std::set<int> made_;                // children that bodies started
  std::int64_t silent_for_ns_ = 0;    // before the last question
  std::size_t closed_taken_for_ = 0;  // how many closes had been sent at the last `closed` snapshot
};

// Once a step is stuck, the cage is emptied. If a worker that we kill then settles a future, this
// is not an act of the pool.
bool is_clearing_up(const std::string& kind) {
  return kind == "received" || kind == "ledger" || kind == "met" || kind == "left" ||
         kind == "exit" || kind == "call-struck";
}

void Reader::take(const Observation& line) {
  const std::string& kind = line.kind;
  if (history_.stuck && is_clearing_up(kind)) return;
  if (kind == "plan") {
    history_.factor = std::max(1.0, need<double>(line, "factor"));
    if (history_.factor > kHighestFactor)
      throw FormError(fmt::format("line {} (plan): `factor` is {}", line.seq, history_.factor));
  } else if (kind == "cage") {
    take_cage(line);
  } else if (kind == "step") {
    history_.step = need<int>(line, "index");
    history_.stuck = need<std::string>(line, "state") == "stuck";
    if (!history_.stuck) history_.proof.reset();
  } else if (kind == "sent") {
    take_sent(line);
  } else if (kind == "received") {
    take_received(line);
  } else if (kind == "invalid") {
    history_.nonsense.push_back(fmt::format("it sent what is no message ({}): {}",
                                            text_in(line.fields, "why"),
                                            text_in(line.fields, "text")));
  } else if (kind == "ledger-invalid") {
    // If something else writes between the lines of bodies, it may have damaged a line and a count.
    history_.nonsense.push_back("something that is no body wrote into the ledger: " +
                                text_in(line.fields, "text"));
  } else if (kind == "met" || kind == "left" || kind == "answered") {
    take_meeting(line);
  } else if (kind == "ledger") {
    take_ledger(line);
  } else if (kind == "told") {
    history_.told.push_back({need<int>(line, "fault"), identity_in(line, line.fields),
                             text_in(line.fields, "task"), line.t_ns, line.seq,
                             number_in(line.fields, "limit")});
  } else if (kind == "call-struck") {
    take_call_struck(line);
  } else if (kind == "limited" || kind == "limit-seen") {
    history_.limits.take(line);
  } else if (kind == "signalled") {
    const auto error = need<std::string>(line, "error");
    if (!error.empty()) history_.signal_errors[need<int>(line, "pid")] = error;
    if (error.empty() && line.fields.value("group", false)) history_.group_signalled_ns = line.t_ns;
  } else if (kind == "heard") {
    if (text_in(line.fields, "cmd") == "bye") history_.bye_heard_ns = line.t_ns;
  } else if (kind == "sending") {
    if (TaskHistory* task = find(text_in(line.fields, "task"))) task->seen_sending = true;
  } else if (kind == "exit") {
    take_exit(line);
  } else if (kind == "process" || kind == "snapshot") {
    take_snapshot(line);
  } else if (kind == "taken") {
    take_taken(line);
  } else if (kind == "still") {
    history_.still = {need<std::vector<std::string>>(line, "moved"), need<int>(line, "after"),
                      need<std::int64_t>(line, "since_ns"), line.seq};
  } else if (kind == "silence" || kind == "proof") {
    take_proof(line);
  } else if (kind == "deadline") {
    history_.cage_deadline = true;
  } else if (kind == "healed") {
    for (const json& killed : need<std::vector<json>>(line, "killed"))
      history_.healed[need<int>(line, killed, "pid")] = text_in(killed, "name");
  } else if (kind == "stderr") {
    history_.stderr_head = text_in(line.fields, "head");
    history_.stderr_tail = text_in(line.fields, "tail");
  } else if (kind == "ended") {
    history_.ended = {need<std::string>(line, "how"), text_in(line.fields, "why")};
  }  // every other kind stays in the record, but has no meaning here
}

History Reader::result() && {
  for (auto& [number, snapshot] : history_.snapshots)
    for (SeenProcess& process : snapshot.processes) process.ours = made_.count(process.id.pid) > 0;
  return std::move(history_);
}

void Reader::take_cage(const Observation& line) {
  history_.cage_mode = need<std::string>(line, "mode");
  history_.private_mounts = need<bool>(line, "mounts");
  history_.adapter = identity_in(line, need<json>(line, "adapter"));
  for (const char* own : {"ledger", "rendezvous"})
    history_.own_paths.insert(need<std::string>(line, own));
}

void Reader::take_sent(const Observation& line) {
  const json message = need<json>(line, "message");
  const auto command = need<std::string>(line, message, "cmd");
  if (command == "open") history_.opens.push_back({line.t_ns, line.seq, {}});
  if (command == "resize") history_.resizes.push_back({line.t_ns, line.seq, {}});
  if (command == "close") history_.closes.push_back({line.t_ns, line.seq, {}});
  if (command == "bye") history_.bye_ns = line.t_ns;
  if (command != "submit") return;
  const auto id = need<std::string>(line, message, "id");
  TaskHistory* task = find(id);
  if (task == nullptr)
    throw FormError(fmt::format("line {}: task {} is submitted and not in the plan", line.seq, id));
  task->submitted_ns = line.t_ns;
}

void Reader::take_received(const Observation& line) {
  const json message = need<json>(line, "message");
  const std::string event = text_in(message, "event");
  if (event == "opened") take_answer(line, history_.opens, "opened");
  if (event == "resized") take_answer(line, history_.resizes, "resized");
  if (event == "settled") take_settled(line, message);
  if (event == "refused") {
    history_.nonsense.push_back(
        fmt::format("it refused `{}`: {}", text_in(message, "cmd"), text_in(message, "why")));
  }
  if (event == "closed") {
    take_answer(line, history_.closes, "closed");
    for (TaskHistory& task : history_.tasks)
      if (task.open()) task.closed_over = true;
  }
}

void Reader::take_settled(const Observation& line, const json& message) {
  const std::string id = text_in(message, "id");
  TaskHistory* task = find(id);
  if (task == nullptr || !task->submitted_ns) {
    history_.nonsense.push_back(fmt::format("it settled `{}`, which it was never given", id));
    return;
  }
  task->settled.push_back({line.t_ns, message.value("outcome", json())});
  for (TaskHistory& follower : history_.tasks)  // its done-callback submits this one now
    if (follower.planned.submitted_by == id && !follower.submitted_ns)
      follower.submitted_ns = line.t_ns;
}

void Reader::take_answer(const Observation& line, std::vector<Call>& calls, const char* event) {
  const auto waiting =
      std::find_if(calls.begin(), calls.end(), [](const Call& call) { return !call.answered_ns; });
  if (waiting == calls.end()) {
    history_.nonsense.push_back(fmt::format("it said `{}` though nobody had asked", event));
    return;
  }
  waiting->answered_ns = line.t_ns;
}

void Reader::take_meeting(const Observation& line) {
  const int conn = need<int>(line, "conn");
  if (line.kind == "met") {
    history_.meetings.push_back({.conn = conn,
                                 .process = identity_in(line, line.fields),
                                 .task = text_in(line.fields, "task"),
                                 .point = text_in(line.fields, "point"),
                                 .left_ns = {},
                                 .step = history_.step});
    return;
  }
  for (Meeting& meeting : history_.meetings) {
    if (meeting.conn != conn) continue;
    if (line.kind == "answered") {
      meeting.answered = true;
    } else {
      meeting.left_ns = line.t_ns;
      meeting.left_seq = line.seq;
    }
  }
}

void Reader::take_ledger(const Observation& line) {
  const json entry = need<json>(line, "entry");
  if (text_in(entry, "ev") == "init")
    history_.inits.push_back({number_in(entry, "pid"), line.t_ns, line.seq});
  TaskHistory* task = find(text_in(entry, "task"));
  if (task == nullptr) return;  // a task that was not planned: no evidence
  const std::string ev = text_in(entry, "ev");
  const LedgerLine seen{number_in(entry, "pid"), line.t_ns, line.seq};
  if (const int child = number_in(entry, "child"); child != 0) made_.insert(child);
  if (ev == "start") task->starts.push_back(seen);
  if (ev == "end") task->ends.push_back(seen);
  if (ev == "struck") task->strucks.push_back(seen);
}

void Reader::take_exit(const Observation& line) {
  const json status = need<json>(line, "status");
  Exit exit{identity_in(line, line.fields), {}, line.t_ns, line.seq, need<bool>(line, "adapter")};
  if (status.contains("code")) {
    exit.status = {ExitStatus::How::kCode, need<int>(line, status, "code"), "", false};
  } else if (status.contains("signal")) {
    exit.status = {ExitStatus::How::kSignal, 0, need<std::string>(line, status, "signal"),
                   status.value("core", false)};
  } else if (!status.contains("unseen")) {
    throw FormError(
        fmt::format("line {} (exit): `status` has no code, signal or unseen", line.seq));
  }
  // A process ends once: its first line counts, unless a later one has more information.
  for (Exit& known : history_.exits) {
    if (known.process != exit.process) continue;
    if (known.status.how == ExitStatus::How::kUnseen) known.status = exit.status;
    return;
  }
  history_.exits.push_back(exit);
}

void Reader::take_call_struck(const Observation& line) {
  CallStruck struck;
  struck.process = identity_in(line, line.fields);
  struck.lineage = need<std::string>(line, "lineage");
  struck.at = need<std::string>(line, "at");
  struck.moment = need<std::string>(line, "moment");
  struck.effect = need<std::string>(line, "effect");
  struck.to = text_in(line.fields, "to");
  if (line.fields.contains("bytes")) struck.bytes = need<std::int64_t>(line, "bytes");
  if (line.fields.contains("moved")) struck.moved = need<std::int64_t>(line, "moved");
  struck.seen = line.fields.value("seen", false);
  struck.t_ns = line.t_ns;
  struck.seq = line.seq;
  if (!history_.call_struck) history_.call_struck = struck;
}

void Reader::take_proof(const Observation& line) {
  if (line.kind == "silence") {
    silent_for_ns_ = need<std::int64_t>(line, "still_ns");
    return;
  }
  HangProof proof;
  proof.verdict = need<std::string>(line, "verdict");
  proof.reason = need<std::string>(line, "reason");
  proof.took_ns = need<std::int64_t>(line, "took_ns");
  proof.still_ns = silent_for_ns_;
  proof.hung = proof.verdict == "hung";
  proof.line = text_in(line.fields, "line");
  if (proof.hung) proof.processes = need<std::vector<json>>(line, "processes");
  if (proof.hung) proof.findings = need<std::vector<json>>(line, "findings");
  history_.proof = std::move(proof);
}

void Reader::take_snapshot(const Observation& line) {
  Snapshot& snapshot = history_.snapshots[need<int>(line, "snap")];
  if (line.kind == "snapshot") {
    snapshot.shm = need<std::set<std::string>>(line, "shm");
    snapshot.files = need<std::set<std::string>>(line, "files");
    if (line.fields.contains("groups"))  // older records have none
      snapshot.groups = need<std::set<std::string>>(line, "groups");
    snapshot.complete = need<std::size_t>(line, "count") == snapshot.processes.size();
    return;
  }
  snapshot.processes.push_back({identity_in(line, line.fields), need<int>(line, "ppid"),
                                need<std::string>(line, "state"), need<std::string>(line, "name"),
                                text_in(line.fields, "command"), list_in(line, "threads"),
                                list_in(line, "fds")});
}

void Reader::take_taken(const Observation& line) {
  const int number = need<int>(line, "snap");
  const auto why = need<std::string>(line, "why");
  if (why == "baseline") history_.baseline = number;
  if (why == "end") {
    history_.end = number;
    history_.end_seq = line.seq;
  }
  if (why != "closed") return;
  // A close may be examined more than once while the pool finishes its work: the last look counts.
  if (closed_taken_for_ == history_.closes.size() && !history_.closed.empty())
    history_.closed.pop_back();
  history_.closed.push_back(number);
  closed_taken_for_ = history_.closes.size();
}

}  // namespace

std::string Settled::text(const char* key) const { return text_in(outcome, key); }

std::optional<int> Settled::blamed_pid() const {
  if (!outcome.is_object() || !outcome.contains("blame")) return std::nullopt;
  const int pid = number_in(outcome.at("blame"), "pid");
  return pid != 0 ? std::optional(pid) : std::nullopt;
}

const TaskHistory* History::task(const std::string& id) const {
  const auto found = std::find_if(tasks.begin(), tasks.end(),
                                  [&](const auto& task) { return task.planned.id == id; });
  return found == tasks.end() ? nullptr : &*found;
}

const Snapshot& History::snapshot(int number) const {
  const auto found = snapshots.find(number);
  if (found == snapshots.end() || !found->second.complete)
    throw FormError(fmt::format("snapshot {} is named, and not whole in the record", number));
  return found->second;
}

std::vector<const TaskHistory*> History::of_role(const std::string& role) const {
  std::vector<const TaskHistory*> found;
  for (const TaskHistory& task : tasks)
    if (task.planned.role == role) found.push_back(&task);
  return found;
}

std::vector<const Exit*> History::exits_of(const ProcessId& process) const {
  std::vector<const Exit*> found;
  for (const Exit& exit : exits) {
    const bool same_start =
        exit.process.start == process.start || exit.process.start == 0 || process.start == 0;
    if (exit.process.pid == process.pid && same_start) found.push_back(&exit);
  }
  return found;
}

History read_history(const scenarios::Plan& plan, const std::vector<Observation>& attempt) {
  Reader reader(plan);
  for (const Observation& line : attempt) {
    try {
      reader.take(line);
    } catch (const nlohmann::json::exception& error) {
      throw FormError(fmt::format("line {} ({}): {}", line.seq, line.kind, error.what()));
    }
  }
  return std::move(reader).result();
}

}  // namespace poolproof::conformance::judging
