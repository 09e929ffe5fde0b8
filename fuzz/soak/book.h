// What was done, what ran and how it ended, held against each other: the judge of the soak. It
// sees the tasks as they were made, the ledger, the log of faults, the ends of processes as the
// kernel shows them, and the ends of futures; it neither strikes nor waits, and knows no pool.
//
// What can be proved, and is claimed:
// - each future ends, and only so: a value that is right, or an error that a fault of the log or of
//   the ledger explains, on the process that the error names;
// - no task runs twice, or after its future has ended; a value came of exactly one whole run;
// - no pool ends for want of workers, unless the program was unable to start some;
// - the task that a process had begun and not ended, when it died, ends with the one error of that
//   death; no death has two;
// - each end of a process is one that a fault explains, or one that the pool asked for.
// Between its claim and its first line, and between its last line and its reply, a task may have
// the error or not: that a strike fell there cannot be seen from outside.
//
// For one thread at a time; the caller locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "fuzz/soak/blow.h"
#include "fuzz/soak/deeds.h"
#include "poolproof/error.h"

namespace poolproof::fuzz::soak {

using Instant = std::chrono::steady_clock::time_point;

struct Strike {
  Identity worker = {};
  Blow blow = Blow::kKill;
  Instant at = {};
};

// How a future ended: by a value, or by what it threw.
struct Outcome {
  bool value = false;
  bool right = false;  // the value is the one that belongs to the task
  Failure failure = {};
};

struct Tally {
  std::uint64_t tasks = 0, values = 0, doubled = 0, lost = 0;
  std::map<std::string, std::uint64_t> errors = {};  // by what they say
  std::map<std::string, std::uint64_t> faults = {};  // by kind, told
  std::uint64_t processes = 0;                       // that began a task
  std::uint64_t ended_a_task = 0;                    // processes whose death is a future's error
  std::uint64_t ended_none = 0;                      // struck, and no future tells of it: idle
  std::uint64_t seen = 0, unseen = 0;  // ends whose status the kernel did, did not show
  std::uint64_t frozen_for_sure = 0;   // ended by a limit, stopped well before it
};

class Book {
 public:
  // Before it is submitted. `limit_at`: no limit of it can end before.
  Serial make_task(Deed deed, Instant limit_at = Instant::max());
  void read(const Line& line);
  // Before the signal is sent.
  void strike(const Strike& strike);
  // The same, to all of the program's group: also to workers that have begun nothing yet.
  void strike_all(Blow blow, Instant at);
  // The program has made itself unable to start workers, until then: some time later a pool may
  // have ended for it.
  void expect_no_spawns(Instant until);
  // Nor look into /proc, until then.
  void expect_no_look(Instant until);
  void seen_stopped(const Identity& worker, Instant at);
  void process_ended(const Identity& worker);
  // Once all that was in the ledger when the future ended has been read.
  void judge(Serial task, const Outcome& outcome);

  // Processes whose every claim can be judged now: since they ended, all tasks that were open have
  // ended. Each is to be closed with the status that the kernel shows.
  std::vector<Identity> due() const;
  void close(const Identity& worker, std::optional<ExitStatus> status);
  // After the pool's end, and the last line: whatever is open now is lost.
  void finish();

  const Tally& tally() const { return tally_; }
  // Each broken claim, with all that is known of the task and the process; the first hundred.
  const std::vector<std::string>& wrong() const { return wrong_; }
  // Those that have a hanging task which has begun, and were not struck.
  std::vector<Identity> hanging() const;
  std::vector<Identity> alive() const;
  bool hangs(const Identity& worker) const;

 private:
  struct Task {
    Deed deed = Deed::kWork;
    Instant limit_at = Instant::max();
    int begun = 0;
    bool faulted = false, ended = false;
    Identity worker = {};
  };
  struct Process {
    std::vector<Strike> strikes = {};
    std::vector<Deed> deeds = {};                   // faults that its tasks told
    std::optional<Instant> stopped = std::nullopt;  // and neither thawed nor killed since
    Serial open = 0;                                // begun, not ended
    bool gone = false;
    Serial horizon = 0;  // when it was gone, so many tasks had been made
    int errors = 0;
    bool by_limit = false;                          // the pool ended it, as a future tells
    std::optional<ExitStatus> told = std::nullopt;  // by the pool
  };

  void judge_value(Serial id, const Task& task, const Outcome& outcome);
  void judge_error(Serial id, const Task& task, const Failure& failure);
  void judge_death(Serial id, const Task& task, const Failure& failure);
  void judge_limit(Serial id, const Task& task, const Failure& failure);
  // Who can be meant by this pid: the one that ran the task, or, where none is known to, any.
  std::vector<Identity> meant(const Task& task, int pid) const;
  bool owes_another(const Process& process, Serial task) const;
  void note_earlier_strikes(const Identity& worker, Process& process) const;
  bool explains(const Process& process, const ExitStatus& status) const;
  bool blow_explains(const Process& process, const ExitStatus& status) const;
  bool was_lately(Blow blow) const;
  void complain(const std::string& what, Serial task, const Identity& worker);

  Serial made_ = 0;
  std::map<Blow, Instant> to_all_;  // the last
  Instant spawns_again_ = Instant::min(), looks_again_ = Instant::min();
  std::map<Serial, Task> open_;
  std::map<Identity, Process> processes_;
  Tally tally_;
  std::vector<std::string> wrong_;
};

}  // namespace poolproof::fuzz::soak
