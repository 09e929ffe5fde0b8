#include "reports/life.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/fields.h"

namespace poolproof::reports {
namespace {

using nlohmann::json;

// /proc gives a start time in clock ticks; Linux shows a hundred per second to every process.
constexpr std::int64_t kTickNs = 10'000'000;
constexpr std::int64_t kMostTicks = 100'000'000'000;  // 31 years: as ns it is still a number

}  // namespace

std::string Life::status_words(const json& status) {
  if (const std::string signal = text_at(status, "signal"); !signal.empty())
    return "signal " + signal + (true_at(status, "core") ? ", core dumped" : "");
  if (status.contains("code")) return fmt::format("exit status {}", number_at(status, "code"));
  return "a status that nobody saw";
}

// Its first event may come late; the ticks show to a hundredth of a second when it began.
void Life::know_start(Process& process, std::int64_t start) const {
  process.start = start;
  if (adapter_start_ == 0) return;
  const std::int64_t later = std::clamp(start - adapter_start_, -kMostTicks, kMostTicks);
  const std::int64_t born = adapter_born_ + later * kTickNs;
  process.born = std::clamp(born, std::min(adapter_born_, process.born), process.born);
}

// A start of 0 is unknown: the last process with that pid is used.
Life::Process& Life::process(std::int64_t pid, std::int64_t start, std::int64_t now) {
  const auto found =
      std::find_if(processes_.rbegin(), processes_.rend(), [&](const Process& known) {
        return known.pid == pid && (start == 0 || known.start == 0 || known.start == start);
      });
  if (found != processes_.rend()) {
    if (found->start == 0 && start != 0) know_start(*found, start);
    return *found;
  }
  Process& made = processes_.emplace_back();
  made.pid = pid;
  made.born = now;
  made.role = pid == adapter_pid_ ? "parent" : "worker";
  if (start != 0) know_start(made, start);
  return made;
}

void Life::expect(const json& planned) {
  json& added = task(text_at(planned, "id"));
  for (const char* field : {"role", "body", "stage"})
    if (const std::string word = text_at(planned, field); !word.empty()) added[field] = word;
}

json& Life::task(const std::string& id) {
  const auto [at, is_new] = task_at_.try_emplace(id, tasks_.size());
  if (is_new)
    tasks_.push_back({{"id", id},
                      {"role", ""},
                      {"runs", json::array()},
                      {"settled", json::array()},
                      {"submitted", nullptr}});
  return tasks_[at->second];
}

void Life::adapter(const json& adapter, std::int64_t now) {
  adapter_pid_ = number_at(adapter, "pid", -1);
  adapter_start_ = number_at(adapter, "start");
  adapter_born_ = now;
  process(adapter_pid_, adapter_start_, now);
}

void Life::seen(std::int64_t pid, std::int64_t start, std::int64_t now) {
  process(pid, start, now);
}

void Life::looked(const json& line, std::int64_t now) {
  Process& known = process(number_at(line, "pid"), number_at(line, "start"), now);
  known.name = text_at(line, "name");
}

void Life::struck(std::int64_t pid, std::int64_t start, std::int64_t now) {
  process(pid, start, now).struck = true;
}

void Life::exited(std::int64_t pid, std::int64_t start, std::int64_t now, const std::string& how) {
  Process& ended = process(pid, start, now);
  if (ended.ended >= 0) return;
  ended.ended = now;
  ended.how = how;
  for (json& task : tasks_)
    for (json& run : task["runs"])
      if (run["pid"] == pid && run["end"].is_null()) {
        run["end"] = now;
        run["how"] = "died";
      }
}

void Life::submitted(const std::string& id, std::int64_t now) { task(id)["submitted"] = now; }

void Life::ledger(const std::string& id, std::int64_t pid, const std::string& ev,
                  std::int64_t now) {
  process(pid, 0, now);
  json& runs = task(id)["runs"];
  constexpr std::size_t kRunsKept = 8;
  if (ev == "start" && runs.size() < kRunsKept) {
    runs.push_back({{"pid", pid}, {"start", now}, {"end", nullptr}, {"how", ""}});
  } else if (ev == "end") {
    for (json& run : runs)
      if (run["pid"] == pid && run["end"].is_null()) {
        run["end"] = now;
        run["how"] = "ended";
      }
  }
}

void Life::settled(const std::string& id, std::int64_t now, const json& outcome,
                   const std::string& words) {
  json told = {{"t", now}, {"kind", text_at(outcome, "kind")}, {"words", words}};
  if (const json& blame = object_at(outcome, "blame"); blame.contains("pid"))
    told["blame"] = number_at(blame, "pid");
  // A body that throws writes no end line: its run is over at the latest when the pool says so.
  json& settling = task(id);
  for (json& run : settling["runs"])
    if (run["end"].is_null()) {
      run["end"] = now;
      run["how"] = "settled";
    }
  if (settling["settled"].size() < 4) settling["settled"].push_back(std::move(told));
}

std::string Life::named(const std::string& id) const {
  const auto found = task_at_.find(id);
  const std::string role = found == task_at_.end() ? "" : text_at(tasks_[found->second], "role");
  return role.empty() ? id : fmt::format("{} ({})", id, role);
}

void Life::tell(json& story, std::size_t processes, std::size_t tasks) const {
  json lives = json::array(), told = json::array();
  for (const Process& one : processes_) {
    if (lives.size() == processes) break;
    lives.push_back({{"pid", one.pid},
                     {"name", one.name},
                     {"role", one.role},
                     {"born", one.born},
                     {"ended", one.ended < 0 ? json() : json(one.ended)},
                     {"how", one.how},
                     {"struck", one.struck}});
  }
  for (const json& one : tasks_) {
    if (told.size() == tasks) break;
    told.push_back(one);
  }
  story["more_processes"] = processes_.size() - lives.size();
  story["more_tasks"] = tasks_.size() - told.size();
  story["processes"] = std::move(lives);
  story["tasks"] = std::move(told);
}

std::string Life::role_of(std::int64_t pid) const {
  if (pid == adapter_pid_) return "the program that owns the pool";
  for (const Process& one : processes_)
    if (one.pid == pid && one.struck) return "struck";
  return "";
}

json Life::waits_of(const std::vector<const json*>& processes, std::size_t most) const {
  json told = json::array();
  for (const json* line : processes) {
    if (told.size() == most) break;
    std::map<std::string, std::vector<std::int64_t>> by_wait;
    for (const json& thread : list_at(*line, "threads"))
      by_wait[shortened(text_at(thread, "wait"), 200)].push_back(number_at(thread, "tid"));
    json threads = json::array();
    for (const auto& [wait, tids] : by_wait) {
      const std::size_t shown = std::min<std::size_t>(tids.size(), 20);
      threads.push_back({{"wait", wait.empty() ? "not known" : wait},
                         {"count", tids.size()},
                         {"tids", std::vector<std::int64_t>(
                                      tids.begin(), tids.begin() + static_cast<long>(shown))}});
    }
    const std::string state = text_at(*line, "state");
    told.push_back({{"pid", number_at(*line, "pid")},
                    {"ppid", number_at(*line, "ppid")},
                    {"name", text_at(*line, "name")},
                    {"command", shortened(text_at(*line, "command"), 200)},
                    {"role", role_of(number_at(*line, "pid"))},
                    {"zombie", state == "Z" || state == "X"},
                    {"threads", std::move(threads)}});
  }
  return told;
}

}  // namespace poolproof::reports
