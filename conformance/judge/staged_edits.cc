// The edits that a test makes to a staged attempt, and functions that read a verdict.
#include <algorithm>
#include <stdexcept>

#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance::staged {
namespace {

using nlohmann::json;

constexpr int kAdapter = 10;
constexpr std::int64_t kMs = 1'000'000;

std::size_t index_of(const Lines& lines, const Predicate& which) {
  const auto found = std::find_if(lines.begin(), lines.end(), which);
  if (found == lines.end()) throw std::logic_error("the staged attempt has no such line");
  return static_cast<std::size_t>(found - lines.begin());
}

int snap_taken_for(const Lines& lines, const std::string& why) {
  for (auto it = lines.rbegin(); it != lines.rend(); ++it)
    if (it->kind == "taken" && it->fields.at("why") == why) return it->fields.at("snap");
  throw std::logic_error("no snapshot was taken for " + why);
}

}  // namespace

Observation line(const std::string& kind, json fields, double at_ms) {
  Observation observation;
  observation.t_ns = static_cast<std::int64_t>(at_ms * kMs);
  observation.run = "staged:death/killed_while_running";
  observation.attempt = 1;
  observation.kind = kind;
  observation.fields = std::move(fields);
  // The order of lines is read from seq. The tests insert lines, so the time sets it.
  observation.seq = static_cast<std::int64_t>(at_ms * 10);
  return observation;
}

void stuck_at(Lines& lines, int step, const std::vector<std::string>& moved,
              const Predicate& lost) {
  const std::size_t begin = index_of(lines, step_is(step, "begin"));
  const std::size_t end = index_of(lines, step_is(step, "end"));
  const double limit_ms = static_cast<double>(lines[end].t_ns) / kMs + 3000;
  Lines kept(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(begin) + 1);
  for (std::size_t i = begin + 1; i < end; ++i)
    if (!lost(lines[i])) kept.push_back(lines[i]);
  kept.push_back(line("process",
                      {{"snap", 91},
                       {"pid", kAdapter},
                       {"ppid", 1},
                       {"start", 1000},
                       {"state", "S"},
                       {"name", "adapter"},
                       {"command", "adapter"},
                       {"threads",
                        {{{"tid", 10}, {"wait", "futex, no time limit"}},
                         {{"tid", 13}, {"wait", "read fd 5 pipe:[7]"}}}},
                       {"fds", json::array()}},
                      limit_ms));
  kept.push_back(line("process",
                      {{"snap", 91},
                       {"pid", 21},
                       {"ppid", kAdapter},
                       {"start", 1021},
                       {"state", "Z"},
                       {"name", "adapter"},
                       {"command", ""},
                       {"threads", json::array()},
                       {"fds", json::array()}},
                      limit_ms));
  kept.push_back(line(
      "snapshot", {{"snap", 91}, {"count", 2}, {"shm", json::array()}, {"files", json::array()}},
      limit_ms));
  kept.push_back(line("taken", {{"snap", 91}, {"why", "still"}}, limit_ms));
  kept.push_back(
      line("still", {{"moved", moved}, {"before", 91}, {"after", 91}, {"since_ns", 1'000'000'000}},
           limit_ms + 1000));
  kept.push_back(line("step", {{"index", step}, {"state", "stuck"}}, limit_ms + 1000));
  kept.push_back(
      line("healed", {{"killed", {{{"pid", kAdapter}, {"name", "adapter"}}}}}, limit_ms + 1001));
  kept.push_back(line("ended", {{"how", "stuck"}, {"why", "a step did not end"}}, limit_ms + 1002));
  lines = std::move(kept);
}

json proof_of_a_hang() {
  const json adapter_waits = {{"tid", kAdapter},
                              {"name", "adapter"},
                              {"call", "read"},
                              {"waits",
                               "waits in read for input from socket:[1] (descriptor 3, "
                               "whose other end is socket:[2], empty)"},
                              {"standing", "stuck"},
                              {"reason", ""},
                              {"wakers", json::array()}};
  json worker_waits = adapter_waits;
  worker_waits["tid"] = 22;
  worker_waits["waits"] = "waits for a lock that thread 21 holds, which is dead";
  worker_waits["wakers"] = {{{"pid", kAdapter}, {"fd", 7}}, {{"pid", kAdapter}, {"fd", 8}}};
  const auto process = [](int pid, int parent, const json& threads) {
    return json{{"pid", pid},
                {"parent", parent},
                {"name", "/usr/bin/python3 /srv/pool.py"},
                {"dead", threads.empty()},
                {"threads", threads}};
  };
  return {
      {"verdict", "hung"},
      {"reason", "each of its 2 threads waits, without a time limit, for another of them"},
      {"took_ns", 80'000'000},
      {"line", "socket:[2]"},
      {"provided", {"nobody outside sends a signal"}},
      {"findings",
       json::array(
           {{{"kind", "orphaned-lock"},
             {"pid", 22},
             {"tid", 22},
             {"processes", {21}},
             {"text", "the lock that process 22 waits for belongs to thread 21, which is dead"}}})},
      {"processes",
       {process(kAdapter, 1, json::array({adapter_waits})), process(21, kAdapter, json::array()),
        process(22, kAdapter, json::array({worker_waits}))}}};
}

void proved_at(Lines& lines, int step, const json& proof, const Predicate& lost) {
  stuck_at(lines, step, {}, lost);
  const auto of_the_limit = [](const Observation& one) {
    const json snap = one.fields.value("snap", json());
    return one.kind == "still" || snap == 91;
  };
  const bool hung = proof.at("verdict") == "hung";
  if (hung) drop(lines, of_the_limit);
  const Predicate where = hung ? step_is(step, "stuck") : of_the_limit;
  insert_before(lines, where, line("silence", {{"still_ns", 104'000'000}}, 0));
  insert_before(lines, where, line("proof", proof, 0));
}

void crash_at(Lines& lines, int step, const json& status) {
  const std::size_t begin = index_of(lines, step_is(step, "begin"));
  const double at_ms = static_cast<double>(lines[begin].t_ns) / kMs + 1;
  lines.resize(begin + 1);
  lines.push_back(line("exit",
                       {{"pid", kAdapter},
                        {"start", 1000},
                        {"status", status},
                        {"adapter", true},
                        {"source", "wait"}},
                       at_ms));
  lines.push_back(line(
      "stderr", {{"bytes", 9}, {"head", "terminate called\naborting\n"}, {"tail", ""}}, at_ms + 1));
  lines.push_back(line("ended", {{"how", "adapter-died"}, {"why", "it ended"}}, at_ms + 2));
}

void drop(Lines& lines, const Predicate& which) {
  if (std::erase_if(lines, which) == 0) throw std::logic_error("nothing to drop");
}

void insert_before(Lines& lines, const Predicate& which, Observation added) {
  const std::size_t at = index_of(lines, which);
  added.t_ns = lines[at].t_ns;
  added.seq = lines[at].seq;
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), std::move(added));
}

