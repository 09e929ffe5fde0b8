#include "faults/cage/rest.h"

#include <algorithm>
#include <string>

#include "faults/cage/snapshot.h"
#include "faults/cage/wait_words.h"

namespace poolproof::faults {
namespace {

bool waits_without_limit(const ThreadMoves& thread) {
  const std::string path = "/proc/" + std::to_string(thread.process) + "/task/" +
                           std::to_string(thread.tid) + "/syscall";
  const FileText syscall = read_file(path, 512);
  return syscall.error == 0 && has_no_limit(syscall.text);
}

}  // namespace

std::vector<ThreadMoves> moves_inside(Containment containment, int spared) {
  std::vector<ThreadMoves> all;
  for (const Stat& process : processes_inside(containment)) {
    if (process.pid == spared) continue;
    for (const int tid : threads_in(process.pid)) {
      const Turns turns = turns_of(process.pid, tid);
      if (turns.state != 0) all.push_back({process.pid, tid, turns.state, turns.switches});
    }
  }
  return all;
}

bool all_sleep_since(const std::vector<ThreadMoves>& first, Containment containment, int spared) {
  const auto sleeps = [](const ThreadMoves& thread) { return thread.state == 'S'; };
  return std::all_of(first.begin(), first.end(), sleeps) &&
         std::all_of(first.begin(), first.end(), waits_without_limit) &&
         moves_inside(containment, spared) == first;
}

}  // namespace poolproof::faults
