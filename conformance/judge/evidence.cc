#include "conformance/judge/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "conformance/judge/proof_words.h"
#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;

constexpr std::size_t kDeathsNamed = 12;
constexpr std::size_t kProcessesNamed = 16;
constexpr std::size_t kFuturesNamed = 6;
constexpr std::size_t kStderrLines = 6;
constexpr std::size_t kStderrBytes = 800;

std::optional<std::int64_t> first_strike_ns(const History& history) {
  if (history.call_struck) return history.call_struck->t_ns;
  if (history.told.empty()) return std::nullopt;
  return history.told.front().t_ns;
}

std::string words_of_receipt(const faults::Fault& fault, const Strike& strike) {
  if (strike.status && faults::door_of(fault.effect) == faults::Door::kLimit &&
      faults::ends_process(fault.effect))
    return fmt::format("{}; the kernel counted an out-of-memory kill", to_string(*strike.status));
  if (strike.status) return to_string(*strike.status);
  if (fault.effect.kind == faults::EffectKind::kDeny) return "the limit was set";
  if (faults::ends_process_or_is_written(fault.effect))
    return "the body wrote that it was refused more";
  if (fault.target == faults::Target::kGroup) return "the signal was sent to the whole group";
  if (fault.effect.kind == faults::EffectKind::kReturn) return "the program read that it may end";
  return faults::is_written_by_task(fault.effect) ? "the body wrote that it does so"
                                                  : "the body took what it was told";
}

std::string words_of_place(const faults::Fault& fault, const Strike& strike) {
  if (strike.told.task.empty()) return "";
  const bool sending = fault.point == faults::Point::kSending;
  return (sending ? " while sending the result of task " : " at task ") + strike.told.task;
}

void add_call_strike(const Trial& trial, const Receipt& receipt, Lines& lines) {
  if (const auto& struck = trial.history.call_struck) {
    const std::string moved =
        struck->moved && struck->bytes
            ? fmt::format(" ({} of {} bytes moved)", *struck->moved, *struck->bytes)
            : "";
    lines.push_back(fmt::format("{}{} of process {} (`{}`) at {}", words_of_call_strike(trial.plan),
                                moved, struck->process.pid, struck->lineage,
                                duration(struck->t_ns)));
  }
  for (const Strike& strike : receipt.strikes)
    if (strike.status)
      lines.push_back(fmt::format("receipt: process {} ended by {}, {} later",
                                  strike.told.process.pid, to_string(*strike.status),
                                  duration(*strike.landed_ns - strike.told.t_ns)));
  if (!receipt.missing.empty()) lines.push_back(receipt.missing);
}

void add_receipts(const Trial& trial, Lines& lines) {
  for (const Receipt& receipt : trial.receipts.faults) {
    if (receipt.fault == kCallStrike) {
      add_call_strike(trial, receipt, lines);
      continue;
    }
    const auto& fault = trial.plan.faults[static_cast<std::size_t>(receipt.fault)];
    for (const Strike& strike : receipt.strikes) {
      const std::string what = fmt::format(
          "fault `{}` was commanded on process {}{} at {}", faults::to_string(fault.effect),
          strike.told.process.pid, words_of_place(fault, strike), duration(strike.told.t_ns));
      if (!strike.landed_ns) {
        lines.push_back(fmt::format("{}; no receipt: {}", what, strike.why_not));
      } else {
        lines.push_back(fmt::format("{}; receipt: {}, {} later", what,
                                    words_of_receipt(fault, strike),
                                    duration(*strike.landed_ns - strike.told.t_ns)));
      }
    }
    if (!receipt.missing.empty()) lines.push_back(receipt.missing);
  }
}

std::string teller_of(const History& history, const Exit& exit) {
  for (const TaskHistory& task : history.tasks)
    for (const Settled& settled : task.settled)
      if (settled.blamed_pid() == exit.process.pid) return name_of(task);
  return "";
}

// Deaths that happened by themselves or because of us. Processes that end once a close was
// requested do not count as deaths.
void add_deaths(const Trial& trial, Lines& lines) {
  const auto struck_ns = first_strike_ns(trial.history);
  if (!struck_ns) return;
  std::int64_t until_seq = std::numeric_limits<std::int64_t>::max();
  if (trial.history.end) until_seq = trial.history.end_seq;
  for (const Call& close : trial.history.closes)
    if (close.sent_ns > *struck_ns) until_seq = std::min(until_seq, close.sent_seq);
  std::size_t named = 0;
  for (const Exit& exit : trial.history.exits) {
    if (exit.t_ns < *struck_ns || exit.seq > until_seq || exit.adapter) continue;
    if (++named > kDeathsNamed) continue;
    std::string told = "; no outcome names it";
    const std::string teller = teller_of(trial.history, exit);
    if (!teller.empty()) told = "; told by the outcome of " + teller;
    if (trial.parent_struck) told = "";  // no process is left that could report
    lines.push_back(fmt::format("process {} died by {}, {} after the strike{}", exit.process.pid,
                                to_string(exit.status), duration(exit.t_ns - *struck_ns), told));
  }
  if (named > kDeathsNamed) lines.push_back(fmt::format("{} more deaths", named - kDeathsNamed));
}

