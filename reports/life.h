// The processes and tasks of one attempt, from its lines: which process started when, which task
// ran in which process, how it ended. Times are ns since the attempt's first line.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace poolproof::reports {

class Life {
 public:
  void expect(const nlohmann::json& planned_task);
  void adapter(const nlohmann::json& adapter, std::int64_t now);  // {pid, start}
  void seen(std::int64_t pid, std::int64_t start, std::int64_t now);
  void looked(const nlohmann::json& line, std::int64_t now);  // a `process` line
  void struck(std::int64_t pid, std::int64_t start, std::int64_t now);
  void exited(std::int64_t pid, std::int64_t start, std::int64_t now, const std::string& how);
  void submitted(const std::string& id, std::int64_t now);
  void ledger(const std::string& id, std::int64_t pid, const std::string& ev, std::int64_t now);
  void settled(const std::string& id, std::int64_t now, const nlohmann::json& outcome,
               const std::string& words);

  std::string named(const std::string& id) const;  // "t5 (victim)"

  // Adds `processes` and `tasks`, and also `more_processes` and `more_tasks`: how many were left
  // out.
  void tell(nlohmann::json& story, std::size_t processes, std::size_t tasks) const;

  // What each thread of these processes waits for; threads with the same wait are grouped.
  nlohmann::json waits_of(const std::vector<const nlohmann::json*>& processes,
                          std::size_t most) const;

  static std::string status_words(const nlohmann::json& status);  // "signal KILL"

 private:
  struct Process {
    std::int64_t pid = 0, start = 0, born = 0, ended = -1;
    std::string name, role, how;
    bool struck = false;
  };
  Process& process(std::int64_t pid, std::int64_t start, std::int64_t now);
  void know_start(Process& process, std::int64_t start) const;
  std::string role_of(std::int64_t pid) const;
  nlohmann::json& task(const std::string& id);

  std::vector<Process> processes_;  // in the order in which they were first seen
  std::int64_t adapter_pid_ = -1, adapter_start_ = 0, adapter_born_ = 0;
  std::vector<nlohmann::json> tasks_;
  std::map<std::string, std::size_t> task_at_;
};

}  // namespace poolproof::reports
