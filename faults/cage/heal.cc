#include "faults/cage/heal.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <utility>

namespace poolproof::faults {
namespace {

// Each one holds a descriptor until its process ends.
constexpr std::size_t kStrikesInOneRound = 256;

class Healer {
 public:
  Healer(Containment containment, Watch& watch, const Identity& spared)
      : containment_(containment), watch_(watch) {
    if (spared.pid != 0) immortal_.insert(spared);
  }

  std::vector<Killed> heal() {
    // All our descendants come through a child. Without a child, there is no need to read the /proc
    // of the whole machine. This is the usual case for a guard whose keeper's namespace has ended.
    // In the namespace it is different, because processes may have entered from outside.
    if (containment_ == Containment::kSubreaper && !has_child()) return {};
    while (true) {
      const std::vector<Fd> struck = strike_all();
      // Their own handles show that they ended: a parent that we may not kill could delay their
      // reaping.
      for (const Fd& pidfd : struck)
        if (pidfd) await_end(pidfd);
      watch_.reap();
      // Look again: a process may have forked between the look and the kill.
      if (struck.empty() && !has_mortal_child()) return std::move(killed_);
    }
  }

 private:
  // One round: returns the pidfds of all processes that were killed. Empty: none that we can kill
  // was alive.
  std::vector<Fd> strike_all() {
    std::vector<Stat> alive;
    std::vector<Fd> pidfds;
    for (Stat& process : processes_inside(containment_)) {
      if (alive.size() == kStrikesInOneRound) break;
      if (!process.alive() || immortal_.count(process.identity()) > 0) continue;
      Fd pidfd = open_pidfd(process.pid);
      if (!pidfd) continue;  // it ended before we could open it
      pidfds.push_back(std::move(pidfd));
      alive.push_back(std::move(process));
    }
    if (!alive.empty()) strike_at_once(alive);
    for (std::size_t i = 0; i < alive.size(); ++i) strike(alive[i], pidfds[i]);
    return pidfds;
  }

  // A process that forks and ends faster than the list can be read is never on the list while it
  // lives. Only a signal to many processes in one step kills it.
  void strike_at_once(const std::vector<Stat>& alive) const {
    if (containment_ == Containment::kPidNamespace) {
      ::kill(-1, SIGKILL);  // all of the namespace except its first process, which we are
      return;
    }
    std::set<int> groups;
    for (const Stat& process : alive) groups.insert(process.group);
    groups.erase(::getpgrp());
    for (const int group : groups)
      if (group > 1) ::kill(-group, SIGKILL);
  }

  void strike(const Stat& process, Fd& pidfd) {
    std::string error = watch_.send(process.identity(), SIGKILL);
    if (error.rfind("ESRCH", 0) == 0) error.clear();  // it has already ended
    if (seen_.insert(process.identity()).second)
      killed_.push_back({process.identity(), process.name, error});
    if (error.empty()) return;
    immortal_.insert(process.identity());
    pidfd.reset();
  }

  static void await_end(const Fd& pidfd) {
    pollfd end = {pidfd.get(), POLLIN, 0};
    while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
  }

  // A child was either started with SIGCHLD as its exit signal, or is an orphan that became ours;
  // both look the same.
  static bool has_child() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
  }

  // A child that is not a zombie (reaped a moment ago) and that we are allowed to kill.
  bool has_mortal_child() {
    if (!has_child()) return false;
    for (const Stat& process : processes_inside(containment_))
      if (immortal_.count(process.identity()) == 0) return true;
    // We have children, but none is listed: one was started while the list was read.
    return immortal_.empty();
  }

  Containment containment_;
  Watch& watch_;
  std::vector<Killed> killed_;
  std::set<Identity> seen_;
  std::set<Identity> immortal_;
};

}  // namespace

std::vector<Killed> kill_everything(Containment containment, Watch& watch, const Identity& spared) {
  return Healer(containment, watch, spared).heal();
}

}  // namespace poolproof::faults
