#include <poolproof/executor.h>
#include <poolproof/wait.h>

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

int slow(int x) {
  std::this_thread::sleep_for(x * 300ms);
  return x;
}

int main() {
  poolproof::Executor pool({.workers = 3});
  std::vector<poolproof::Future<int>> futures;
  for (const int x : {2, 0, 1}) futures.push_back(pool.submit(slow, x));

  // In the order in which they end, whatever the order in which they were submitted.
  for (poolproof::Future<int>& each : poolproof::as_completed(futures)) {
    std::cout << "ended: " << each.get() << "\n";
  }

  // Until the first of several has ended; what is left can be waited for again.
  futures.clear();
  for (const int x : {5, 0}) futures.push_back(pool.submit(slow, x));
  const auto waited = poolproof::wait(futures, {.until = poolproof::Until::kFirst});
  std::cout << waited.done.size() << " done, the place of the other is " << waited.pending[0]
            << "\n";
  if (poolproof::wait(futures, {.timeout = 1ms}).pending.size() == 1) std::cout << "not yet\n";

  // All of them as one future, which may be gone on with. Each keeps its own end.
  auto sum =
      poolproof::when_all(std::move(futures)).then([](std::vector<poolproof::Future<int>> all) {
        int total = 0;
        for (auto& each : all) total += each.get();
        return total;
      });
  std::cout << "sum " << sum.get() << "\n";

  // Futures of different types, too.
  auto both = poolproof::when_all(pool.submit(slow, 1), pool.submit([] { return 2.5; }));
  auto [number, fraction] = both.get();
  std::cout << number.get() + fraction.get() << "\n";
}
