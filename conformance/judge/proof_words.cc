#include "conformance/judge/proof_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "conformance/judge/wording.h"

namespace poolproof::conformance::judging {
namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;

constexpr std::size_t kFindingsTold = 10;
constexpr std::size_t kThreadsTold = 24;
constexpr std::size_t kDescriptorsTold = 4;

// "python pool.py", from a command line with folders
std::string short_name(const std::string& name) {
  std::string text;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find(' ', at), name.size());
    const std::string word = name.substr(at, end - at);
    text += (text.empty() ? "" : " ") + word.substr(word.rfind('/') + 1);
    at = end + 1;
  }
  return text;
}

std::string role_of(const History& history, const json& process, const std::set<int>& inside) {
  if (process.at("pid") == history.adapter.pid) return "the adapter";
  const int parent = integer_in<int>(process, "parent");
  return inside.contains(parent) ? fmt::format("child of {}", parent) : "an orphan";
}

// "process 8 by descriptor 5, or its own process"
std::string wakers_of(const json& thread, int pid) {
  std::map<int, std::vector<int>> by_process;
  for (const json& waker : thread.value("wakers", json::array())) {
    auto& fds = by_process[integer_in<int>(waker, "pid")];
    if (const int fd = integer_in(waker, "fd", -1); fd >= 0) fds.push_back(fd);
  }
  std::vector<std::string> words;
  for (const auto& [waker, fds] : by_process) {
    std::string text = waker == pid ? "its own process" : fmt::format("process {}", waker);
    for (std::size_t i = 0; i < fds.size() && i < kDescriptorsTold; ++i)
      text += fmt::format("{}{}",
                          i > 0            ? ", "
                          : fds.size() > 1 ? " by descriptors "
                                           : " by descriptor ",
                          fds[i]);
    words.push_back(text + (fds.size() > kDescriptorsTold ? ", ..." : ""));
  }
  return alternatives(words);
}

std::string words_of_thread(const History& history, const json& thread, int pid) {
  std::string text = thread.at("waits");
  const std::string wakers = wakers_of(thread, pid);
  const std::string& line = history.proof->line;
  if (!line.empty() && text.find(line) != std::string::npos)
    return text + ": that is the harness, which says nothing more until this ends";
  return text + (wakers.empty() ? "; nobody is left who could wake it"
                                : fmt::format("; only {} could wake it", wakers));
}

void add_threads(const History& history, Lines& lines) {
  std::set<int> inside;
  for (const json& process : history.proof->processes)
    inside.insert(integer_in<int>(process, "pid"));
  std::size_t told = 0, left_out = 0;
  for (const json& process : history.proof->processes) {
    const int pid = integer_in<int>(process, "pid");
    const std::string who =
        fmt::format("process {} `{}` ({})", pid, short_name(process.value("name", "")),
                    role_of(history, process, inside));
    if (process.value("dead", false))
      lines.push_back(who + " is a zombie: nobody has waited for it");
    const json& threads = process.at("threads");
    for (const json& thread : threads) {
      if (++told > kThreadsTold) {
        ++left_out;
        continue;
      }
      const std::string which =
          threads.size() > 1 ? fmt::format(", thread {},", integer_in<int>(thread, "tid")) : "";
      lines.push_back(fmt::format("{}{} {}", who, which, words_of_thread(history, thread, pid)));
    }
  }
  if (left_out > 0)
    lines.push_back(fmt::format("{} wait as well", counted(left_out, "more thread")));
}

}  // namespace

Lines words_of_proof(const History& history) {
  if (!history.proof) return {};
  const HangProof& proof = *history.proof;
  if (!proof.hung)
    return {fmt::format("not proved to be a hang ({}): {}", proof.verdict, proof.reason)};
  Lines lines = {fmt::format("proved in {}, after {} without news, that it can never end: {}",
                             duration(proof.took_ns), duration(proof.still_ns), proof.reason)};
  for (std::size_t i = 0; i < proof.findings.size() && i < kFindingsTold; ++i) {
    const json& finding = proof.findings[i];
    lines.push_back(fmt::format("{}: {}", finding.at("kind").get<std::string>(),
                                finding.at("text").get<std::string>()));
  }
  add_threads(history, lines);
  return lines;
}

}  // namespace poolproof::conformance::judging
