#include "faults/cage/heal.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <set>
#include <utility>

namespace poolproof::faults {
namespace {

constexpr std::size_t kStrikesInOneRound = 256;  // each holds a descriptor until its process ends

class Healer {
 public:
  Healer(Containment containment, Watch& watch) : containment_(containment), watch_(watch) {}

  std::vector<Killed> heal() {
    while (true) {
      const std::vector<Fd> struck = strike_all();
      // Their own handles tell that they ended: a parent beyond our rights could keep it from us.
      for (const Fd& pidfd : struck) await_end(pidfd);
      watch_.reap();
      // Look again: a process may have forked between look and strike.
      if (struck.empty() && !has_mortal_child()) return std::move(killed_);
    }
  }

 private:
  // One round: the pidfds of all that were struck. None: nothing mortal was alive.
  std::vector<Fd> strike_all() {
    std::vector<Fd> struck;
    for (const Stat& process : processes_inside(containment_)) {
      if (struck.size() == kStrikesInOneRound) break;
      if (!process.alive() || immortal_.count(process.identity()) > 0) continue;
      Fd pidfd = open_pidfd(process.pid);
      if (!pidfd) continue;
      const std::string error = watch_.send(process.identity(), SIGKILL);
      if (error.rfind("ESRCH", 0) == 0) continue;
      if (seen_.insert(process.identity()).second)
        killed_.push_back({process.identity(), process.name, error});
      if (error.empty())
        struck.push_back(std::move(pidfd));
      else
        immortal_.insert(process.identity());
    }
    return struck;
  }

  static void await_end(const Fd& pidfd) {
    pollfd end = {pidfd.get(), POLLIN, 0};
    while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
  }

  // A child that is neither a zombie (reaped a moment ago) nor beyond our rights.
  bool has_mortal_child() {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD)
      return false;
    for (const Stat& process : processes_inside(containment_))
      if (immortal_.count(process.identity()) == 0) return true;
    // Children exist, yet none is listed: one was born while the list was read.
    return immortal_.empty();
  }

  Containment containment_;
  Watch& watch_;
  std::vector<Killed> killed_;
  std::set<Identity> seen_;
  std::set<Identity> immortal_;
};

}  // namespace

std::vector<Killed> kill_everything(Containment containment, Watch& watch) {
  return Healer(containment, watch).heal();
}

}  // namespace poolproof::faults
