// What all cells of one command share: the record, the threads that run them, and who is told.
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
#include "conformance/run/crew.h"
#include "conformance/run/run.h"

namespace poolproof::conformance {

struct SessionOptions {
  int jobs = 1;                     // cells that run at once, each in a cage of its own
  int repeat = 3;                   // attempts of a failing cell
  int tries = 3;                    // of a cell whose strike finds nothing to strike, beside those
  bool repeat_passing_too = false;  // all attempts are made, whatever the first one shows
  scenarios::Level level = scenarios::Level::kMust;  // recorded; what fails is the caller's
  std::filesystem::path out;                         // folder for events.ndjson; made if absent
  std::filesystem::path cage_program;
  std::vector<std::string> argv;      // recorded
  int stop_fd = -1;                   // readable: interrupted
  std::function<bool()> enough{};     // asked before each cell: yes, and no further one is begun
  std::vector<Observation> before{};  // of an earlier record in `out` that this one goes on with
};

// What the one who watches is told: from any thread, but one at a time, so that it may print.
struct CheckHooks {
  std::function<void(const std::string& pool)> asks;  // an adapter is asked for its `hello`
  std::function<void(int done, int total, const std::string& pool, const std::string& scenario,
                     int attempt)>
      begins;
  std::function<void(const CellVerdict&)> cell;  // done; cells end in any order
};

struct Checked {
  std::vector<CellVerdict> cells;  // in the order of the cells, however they ended
  bool interrupted = false;
};

// A cell to be run, or set aside without being run.
struct Cell {
  std::string pool;
  std::string scenario;
  std::optional<scenarios::Plan> plan;  // absent: not run
  std::string status;  // without a plan: declined, unavailable; empty: its adapter could not speak
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

  // The `hello` of each adapter, several at once; nothing where the session was interrupted before.
  // What an adapter could not say is in its place.
  struct Hello {
    std::optional<scenarios::PoolFacts> facts;
    std::optional<AttemptOver> over;
  };
  std::vector<Hello> ask(const std::vector<std::pair<std::string, AdapterCommand>>& pools);

  // A line that belongs to no attempt. A `pool` line must stand before the cells of that pool.
  void line(const std::string& kind, nlohmann::json fields, std::string run = "");

  AdapterCommand adapter(std::vector<std::string> argv) const;  // here, with our environment
  const faults::Doors& doors() const { return doors_; }         // of this machine
  const std::filesystem::path& file() const { return file_; }   // the record, as far as it goes

  void run(const std::vector<Cell>& cells);

  // The footer, and the judgement that counts: of the finished record, read back.
  Checked finish();

 private:
  void keep(Observation observation);
  std::vector<Observation> taken(const std::string& run, int attempt);
  void run_cell(const Cell& cell);
  void header();

  SessionOptions options_;
  const CheckHooks& hooks_;
  std::filesystem::path file_;
  Clock::time_point epoch_;
  faults::Doors doors_;
  std::mutex lock_;  // of all that follows, and held while a hook is called
  std::map<std::string, std::vector<Observation>> cells_;  // lines of those that run, by run
  std::map<std::string, Observation> pools_;               // their `pool` lines
  int done_ = 0, total_ = 0;
  bool interrupted_ = false;
  RecordWriter record_;
  Crew crew_;
};

}  // namespace poolproof::conformance
