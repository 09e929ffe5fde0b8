#include "conformance/observe/findings.h"

#include <sys/wait.h>

#include <algorithm>
#include <set>
#include <utility>

namespace poolproof::hang {
namespace {

// The sizes that buffered readers and readers of fixed headers ask for. Any other size is the rest
// of a message whose length the reader knows.
bool is_a_rest(std::uint64_t bytes) {
  const bool power_of_two = (bytes & (bytes - 1)) == 0;
  return bytes > 16 && !power_of_two;
}

std::string list_of(const std::vector<pid_t>& pids) {
  std::string text;
  for (const pid_t pid : pids) text += (text.empty() ? "" : ", ") + std::to_string(pid);
  return text;
}

std::vector<pid_t> dead_in(const Look& look) {
  std::vector<pid_t> dead;
  for (const ProcessLook& process : look.processes)
    if (process.dead) dead.push_back(process.pid);
  return dead;
}

void add_dead(const Look& look, std::vector<Finding>& findings) {
  for (const ProcessLook& process : look.processes)
    if (process.dead)
      findings.push_back({Finding::Kind::unburied,
                          process.pid,
                          process.pid,
                          {process.parent},
                          name_of(process) + " " + end_of(process) + "; its parent, process " +
                              std::to_string(process.parent) + ", has not asked for its end"});
}

void add_owned_lock(const ProcessLook& process, const ThreadLook& thread,
                    std::vector<Finding>& findings) {
  const FutexWait& futex = thread.wait.futex;
  if (!futex.owner || futex.owner_lives) return;
  findings.push_back({Finding::Kind::orphaned_lock,
                      process.pid,
                      thread.tid,
                      {*futex.owner},
                      "the lock that thread " + std::to_string(thread.tid) + " of process " +
                          std::to_string(process.pid) + " waits for belongs to thread " +
                          std::to_string(*futex.owner) + ", which is dead"});
}

// A semaphore has no owner. The process that took it either shares it and waits elsewhere, or is
// dead.
void add_semaphore(const Look& look, const FutexWait& futex, pid_t first,
                   std::vector<Finding>& findings) {
  std::vector<pid_t> waiting, elsewhere;
  for (const ProcessLook& process : look.processes) {
    const auto shares =
        std::any_of(process.maps.begin(), process.maps.end(),
                    [&](const SharedMap& map) { return map.device_inode == futex.device_inode; });
    const auto waits =
        std::any_of(process.threads.begin(), process.threads.end(), [&](const ThreadLook& thread) {
          return thread.wait.kind == Wait::Kind::futex &&
                 thread.wait.futex.device_inode == futex.device_inode &&
                 thread.wait.futex.offset == futex.offset;
        });
    if (waits)
      waiting.push_back(process.pid);
    else if (shares)
      elsewhere.push_back(process.pid);
  }
  const std::vector<pid_t> dead = dead_in(look);
  std::string text = "the semaphore " + futex.path + " is taken (its value is 0), and process " +
                     list_of(waiting) + " waits for it; ";
  text += elsewhere.empty()
              ? "nobody else who lives shares it"
              : "of the others who share it, " + list_of(elsewhere) + ", all wait elsewhere";
  if (!dead.empty()) text += "; dead process " + list_of(dead) + " may have died holding it";
  const bool orphaned = !dead.empty() || elsewhere.empty();
  findings.push_back({orphaned ? Finding::Kind::orphaned_lock : Finding::Kind::taken_lock, first, 0,
                      dead.empty() ? elsewhere : dead, std::move(text)});
}

std::string who_began(const Look& look) {
  const std::vector<pid_t> dead = dead_in(look);
  return dead.empty() ? "" : "; dead process " + list_of(dead) + " may have died while writing it";
}

void add_read(const Look& look, const ProcessLook& process, const ThreadLook& thread,
              std::vector<Finding>& findings) {
  const Wish& wish = thread.wait.wishes.front();
  if (!wish.in || wish.queued.value_or(1) != 0) return;
  const std::string who =
      "thread " + std::to_string(thread.tid) + " of process " + std::to_string(process.pid);
  if (!wish.whole && is_a_rest(thread.wait.bytes.value_or(0)))
    findings.push_back({Finding::Kind::half_read, process.pid, thread.tid, dead_in(look),
                        who + " is in the middle of a message: it asks for exactly " +
                            std::to_string(*thread.wait.bytes) + " bytes more from " +
                            wish.object.name + ", which is empty" + who_began(look)});
  if (wish.object.kind != Object::Kind::pipe) return;
  std::string holders;
  std::vector<pid_t> pids;
  for (const ProcessLook& other : look.processes)
    for (const Descriptor& held : other.descriptors) {
      if (held.object != wish.object || !held.writes) continue;
      holders += (holders.empty() ? "" : ", ") + std::string("process ") +
                 std::to_string(other.pid) + " by descriptor " + std::to_string(held.fd) +
                 (other.pid == process.pid ? " (the reader itself)" : "");
      pids.push_back(other.pid);
    }
  if (!pids.empty())
    findings.push_back({Finding::Kind::eof_blocked, process.pid, thread.tid, std::move(pids),
                        who + " cannot see the end of " + wish.object.name +
                            ": its write end is still held by " + holders});
}

}  // namespace

const char* word_for(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::unburied:
      return "unburied";
    case Finding::Kind::orphaned_lock:
      return "orphaned-lock";
    case Finding::Kind::taken_lock:
      return "taken-lock";
    case Finding::Kind::half_read:
      return "half-read-message";
    case Finding::Kind::eof_blocked:
      return "eof-blocked";
  }
  return "";
}

std::string name_of(const ProcessLook& process) {
  return "process " + std::to_string(process.pid) + " (" + process.name + ")";
}

std::string end_of(const ProcessLook& process) {
  const int status = process.exit_status;
  if (WIFSIGNALED(status)) return "is dead: signal " + std::to_string(WTERMSIG(status));
  return "is dead: exit status " + std::to_string(WEXITSTATUS(status));
}

std::vector<Finding> findings_of(const Look& look, const Proof& proof) {
  std::vector<Finding> findings;
  add_dead(look, findings);
  std::set<pid_t> stuck;
  for (const ThreadProof& thread : proof.threads)
    if (thread.standing == ThreadProof::Standing::stuck) stuck.insert(thread.tid);
  std::set<std::pair<std::string, std::uint64_t>> told;  // one semaphore, one finding
  for (const ProcessLook& process : look.processes)
    for (const ThreadLook& thread : process.threads) {
      if (!stuck.contains(thread.tid)) continue;
      const Wait& wait = thread.wait;
      if (wait.kind == Wait::Kind::futex) add_owned_lock(process, thread, findings);
      if (wait.kind == Wait::Kind::futex && wait.futex.semaphore && wait.futex.shared &&
          told.emplace(wait.futex.device_inode, wait.futex.offset).second)
        add_semaphore(look, wait.futex, process.pid, findings);
      const bool one = wait.kind == Wait::Kind::descriptors && wait.wishes.size() == 1;
      if (one && wait.wishes.front().epoll < 0) add_read(look, process, thread, findings);
    }
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.kind < b.kind; });
  return findings;
}

}  // namespace poolproof::hang
