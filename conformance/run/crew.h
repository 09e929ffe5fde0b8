// Some threads that work through lists together: `--jobs`.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace poolproof::conformance {

// Every cage dies with the thread that started it (PDEATHSIG is told of threads, not of programs),
// so these live until the crew ends, and each ends its own cages before it takes the next item.
class Crew {
 public:
  // `stop_fd` becomes readable when no further item is to be begun; -1: never.
  Crew(int threads, int stop_fd);
  ~Crew();  // waits for the threads, none of which has anything left to do
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Works through the items 0 to count - 1 and returns when all that were begun are done.
  // `begin(i)` is called in the order of the items, one at a time, and then `work(i)`, beside
  // others. False: stopped before the end. What the first of them throws is thrown here, after the
  // rest have ended. `enough`, if there is one, is asked before each item: once it says yes, no
  // further one is begun, and that is an end like any other.
  bool each(std::size_t count, std::function<void(std::size_t)> begin,
            std::function<void(std::size_t)> work, std::function<bool()> enough = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace poolproof::conformance
