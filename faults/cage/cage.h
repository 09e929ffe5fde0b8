// The harness's side of a cage: starts it, sends commands, receives messages. protocol.md lists the
// messages.
//
// One Cage contains one attempt. Not thread-safe: use it from the thread that constructed it. That
// thread must live as long as the harness, because the cage ends with that thread. The caller does
// all waiting: poll `fd()`.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "faults/call_strike.h"

namespace poolproof::faults {

class CageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;  // names the call, the path, errno and what to do
};

struct CageOptions {
  std::filesystem::path program;     // poolproof_cage
  std::vector<std::string> command;  // the adapter's argv
  std::map<std::string, std::string>
      env;  // the adapter's whole environment; TMPDIR is set by the keeper
  std::filesystem::path cwd;
  std::chrono::milliseconds deadline{120'000};  // then the cage kills everything inside
  bool namespaces = true;                       // false: the subreaper fallback, for tests of it
  std::optional<Trace> trace;                   // opens the syscall door, if set
};

class Cage {
 public:
  // Starts guard and keeper, and requests the adapter; returns before `ready`. Throws CageError.
  explicit Cage(const CageOptions& options);
  ~Cage();  // closes our ends and waits for the guard: after that nothing inside is alive
  Cage(const Cage&) = delete;
  Cage& operator=(const Cage&) = delete;

  int fd() const;         // readable when receive() has a message
  int line_fd() const;    // our end of the adapter's line, SOCK_SEQPACKET, non-blocking, CLOEXEC
  int stderr_fd() const;  // read end of the adapter's stderr, non-blocking, CLOEXEC
  int guard() const;      // the outermost process of this cage: its pid, seen from outside

  // The keeper's next message; nullopt if none waits now. Throws CageError when the cage has ended.
  std::optional<nlohmann::json> receive();

  void answer(int conn, const nlohmann::json& what_to_do);
  void signal(int pid, unsigned long long start,
              const std::string& signal);        // "KILL"; pid 0: the adapter
  void signal_group(const std::string& signal);  // the adapter and its whole process group
  // Limits a resource of a process (pid 0: of everything inside); see faults/cage/limit.h. `room`:
  // a little of it is left, to be used up; otherwise nothing. The answer is `limited`.
  void limit(int number, int pid, unsigned long long start, const std::string& what, bool room);
  void lift();          // lifts every limit; the answer is `lifted`
  void probe_limits();  // the answer is `limits`
  void snapshot(int number);
  void activity(int number);  // which other processes run? The answer is `activity`
  void ping(int number);
  void mark(const std::string& word);  // when traced: "armed", "shutdown"; the answer is `marked`
  void end();                          // kills what is left; `healed` comes, and then the cage ends

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What this machine allows. Tested once, with a real cage.
struct Doors {
  std::string mode;  // how a run is contained: "pid-namespace" or "subreaper"
  bool mounts = false;
  std::string why;          // why there is not more
  std::string no_syscalls;  // why the syscall door is closed; empty: it opens
  // By the kind of limit (limit.h): why this machine cannot set it; "": it can.
  std::map<std::string, std::string> no_limits;
};
Doors probe_doors(const std::filesystem::path& program);

}  // namespace poolproof::faults
