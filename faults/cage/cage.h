// The harness's end of a cage: starts it, commands it, hears from it. protocol.md lists the
// messages.
//
// One Cage contains one attempt. Not thread-safe; use it from the thread that made it, which must
// live as long as the harness (the cage dies with that thread). All waits are the caller's: poll
// `fd()`.
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
  std::chrono::milliseconds deadline{120'000};  // the cage kills all inside then
  bool namespaces = true;                       // false: the subreaper fallback, for tests of it
  std::optional<Trace> trace;                   // the syscall door, if it is to be opened
};

class Cage {
 public:
  // Starts guard and keeper and asks for the adapter; returns before `ready`. Throws CageError.
  explicit Cage(const CageOptions& options);
  ~Cage();  // closes our ends and waits for the guard: afterwards nothing inside is alive
  Cage(const Cage&) = delete;
  Cage& operator=(const Cage&) = delete;

  int fd() const;         // readable when receive() has a message
  int line_fd() const;    // our end of the adapter's line, SOCK_SEQPACKET, non-blocking, CLOEXEC
  int stderr_fd() const;  // read end of the adapter's stderr, non-blocking, CLOEXEC
  int guard() const;      // the pid, outside, of the process that holds all others of this cage

  // The keeper's next message, or nothing if none waits now. Throws CageError when the cage ended.
  std::optional<nlohmann::json> receive();

  void answer(int conn, const nlohmann::json& what_to_do);
  void signal(int pid, unsigned long long start,
              const std::string& signal);        // "KILL"; pid 0: the adapter
  void signal_group(const std::string& signal);  // the adapter and its whole process group
  // Takes from a process (pid 0: from all inside) some of what it lives on, faults/cage/limit.h.
  // `room`: a little is left of it, to be used up; else nothing. `limited` follows.
  void limit(int number, int pid, unsigned long long start, const std::string& what, bool room);
  void lift();          // every limit; `lifted` follows
  void probe_limits();  // `limits` follows
  void snapshot(int number);
  void activity(int number);  // of all but the adapter: who moves? `activity` follows
  void ping(int number);
  void mark(const std::string& word);  // traced: "armed", "shutdown"; `marked` follows
  void end();                          // kill what is left; `healed` follows, then the cage ends

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What this machine allows, probed once with a real cage.
struct Doors {
  std::string mode;  // how a run is contained: "pid-namespace" or "subreaper"
  bool mounts = false;
  std::string why;          // why not more
  std::string no_syscalls;  // why the syscall door stays shut; empty: it opens
  // Why it cannot limit what it cannot, by the kind of limit (limit.h); "": it can.
  std::map<std::string, std::string> no_limits;
};
Doors probe_doors(const std::filesystem::path& program);

}  // namespace poolproof::faults
