// One running attempt: what is known so far. Each event changes it in `take`, which is the only
// way in; everything is written into the record as it arrives.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/record/observation.h"
#include "conformance/run/outside.h"

namespace poolproof::conformance {

// Writes the observations of one attempt. Lines are held back until the attempt's first line (its
// plan) has been written. So the plan is always first, although its content is known only once the
// cage exists.
class Journal {
 public:
  // `append` gets the lines in order. `now` is the clock of those that the harness itself causes.
  using Append = std::function<void(Observation)>;
  Journal(Append append, Clock::time_point epoch, std::string run = "", int attempt = 0,
          std::function<Clock::time_point()> now = Clock::now)
      : append_(std::move(append)),
        epoch_(epoch),
        run_(std::move(run)),
        attempt_(attempt),
        headed_(attempt == 0),
        now_(std::move(now)) {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void head(const std::string& kind, nlohmann::json fields);
  bool headed() const { return headed_; }
  void write(const std::string& kind, nlohmann::json fields,
             std::optional<std::int64_t> monotonic_ns = std::nullopt);

 private:
  Append append_;
  Clock::time_point epoch_;  // the start of the command
  std::string run_;
  int attempt_;  // 0: no attempt, and no plan line
  bool headed_;
  std::function<Clock::time_point()> now_;
  std::vector<Observation> kept_back_;
};

// Why an attempt cannot continue. Scene throws it, and the code that runs the attempt catches it.
struct AttemptOver {
  std::string how;  // `ended.how` of events.md; "unavailable": the adapter refused `hello`
  std::string why;
  std::string last_words = "";  // the adapter's last lines on stderr
};

struct Meeting {
  int conn = 0;
  Identity process;
  std::string task;
  std::string point;
  bool answered = false;
  bool left = false;
};

struct Snapshot {
  std::vector<nlohmann::json> processes;
  nlohmann::json whole;  // the closing `snapshot` message
};

// What has been seen, for code that decides what to do next (never for the judge, which reads the
// record).
struct Seen {
  nlohmann::json ready;  // from the cage; null before it came
  nlohmann::json hello;  // from the adapter; null before it came
  int opened = 0, resized = 0, closed = 0;
  std::map<std::string, nlohmann::json> outcomes;  // by task id
  std::deque<Meeting> meetings;              // a reference to one stays valid while others come
  std::map<Identity, nlohmann::json> exits;  // the status
  std::map<std::string, int> struck;         // how many `struck` lines each task wrote
  int call_strikes = 0;                      // strikes made by the tracer: 0 or 1
  std::set<std::string> marked;              // words that the tracer has confirmed
  std::set<std::string> ended;               // tasks that wrote `end`
  // Pids of children that bodies started because we told them to.
  std::set<int> made;
  bool group_signalled = false;  // the adapter's process group was sent a signal
  std::map<int, Snapshot> snapshots;
  std::map<int, Clock::time_point> pongs;
  std::map<int, nlohmann::json> activities;
  std::map<int, nlohmann::json> limited;  // by number
  int lifts = 0;
  bool adapter_ended = false;
  bool healed = false;
  // Counters, to detect stillness.
  std::uint64_t messages = 0, ledger_lines = 0, exits_seen = 0;
  // How many inputs came from inside the cage, stderr included, and when the last one came.
  std::uint64_t arrivals = 0;
  Clock::time_point last_arrival;
};

class Scene {
 public:
  Scene(Outside& outside, Journal& journal) : outside_(outside), journal_(journal) {}
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // Takes events until `done` or `limit`; true if done. Throws AttemptOver when the attempt cannot
  // continue: interrupted, an invalid message, a refusal, the cage is gone, or the adapter ended
  // although it may not.
  bool wait(const std::function<bool()>& done, Clock::time_point limit);
  void pause(std::chrono::nanoseconds time);  // takes events for so long
  Clock::time_point now() const { return outside_.now(); }

  void send(const nlohmann::json& command);
  void answer(Meeting& meeting, const nlohmann::json& what_to_do);
  const Snapshot& snapshot();  // requests it and waits for it
  int last_snapshot() const { return snapshots_asked_; }
  // The keeper's `activity`: {n, threads: [[tid, state, switches]], rests}; not recorded.
  nlohmann::json activity();
  // Limits a process (Identity{}: the whole run) and waits until this is done. Returns `limited`,
  // whose `error` says why it failed.
  nlohmann::json limit(Identity process, const std::string& what, bool room);
  void lift();                      // lifts all limits; waits until this is done
  std::chrono::nanoseconds ping();  // the round-trip time
  void adapter_may_end() { adapter_may_end_ = true; }
  void finish();  // ends the cage and writes `stderr`; throws AttemptOver if the cage cannot end

  // Decides at each rendezvous whether its body waits for us (true) or continues at once.
  std::function<bool(const Meeting&)> hold = [](const Meeting&) { return false; };

  const Seen& seen() const { return seen_; }
  std::deque<Meeting>& meetings() { return seen_.meetings; }
  Outside& outside() { return outside_; }
  Journal& journal() { return journal_; }
  std::string last_stderr_lines() const;  // at most five

 private:
  void take(Event& event);
  void take(CageSaid& said);
  void take(CageGone& gone);
  void take(AdapterSaid& said);
  void take(LineEnded&);
  void take(StderrCame& came);
  void take(StderrEnded&) { stderr_open_ = false; }
  void take(Interrupted&) { over_ = AttemptOver{"interrupted", "interrupted"}; }
  void on_adapter_event(const std::string& event, const nlohmann::json& message);
  void on_answer(const std::string& ev, const nlohmann::json& message);
  void on_news(const std::string& ev, const nlohmann::json& message);
  void note_arrival();
  // Waits for what only the cage does, so that its delay is never the pool's fault.
  void await_cage(const std::function<bool()>& done, const char* failure);
  void throw_if_over();

  Outside& outside_;
  Journal& journal_;
  Seen seen_;
  bool adapter_may_end_ = false;
  bool stderr_open_ = true;
  bool cage_gone_ = false;
  std::optional<Clock::time_point> line_ended_at_;
  int snapshots_asked_ = 0, activities_asked_ = 0, pings_sent_ = 0, limits_asked_ = 0;
  std::string stderr_head_, stderr_tail_;
  std::uint64_t stderr_bytes_ = 0;
  std::optional<AttemptOver> over_;
};

}  // namespace poolproof::conformance
