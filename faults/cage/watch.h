// How did a process end? The keeper holds a pidfd of every process it was told of, and tells each
// exit once, with the kernel's status for it.
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
bool still_there(int pidfd);  // alive or a zombie: its pid is not free for another

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

  // From now on its exit is told. Returns the pidfd to poll, or -1 if it was watched already.
  int add(const Identity& who, Fd pidfd, bool adapter = false);
  bool knows(const Identity& who) const { return watched_.count(who.pid) && is(who); }

  void on_pidfd_ready(int pid);  // the pidfd of a watched process is readable: it has ended
  void reap();                   // every child of ours that has ended, watched or not; never blocks

  // The tracer, who reaps before anybody else, says how it ended. It need not be watched.
  void ended(const Identity& who, nlohmann::json status);

  // Sends a signal to exactly that process. "" if it was sent, else errno's name and text.
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
  std::map<int, Watched> watched_;  // by pid: it cannot be reused before we have seen the exit
  std::set<Identity> told_;         // an exit is told once, whoever saw it first
};

}  // namespace poolproof::faults
