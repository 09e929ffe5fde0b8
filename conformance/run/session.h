// What all cells of one command share: the record, the threads that run them, and the hooks.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "conformance/judge/oracle.h"
#include "conformance/record/record.h"
#include "conformance/run/job_threads.h"
#include "conformance/run/run.h"
#include "faults/cage/cage.h"

namespace poolproof::conformance {

struct SessionOptions {
  int jobs = 1;                     // cells that run at once, each in its own cage
  int repeat = 3;                   // attempts of a failing cell
  int tries = 3;                    // most attempts whose strike finds nothing to strike
  bool repeat_passing_too = false;  // makes all attempts, whatever the first one shows
  scenarios::Level level = scenarios::Level::kMust;  // recorded only; the caller decides what fails
  // Folder for events.ndjson; made if it does not exist.
  std::filesystem::path out;
  std::filesystem::path cage_program;
  std::vector<std::string> argv;   // recorded
  int stop_fd = -1;                // readable when the user interrupts; -1: never
  std::function<bool()> enough{};  // asked before each cell: if true, no further one starts
  // The lines of an earlier record in `out` that this one continues.
  std::vector<Observation> before{};
};

// Hooks for an observer. They may come from any thread, but one at a time, so that they may print.
struct CheckHooks {
  std::function<void(const std::string& pool)> asks;  // an adapter is asked for its `hello`
  std::function<void(int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt)>
      begins;
  std::function<void(const CellVerdict&)> cell;  // a cell is done; cells end in any order
};

struct Checked {
  std::vector<CellVerdict> cells;  // in the order of the cells, not of their ends
  bool interrupted = false;
};

// A cell that will run, or that does not run (declined, unavailable).
struct Cell {
  std::string pool;
  std::string scenario;
  std::optional<scenarios::Plan> plan;  // nullopt: it does not run
  // Without a plan: declined or unavailable; empty: its adapter could not be used.
  std::string status;
  std::string why;
  AdapterCommand adapter;
  nlohmann::json more = nlohmann::json::object();  // fields of its line in the record

  std::string run() const { return pool + ":" + scenario; }
};

class Session {
 public:
  // Writes the header. Throws RecordError, faults::CageError (no cage at all),
  // std::filesystem::filesystem_error.
  Session(const SessionOptions& options, const CheckHooks& hooks);

  // Asks each adapter for its `hello`, several at once; empty if the session was interrupted before
  // that. If an adapter has none, the reason is in its place.
  struct Hello {
    std::optional<scenarios::PoolFacts> facts;
    std::optional<AttemptOver> over;
  };
  std::vector<Hello> ask(const std::vector<std::pair<std::string, AdapterCommand>>& pools);

  // Writes a line that belongs to no attempt. A `pool` line must come before the cells of that
  // pool.
  void line(const std::string& kind, nlohmann::json fields, std::string run = "");

  AdapterCommand adapter(std::vector<std::string> argv) const;  // here, with our environment
  const faults::Doors& doors() const { return doors_; }         // of this machine
  const std::filesystem::path& file() const { return file_; }   // the record, as far as it goes

  void run(const std::vector<Cell>& cells);

  // Writes the footer, and returns the judgement of each cell: the same that a reader of the record
  // would make, because a cell is judged from its lines as they are in the record.
  Checked finish();

 private:
  void keep(Observation observation);
  std::vector<Observation> taken(const std::string& run);
  void run_cell(const Cell& cell);
  // False: interrupted.
  bool run_attempts(const Cell& cell, std::vector<AttemptVerdict>& verdicts);
  std::vector<CellVerdict> without_attempts(const std::string& run = "") const;
  void header();

  SessionOptions options_;
  const CheckHooks& hooks_;
  std::filesystem::path file_;
  Clock::time_point epoch_;
  faults::Doors doors_;
  std::mutex lock_;  // guards all below, and is held while a hook is called
  std::map<std::string, std::vector<Observation>> lines_;  // of the running attempts, by run
  std::map<std::string, Observation> pools_;               // `pool` lines, by name
  std::vector<Observation> cells_;                         // `cell` lines of this session
  std::map<std::string, CellVerdict> verdicts_;            // by run
  std::vector<CellVerdict> before_;                        // of the record that this one continues
  int done_ = 0, total_ = 0;
  bool interrupted_ = false;
  RecordWriter record_;
  const Journal::Append append_ = [this](Observation one) { record_.append(std::move(one)); };
  JobThreads threads_;
};

}  // namespace poolproof::conformance
