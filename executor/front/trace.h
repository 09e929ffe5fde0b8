// Records what tasks and workers do, as JSON trace events; see TraceOptions.
//
// Who tells it something only leaves a small note under a short lock. A thread of its own turns
// notes into text and writes it; while it is behind by too much, notes are dropped and counted.
// Once something cannot be written, or there is no memory, the trace stops there, says so on
// stderr, and error() tells it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "executor/supervise/messages.h"
#include "poolproof/error.h"
#include "poolproof/options.h"

namespace poolproof::detail {

class Trace {
 public:
  // Begins the file. Throws std::system_error if it cannot be written, or if no thread can be
  // started. `process`: the name of the program in the trace. options.path is absolute, or empty.
  Trace(const TraceOptions& options, const std::string& process);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // Any thread.
  void submitted(TaskId task, const std::string& name);
  void begun(TaskId task, const WorkerRef& worker);
  void ended(TaskId task, const supervise::Outcome& outcome);
  void worker_started(const WorkerRef& worker);
  void worker_ended(const WorkerRef& worker);
  std::string error() const;  // why the trace has stopped; empty: it has not
  // Writes what is left, and the end of the file. Nothing may be told to it after that. Not on its
  // own thread.
  void finish();
  bool is_on_its_thread() const;  // within the sink

 private:
  using Clock = std::chrono::steady_clock;
  enum class Kind { kSubmitted, kBegun, kEnded, kWorkerStarted, kWorkerEnded };
  struct Note {
    Kind kind = Kind::kSubmitted;
    Clock::time_point at;
    TaskId task = 0;
    WorkerRef worker;
    const char* end = "";
    std::string name = {};  // kSubmitted: the task's name
  };
  struct Stay {  // the time of a task in a worker, or of a process in its place
    Clock::time_point since;
    WorkerRef worker;
  };
  void leave(Kind kind, TaskId task, const WorkerRef& worker, const char* end,
             const std::string& name = {});
  void work();
  void write_all();
  void write(std::string_view text);
  void stop(std::string_view why);
  void add(const Note& note, std::string& text);
  void add_stay(const Stay& stay, Clock::time_point until, const char* category,
                const std::string& name, const std::string& arguments, std::string& text) const;
  std::string name_of(TaskId task) const;
  void add_task(TaskId task, const Stay& stay, Clock::time_point until, const char* end,
                std::string& text) const;

  const TraceOptions options_;
  const int process_;
  const std::string start_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Note> notes_;
  std::size_t dropped_ = 0;
  bool ending_ = false;
  std::string error_;

  // The writer's own.
  bool stopped_ = false;
  std::unordered_set<TaskId> waiting_;
  std::unordered_map<TaskId, std::string> names_;  // of the tasks that have one
  std::unordered_map<TaskId, Stay> running_;
  std::map<int, Stay> places_;  // by index: the process in that place
  std::map<int, bool> named_;   // which tracks have been given their names

  std::thread::id writer_id_;
  std::thread writer_;  // last: it uses all above
};

}  // namespace poolproof::detail
