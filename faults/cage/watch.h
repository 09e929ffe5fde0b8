// How did a process end? The keeper holds a pidfd of every process that it was told about, and
// reports each exit once, with the kernel's status.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "faults/cage/fd.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

Fd open_pidfd(int pid);       // empty, with errno, if there is no such process
bool still_there(int pidfd);  // alive or a zombie: its pid cannot be used again

// The status of PIDFD_GET_INFO (Linux 6.15): for a process that was reaped while `pidfd` was open.
std::optional<int> reaped_status(int pidfd);

// {"code": 3} or {"signal": "KILL", "core": false}, from the form in which waitpid gives it.
nlohmann::json status_words(int wait_status);

struct Exit {
  Identity who;
  bool adapter = false;
  nlohmann::json status;
  std::string source;  // "wait", "stat", "pidfd", "tracer", "none"
};

class Watch {
 public:
  explicit Watch(std::function<void(const Exit&)> on_exit) : on_exit_(std::move(on_exit)) {}

  // From now on its exit is reported. Returns the pidfd to poll, or -1 if it was watched already.
  int add(const Identity& who, Fd pidfd, bool adapter = false);
  bool knows(const Identity& who) const { return watched_.count(who.pid) && is(who); }

  void on_pidfd_ready(int pid);  // the pidfd of a watched process is readable: it has ended
  void reap();                   // reaps every child that has ended, watched or not; never blocks

  // The tracer reaps before any other process, and reports how it ended. It need not be watched.
  void ended(const Identity& who, nlohmann::json status);

  // Sends a signal to exactly that process. "" if it was sent; otherwise errno's name and text.
  std::string send(const Identity& who, int signal);

 private:
  struct Watched {
    Identity who;
    Fd pidfd;
    bool adapter = false;
  };
  bool is(const Identity& who) const { return watched_.at(who.pid).who == who; }
  void reaped(int pid, int wait_status);
  void tell(int pid, nlohmann::json status, const char* source);

  std::function<void(const Exit&)> on_exit_;
  // By pid: the number cannot be used again before we have seen the exit.
  std::map<int, Watched> watched_;
  std::set<Identity> told_;  // an exit is reported once, whichever source saw it first
};

}  // namespace poolproof::faults
