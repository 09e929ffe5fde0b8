// What a pool of workers promises, as a sequential machine: read it as the specification.
//
// One step is one call of the program, or one stroke of fate at one worker, and then everything
// that must follow from it until nothing moves. For each task it says how often it has run, and how
// its future ends. Which worker runs what, recycling and idle timeouts are not in it: they may
// change nothing that a caller can see.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

namespace poolproof::fuzz::model {

// What a task does once it runs.
enum class Body {
  kReturns,
  kThrows,
  kRaises,  // a deadly signal, in its own worker
  kExits,   // ends its process
  kHeld,    // waits until it is let go, and returns
};

enum class End { kValue, kTaskError, kWorkerLost, kPoolBroken, kCancelled, kDeadline, kShutdown };
enum class State { kQueued, kRunning, kEnded };

struct Task {
  Body body = Body::kReturns;
  int number = 0;            // returned; or the signal, or the exit code, that ends its worker
  int retries = 0;           // how often it may run again after a death
  bool by_callback = false;  // its future is that of a callback, which passes the end on

  State state = State::kQueued;
  bool unwanted = false;  // cancelled while it ran: it is not run again
  bool frozen = false;    // its worker is stopped
  int runs = 0;
  End end = End::kValue;
};

struct Pool {
  int workers = 1;
  bool a_death_breaks_it = false;  // OnDeath::kBreakPool
  int tasks_per_worker = 0;        // these two change nothing below, which is their promise
  bool idle_workers_end = false;

  std::vector<Task> tasks = {};        // as they were submitted
  std::deque<std::size_t> queue = {};  // first come, first run
  bool broken = false;
  bool shut = false;
  // Whose worker, if any, surely lives and has nothing to do once no task runs.
  std::optional<std::size_t> rested = std::nullopt;

  std::vector<std::size_t> running() const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (tasks[i].state == State::kRunning) found.push_back(i);
    }
    return found;
  }
  bool has_room() const { return running().size() < static_cast<std::size_t>(workers); }
  bool at_rest() const { return running().empty() && queue.empty(); }

  // How submit and resize fail; none: they do not. That it broke is told for ever.
  std::optional<End> refusal() const {
    if (broken) return End::kPoolBroken;
    return shut ? std::optional(End::kShutdown) : std::nullopt;
  }

  void submit(const Task& task) {
    queue.push_back(tasks.size());
    tasks.push_back(task);
    go_on();
  }

  // A held task is let go.
  void finish(std::size_t i) {
    ends(i, End::kValue);
    go_on();
  }

  // Its worker dies, by itself or by somebody's signal.
  void dies(std::size_t i) {
    rested.reset();
    Task& task = tasks[i];
    if (task.retries > 0 && !task.unwanted && !a_death_breaks_it) {
      --task.retries;
      task.state = State::kQueued;
      task.frozen = false;
      queue.push_front(i);
    } else {
      ends(i, End::kWorkerLost);
      if (a_death_breaks_it) breaks();
    }
    go_on();
  }

  // The end of all that has not ended, whoever was guilty.
  void breaks() {
    broken = true;
    queue.clear();
    for (std::size_t i = 0; i < tasks.size(); ++i) ends(i, End::kPoolBroken);
  }

  void cancel(std::size_t i, bool kill_if_running) {
    Task& task = tasks[i];
    if (task.state == State::kQueued) {
      std::erase(queue, i);
      ends(i, End::kCancelled);
    } else if (task.state == State::kRunning) {
      task.unwanted = true;
      if (!kill_if_running) return;
      rested.reset();
      ends(i, End::kCancelled);  // asked for: no death, so it breaks no pool
      go_on();
    }
  }

  void resize(int to) {
    rested.reset();
    workers = to;
    go_on();
  }

  // What is left running goes on; a drain runs the queue too.
  void shut_down(bool cancel_queue, bool kill) {
    shut = true;
    if (!cancel_queue && !kill) return;
    for (const std::size_t i : queue) ends(i, cancel_queue ? End::kCancelled : End::kShutdown);
    queue.clear();
    for (const std::size_t i : running()) {
      if (kill) ends(i, End::kShutdown);
    }
  }

 private:
  void ends(std::size_t i, End how) {
    if (tasks[i].state == State::kEnded) return;
    tasks[i].state = State::kEnded;
    tasks[i].end = how;
  }

  void go_on() {
    while (has_room() && !queue.empty()) {
      const std::size_t i = queue.front();
      queue.pop_front();
      start(i);
    }
  }

  void start(std::size_t i) {
    tasks[i].state = State::kRunning;
    ++tasks[i].runs;
    rested = i;
    switch (tasks[i].body) {
      case Body::kReturns:
        return ends(i, End::kValue);
      case Body::kThrows:
        return ends(i, End::kTaskError);
      case Body::kRaises:
      case Body::kExits:
        return dies(i);
      case Body::kHeld:
        return;
    }
  }
};

}  // namespace poolproof::fuzz::model
