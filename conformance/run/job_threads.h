// Threads that work through lists together, for `--jobs`.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace poolproof::conformance {

// Every cage ends with the thread that started it (PDEATHSIG is bound to threads, not to programs).
// So these threads live until this object is destroyed, and each one ends its own cages before it
// takes the next item.
class JobThreads {
 public:
  // `stop_fd` becomes readable when no further item may begin; -1: never.
  JobThreads(int threads, int stop_fd);
  ~JobThreads();  // joins the threads; none of them has any work left
  JobThreads(const JobThreads&) = delete;
  JobThreads& operator=(const JobThreads&) = delete;

  // Works through the items 0 to count - 1, and returns when all items that were begun are done.
  // `begin(i)` is called in the order of the items, one at a time; then `work(i)` runs in parallel
  // with others. False: stopped before the end. If an item throws, the first exception is thrown
  // here after the others have ended. `enough`, if given, is asked before each item. Once it
  // returns true, no further item begins, and this counts as a normal end.
  bool each(std::size_t count, std::function<void(std::size_t)> begin,
            std::function<void(std::size_t)> work, std::function<bool()> enough = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poolproof::conformance
