// Compares what was done, what ran and how it ended: the judge of the soak test. It gets the tasks
// as they are made, the ledger, the log of faults, the ends of processes from the kernel, and the
// ends of futures. It neither strikes nor waits, and knows no pool.
//
// What can be proved, and is claimed:
// - Each future ends in one of two ways: with a value that is right, or with an error that a fault
//   of the log or of the ledger explains, about the process that the error names.
// - No task runs twice, or after its future has ended; a value comes from exactly one complete run.
// - No pool ends because it lacks workers, unless the program was unable to start some.
// - If a process dies with a task that it had begun and not ended, this task gets the one error of
//   that death; no death gives two errors.
// - Each end of a process is explained by a fault, or was requested by the pool.
// Between its claim and its first line, and between its last line and its reply, a task may have
// the error or not, because it cannot be seen from outside whether a strike came at that time.
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

// How a future ended: with a value, or with an exception.
struct Outcome {
  bool value = false;
  bool right = false;  // the value is the one that belongs to the task
  Failure failure = {};
};

struct Tally {
  std::uint64_t tasks = 0, values = 0, doubled = 0, lost = 0;
  std::map<std::string, std::uint64_t> errors = {};  // by their text
  std::map<std::string, std::uint64_t> faults = {};  // by kind, told
  std::uint64_t processes = 0;                       // that began a task
  // Processes whose death is the error of a future.
  std::uint64_t ended_a_task = 0;
  std::uint64_t ended_none = 0;        // struck while idle, so no future reports it
  std::uint64_t seen = 0, unseen = 0;  // ends whose status the kernel did, did not show
  std::uint64_t frozen_for_sure = 0;   // ended by a limit, and stopped well before it
};

class Book {
 public:
  // Call it before the submit. `limit_at`: no limit of the task can end earlier.
  Serial make_task(Deed deed, Instant limit_at = Instant::max());
  void read(const Line& line);
  // Call it before the signal is sent.
  void strike(const Strike& strike);
  // The same for the whole group of the program: also for workers that have begun nothing yet.
  void strike_all(Blow blow, Instant at);
  // Until then the program cannot start workers: some time later, a pool may have ended because of
  // this.
  void expect_no_spawns(Instant until);
  // Until then the program also cannot read /proc.
  void expect_no_look(Instant until);
  void seen_stopped(const Identity& worker, Instant at);
  void process_ended(const Identity& worker);
  // Call it once everything has been read that was in the ledger when the future ended.
  void judge(Serial task, const Outcome& outcome);

  // Processes for which every claim can be judged now: since their end, all tasks that were open
  // then have ended. Close each with the status from the kernel.
  std::vector<Identity> due() const;
  void close(const Identity& worker, std::optional<ExitStatus> status);
  // Call it after the pool's end and the last line: whatever is open now is lost.
  void finish();

  const Tally& tally() const { return tally_; }
  // Each broken claim, with everything that is known about the task and the process; the first
  // hundred.
  const std::vector<std::string>& wrong() const { return wrong_; }
  // Processes with a hanging task that has begun, which were not struck.
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
    std::vector<Deed> deeds = {};  // faults that its tasks reported
    // Stopped, and neither continued nor killed since.
    std::optional<Instant> stopped = std::nullopt;
    Serial open = 0;  // begun, not ended
    bool gone = false;
    Serial horizon = 0;  // how many tasks had been made when it was gone
    int errors = 0;
    bool by_limit = false;                          // the pool ended it, according to a future
    std::optional<ExitStatus> told = std::nullopt;  // by the pool
  };

  void judge_value(Serial id, const Task& task, const Outcome& outcome);
  void judge_error(Serial id, const Task& task, const Failure& failure);
  void judge_death(Serial id, const Task& task, const Failure& failure);
  void judge_limit(Serial id, const Task& task, const Failure& failure);
  // The processes that this pid can mean: the one that ran the task, or, if none is known, any.
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
