// How a worker gets its parameters: argv[0] is the marker, then comes a word `key=value` for each
// field.
//
// No environment variable marks a worker, so programs that a task starts see nothing of it. To add
// a field, change the struct, and add a line in each_field (worker_start.cc), which both sides use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "executor/os/rights.h"

namespace poolproof::os {

inline constexpr char kWorkerMarker[] = "poolproof-worker";
inline constexpr int kWorkerChannel = 3;   // its descriptor in the worker
inline constexpr int kWorkerLifeline = 4;  // see lifeline.h
inline constexpr char kGo = 'g';           // the first byte to a worker that waits; then frames

// A plain struct, because it is filled in before constructors run.
struct WorkerStart {
  int parent = 0;                       // the pid of its parent
  int index = 0;                        // its place in the pool
  std::size_t max_payload = 0;          // the longest message that it may send, in bytes
  std::size_t memory_limit = 0;         // what it may map for writing, in bytes; 0: anything
  std::int64_t memory_interval_ms = 0;  // how often it reports its memory; 0: never
  int has_initializer = 0;              // whether an initializer is sent to it
  int waits = 0;                        // wait until the parent has put it into its cgroup
  int depth = 0;                        // 1: a worker of the program itself, 2: of such a worker
  int share = 0;                        // see nesting.h
  int leaves_terminal = 0;              // ignores SIGINT, SIGQUIT and SIGHUP
  Capabilities capabilities;            // it keeps at most these capabilities
  const char* name = "";
};

// What follows argv[0].
std::vector<std::string> to_words(const WorkerStart& start);

// nullopt: these are not words of to_words. Allocates nothing; `name` points into argv.
std::optional<WorkerStart> parse_words(int argc, char** argv);

}  // namespace poolproof::os
