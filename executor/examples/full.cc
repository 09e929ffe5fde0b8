#include <poolproof/executor.h>

#include <chrono>
#include <iostream>
#include <thread>
#include <tuple>

using namespace std::chrono_literals;
using poolproof::Backpressure;

int main() {
  poolproof::Executor pool({.workers = 1, .max_pending = 2});
  const auto work = [](int x) {
    std::this_thread::sleep_for(200ms);
    return x;
  };
  auto first = pool.submit(work, 1);
  auto second = pool.submit(work, 2);

  // Two are open, so there is no room: refuse, wait for a while, or wait.
  try {
    std::ignore = pool.submit({.when_full = Backpressure::kReject}, work, 3);
  } catch (const poolproof::QueueFullError&) {
    std::cout << "refused\n";
  }
  try {
    std::ignore = pool.submit({.room_within = 1ms}, work, 3);
  } catch (const poolproof::QueueFullError&) {
    std::cout << "no room within a millisecond\n";
  }
  auto third = pool.submit(work, 3);  // waits until the first has ended
  std::cout << first.get() + second.get() + third.get() << "\n";

  // A task may have an executor of its own, and its tasks too, but not without end.
  auto nested = pool.submit([] {
    try {
      poolproof::Executor own({.workers = 1, .max_depth = 1});
      return 1;
    } catch (const poolproof::NestingError&) {
      return 0;
    }
  });
  std::cout << (nested.get() == 1 ? "nested\n" : "too deep\n");
}
