// The interface of a run to everything around it: the time, events that come in, commands that go
// out.
//
// This is the runner's only way out. live_outside.h is a real cage with a real adapter; the tests
// have fake_outside.h, in virtual time and without a process. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "conformance/observe/examine.h"
#include "conformance/run/adapter_line.h"

namespace poolproof::conformance {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as the cage's t_ns

struct CageSaid {
  nlohmann::json message;  // of the keeper (faults/cage/protocol.md)
};
struct CageGone {  // guard and keeper have ended; nothing inside is alive
  std::string why;
};
struct AdapterSaid {
  AdapterLine::Received received;
};
struct LineEnded {};    // the adapter's line; not a proof that the adapter has ended
struct StderrEnded {};  // every process that could write to it has closed it or has ended
struct StderrCame {
  std::string bytes;
};
struct Interrupted {};  // by the user
using Event =
    std::variant<CageSaid, CageGone, AdapterSaid, LineEnded, StderrCame, StderrEnded, Interrupted>;

// A process inside, as it sees itself. Pid 0 means the adapter, or the whole run.
struct Identity {
  int pid = 0;
  std::uint64_t start = 0;
  auto operator<=>(const Identity&) const = default;
};

class Outside {
 public:
  virtual ~Outside() = default;

  virtual Clock::time_point now() = 0;
  // Waits for the next events, in the order in which the run must take them: what a program wrote
  // before its death comes before its death. Empty: the limit has come, or nothing came that a
  // run uses.
  virtual std::vector<Event> next(Clock::time_point limit) = 0;

  // To the adapter. What is sent is queued, and written when the adapter reads.
  virtual void send(const nlohmann::json& command) = 0;
  virtual bool all_is_written() = 0;
  virtual bool adapter_has_read_all() = 0;

  // To the cage; faults/cage/protocol.md says what each one does, and what answers it.
  virtual void answer(int conn, const nlohmann::json& what_to_do) = 0;
  virtual void signal(Identity process, const std::string& signal) = 0;
  virtual void signal_group(const std::string& signal) = 0;
  virtual void limit(int number, Identity process, const std::string& what, bool room) = 0;
  virtual void lift() = 0;
  virtual void snapshot(int number) = 0;
  virtual void activity(int number) = 0;
  virtual void ping(int number) = 0;
  virtual void mark(const std::string& word) = 0;
  virtual void end() = 0;  // ends the cage; the event CageGone follows

  // The hang proof over all processes inside. `pause` waits between its two looks. It
  // returns false if an event came; then examine returns nullopt. It also does so if our end of the
  // line is gone.
  struct HangAnswer {
    hang::Examination examination;
    std::string line;  // the adapter's line, "socket:[12]"
  };
  virtual std::optional<HangAnswer> examine(bool names_are_private,
                                            const std::function<bool()>& pause) = 0;
};

}  // namespace poolproof::conformance
