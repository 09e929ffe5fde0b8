// What a pool of workers promises, as a sequential machine: read it as the specification.
//
// One step is one call of the program, or one event at one worker, and then everything that must
// follow from it until nothing changes any more. For each task it says how often it has run, and
// how its future ends. Which worker runs what, recycling and idle timeouts are not in it, because
// they must not change anything that a caller can see.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace poolproof::fuzz::model {

// What a task does once it runs.
enum class Body {
  kReturns,
  kThrows,
  kRaises,   // a deadly signal, in its own worker
  kExits,    // ends its process
  kFreezes,  // stops its process, until its run limit ends both
  kHeld,     // waits until it is released, and returns
};

enum class End { kValue, kTaskError, kWorkerLost, kPoolBroken, kCancelled, kDeadline, kShutdown };
enum class State { kQueued, kRunning, kEnded };

struct Task {
  Body body = Body::kReturns;
  // Its return value; or the signal, or the exit code, that ends its worker.
  int number = 0;
  int retries = 0;           // how often it may run again after a death
  bool by_callback = false;  // its future is a callback's, which passes on how the task ended

  State state = State::kQueued;
  bool unwanted = false;  // cancelled while it ran: it is not run again
  int runs = 0;
  End end = End::kValue;
};

struct Pool {
  int workers = 1;
  bool a_death_breaks_it = false;  // OnDeath::kBreakPool
  int tasks_per_worker = 0;        // these two must change nothing below
  bool idle_workers_end = false;

  std::vector<Task> tasks = {};  // as they were submitted
  bool broken = false;
  bool shut = false;

  // First come, first run. A task that runs again comes before all that wait.
  std::vector<std::size_t> queued() const { return all(State::kQueued); }
  std::vector<std::size_t> running() const { return all(State::kRunning); }
  bool has_room() const { return running().size() < static_cast<std::size_t>(workers); }

  // How submit and resize fail; nullopt: they do not. That the pool broke is reported forever.
  std::optional<End> refusal() const {
    if (broken) return End::kPoolBroken;
    return shut ? std::optional(End::kShutdown) : std::nullopt;
  }

  void submit(const Task& task) {
    tasks.push_back(task);
    go_on();
  }

  void finish(std::size_t i) {  // a held task is let go
    ends(i, End::kValue);
    go_on();
  }

  // Its worker dies, by itself or by a signal from outside.
  void dies(std::size_t i) {
    Task& task = tasks[i];
    if (task.retries > 0 && !task.unwanted && !a_death_breaks_it) {
      --task.retries;
      task.state = State::kQueued;
    } else {
      ends(i, End::kWorkerLost);
    }
    loses_a_worker();
  }

  // A worker dies. A task that it had but had not begun has not run: another worker gets it.
  void loses_a_worker() {
    broken |= a_death_breaks_it;
    for (std::size_t i = 0; broken && i < tasks.size(); ++i) ends(i, End::kPoolBroken);
    go_on();
  }

  void cancel(std::size_t i, bool kill_if_running) {
    tasks[i].unwanted = true;
    if (tasks[i].state == State::kRunning && !kill_if_running) return;
    ends(i, End::kCancelled);  // this was requested, so it is no death and breaks no pool
    go_on();
  }

  void resize(int to) {
    workers = to;
    go_on();
  }

  // Running tasks continue; a drain also runs the queue.
  void shut_down(bool cancel_queue, bool kill) {
    shut = true;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      const bool cancelled = cancel_queue && tasks[i].state == State::kQueued;
      if (kill || cancelled) ends(i, cancelled ? End::kCancelled : End::kShutdown);
    }
  }

 private:
  std::vector<std::size_t> all(State state) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (tasks[i].state == state) found.push_back(i);
    }
    return found;
  }

  void ends(std::size_t i, End how) {
    if (tasks[i].state != State::kEnded) tasks[i].end = how;
    tasks[i].state = State::kEnded;
  }

  void go_on() {
    while (has_room() && !queued().empty()) begin(queued().front());
  }

  void begin(std::size_t i) {
    tasks[i].state = State::kRunning;
    ++tasks[i].runs;
    switch (tasks[i].body) {
      case Body::kReturns:
        return ends(i, End::kValue);
      case Body::kThrows:
        return ends(i, End::kTaskError);
      case Body::kRaises:
      case Body::kExits:
        return dies(i);
      case Body::kFreezes:
        return ends(i, End::kDeadline);  // by policy: it is not run again, and breaks no pool
      case Body::kHeld:
        return;
    }
  }
};

}  // namespace poolproof::fuzz::model
