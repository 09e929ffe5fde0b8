#include "reports/proof_story.h"

#include <set>
#include <string>

#include "reports/fields.h"

namespace poolproof::reports {
namespace {

using nlohmann::json;

constexpr std::size_t kThreads = 24;  // of one process
constexpr std::size_t kFindings = 16;
constexpr std::size_t kPids = 16;  // in one thread or finding

json thread_story(const json& thread, const std::string& line, std::size_t text_bytes) {
  const std::string waits = text_at(thread, "waits");
  std::set<std::int64_t> wakers;
  for (const json& waker : list_at(thread, "wakers"))
    if (wakers.size() < kPids) wakers.insert(number_at(waker, "pid"));
  return {{"tid", number_at(thread, "tid")},
          {"waits", shortened(waits, text_bytes)},
          {"harness", !line.empty() && waits.find(line) != std::string::npos},
          {"wakers", wakers}};
}

json process_story(const json& process, const std::string& line, std::size_t text_bytes) {
  json threads = json::array();
  const json& all = list_at(process, "threads");
  for (const json& thread : all)
    if (threads.size() < kThreads) threads.push_back(thread_story(thread, line, text_bytes));
  return {{"pid", number_at(process, "pid")},
          {"parent", number_at(process, "parent")},
          {"name", shortened(text_at(process, "name"), text_bytes)},
          {"dead", true_at(process, "dead")},
          {"more_threads", all.size() - threads.size()},
          {"threads", std::move(threads)}};
}

json finding_story(const json& finding, std::size_t text_bytes) {
  json processes = json::array();
  for (const json& pid : list_at(finding, "processes"))
    if (pid.is_number_integer() && processes.size() < kPids) processes.push_back(pid);
  return {{"kind", text_at(finding, "kind")},
          {"pid", number_at(finding, "pid")},
          {"processes", std::move(processes)},
          {"text", shortened(text_at(finding, "text"), text_bytes)}};
}

}  // namespace

json proof_story(const json& fields, std::size_t processes, std::size_t text_bytes) {
  json told = json::array(), findings = json::array(), provided = json::array();
  const json& all = list_at(fields, "processes");
  const std::string line = text_at(fields, "line");
  for (const json& process : all)
    if (told.size() < processes) told.push_back(process_story(process, line, text_bytes));
  for (const json& finding : list_at(fields, "findings"))
    if (findings.size() < kFindings) findings.push_back(finding_story(finding, text_bytes));
  for (const std::string& one : texts_at(fields, "provided"))
    if (provided.size() < kFindings) provided.push_back(shortened(one, text_bytes));
  return {{"took", number_at(fields, "took_ns")},
          {"reason", shortened(text_at(fields, "reason"), text_bytes)},
          {"provided", std::move(provided)},
          {"findings", std::move(findings)},
          {"more_processes", all.size() - told.size()},
          {"processes", std::move(told)}};
}

}  // namespace poolproof::reports