void add_open_futures(const Trial& trial, Lines& lines) {
  std::size_t open = 0;
  for (const TaskHistory& task : trial.history.tasks) {
    if (!task.open() || ++open > kFuturesNamed) continue;
    std::string did = "its body never started";
    if (!task.starts.empty())
      did = fmt::format("its body started in process {}", task.starts.back().pid);
    if (!task.ends.empty())
      did += fmt::format(" and came to its end in process {}", task.ends.back().pid);
    lines.push_back(fmt::format("future {} is open: submitted at {}, {}{}", name_of(task),
                                duration(*task.submitted_ns), did,
                                task.closed_over ? "; the pool has said `closed`" : ""));
  }
  if (open > kFuturesNamed)
    lines.push_back(fmt::format("{} are open", counted(open - kFuturesNamed, "more future")));
}

void add_stillness(const History& history, Lines& lines) {
  if (!history.still) return;
  if (history.still->moved.empty()) {
    lines.push_back(fmt::format("nothing moved for {}", duration(history.still->since_ns)));
    return;
  }
  std::string what;
  for (const std::string& word : history.still->moved) what += (what.empty() ? "" : ", ") + word;
  lines.push_back(fmt::format("watched for {}, these still moved: {}",
                              duration(history.still->since_ns), what));
}

// "3 threads: futex, no time limit (12, 15); read fd 5 pipe:[9] (16)"
std::string waits_of(const SeenProcess& process) {
  std::map<std::string, std::string> tids_by_wait;
  for (const json& thread : process.threads) {
    std::string& tids = tids_by_wait[thread.value("wait", "?")];
    tids += fmt::format("{}{}", tids.empty() ? "" : ", ", integer_in(thread, "tid", 0));
  }
  std::string text;
  for (const auto& [wait, tids] : tids_by_wait)
    text += fmt::format("{}{} ({})", text.empty() ? "" : "; ", wait, tids);
  return fmt::format("{}: {}", counted(process.threads.size(), "thread"), text);
}

std::string role_of(const Trial& trial, const Snapshot& snapshot, const SeenProcess& process) {
  if (process.id.pid == trial.history.adapter.pid) return "the adapter";
  const bool parent_is_inside =
      std::any_of(snapshot.processes.begin(), snapshot.processes.end(),
                  [&](const SeenProcess& other) { return other.id.pid == process.ppid; });
  std::string role = parent_is_inside ? fmt::format("child of {}", process.ppid) : "an orphan";
  if (trial.receipts.struck(process.id.pid)) role += ", struck";
  return role;
}

void add_processes(const Trial& trial, Lines& lines) {
  const History& history = trial.history;
  if (!history.still) return;
  const auto found = history.snapshots.find(history.still->after);
  if (found == history.snapshots.end()) return;
  const auto& processes = found->second.processes;
  for (std::size_t i = 0; i < processes.size() && i < kProcessesNamed; ++i) {
    const SeenProcess& process = processes[i];
    const std::string role = role_of(trial, found->second, process);
    lines.push_back(process.zombie()
                        ? fmt::format("process {} `{}` ({}) is a zombie: nobody has waited for it",
                                      process.id.pid, process.name, role)
                        : fmt::format("process {} `{}` ({}), {}", process.id.pid, process.name,
                                      role, waits_of(process)));
  }
  if (processes.size() > kProcessesNamed)
    lines.push_back(fmt::format("{} more processes", processes.size() - kProcessesNamed));
}

}  // namespace

std::string last_words(const History& history) {
  std::string text = history.stderr_tail.empty() ? history.stderr_head : history.stderr_tail;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t from = text.size();
  for (std::size_t lines = 0; lines < kStderrLines && from != std::string::npos && from > 0;
       ++lines)
    from = text.rfind('\n', from - 1);
  if (from != std::string::npos && from > 0) text.erase(0, from + 1);
  if (text.size() > kStderrBytes) text.erase(0, text.size() - kStderrBytes);
  return text;
}

std::vector<std::string> evidence_of(const Trial& trial, bool failed) {
  Lines lines;
  add_receipts(trial, lines);
  add_deaths(trial, lines);
  if (!failed) return lines;
  if (!trial.parent_struck) add_open_futures(trial, lines);
  for (std::string& line : words_of_proof(trial.history)) lines.push_back(std::move(line));
  add_stillness(trial.history, lines);
  add_processes(trial, lines);
  const bool crashed = trial.obstacle && trial.obstacle->status == Status::kParentCrash;
  if (crashed) {
    const std::string words = last_words(trial.history);
    lines.push_back(words.empty() ? "the adapter said nothing on stderr"
                                  : "the adapter's last lines on stderr: " + words);
  }
  return lines;
}

}  // namespace poolproof::conformance::judging