Observation& first(Lines& lines, const Predicate& which) { return lines[index_of(lines, which)]; }

Predicate of_kind(const std::string& kind) {
  return [=](const Observation& line) { return line.kind == kind; };
}

Predicate settles(const std::string& task) {
  return [=](const Observation& line) {
    return line.kind == "received" && line.fields["message"].value("id", "") == task;
  };
}

Predicate says(const std::string& event) {
  return [=](const Observation& line) {
    return line.kind == "received" && line.fields["message"].value("event", "") == event;
  };
}

Predicate asks(const std::string& command) {
  return [=](const Observation& line) {
    return line.kind == "sent" && line.fields["message"].value("cmd", "") == command;
  };
}

Predicate step_is(int index, const std::string& state) {
  return [=](const Observation& line) {
    return line.kind == "step" && line.fields["index"] == index && line.fields["state"] == state;
  };
}

Predicate ledger_of(const std::string& task, const std::string& ev) {
  return [=](const Observation& line) {
    return line.kind == "ledger" && line.fields["entry"]["task"] == task &&
           line.fields["entry"]["ev"] == ev;
  };
}

Predicate exit_of(int pid) {
  return [=](const Observation& line) { return line.kind == "exit" && line.fields["pid"] == pid; };
}

json& outcome_of(Lines& lines, const std::string& task) {
  return first(lines, settles(task)).fields["message"]["outcome"];
}

Observation& adapter_in(Lines& lines, const std::string& why) {
  const int snap = snap_taken_for(lines, why);
  return first(lines, [&](const Observation& line) {
    return line.kind == "process" && line.fields["snap"] == snap && line.fields["pid"] == kAdapter;
  });
}

Observation& snapshot_of(Lines& lines, const std::string& why) {
  const int snap = snap_taken_for(lines, why);
  return first(lines, [&](const Observation& line) {
    return line.kind == "snapshot" && line.fields["snap"] == snap;
  });
}

void add_process(Lines& lines, const std::string& why, json process) {
  Observation& snapshot = snapshot_of(lines, why);
  const int snap = snapshot.fields["snap"];
  snapshot.fields["count"] = snapshot.fields["count"].get<int>() + 1;
  process["snap"] = snap;
  insert_before(
      lines, [&](const Observation& l) { return l.kind == "snapshot" && l.fields["snap"] == snap; },
      line("process", std::move(process), 0));
}

const Part* part(const AttemptVerdict& verdict, const std::string& name) {
  const auto found = std::find_if(verdict.parts.begin(), verdict.parts.end(),
                                  [&](const Part& one) { return one.name == name; });
  return found == verdict.parts.end() ? nullptr : &*found;
}

std::string statuses(const AttemptVerdict& verdict) {
  std::string text;
  for (const Part& one : verdict.parts)
    text += (text.empty() ? "" : ", ") + one.name + ": " + to_string(one.status);
  return text;
}

bool has_evidence(const AttemptVerdict& verdict, const std::string& piece) {
  return std::any_of(
      verdict.evidence.begin(), verdict.evidence.end(),
      [&](const std::string& line) { return line.find(piece) != std::string::npos; });
}

}  // namespace poolproof::conformance::staged
