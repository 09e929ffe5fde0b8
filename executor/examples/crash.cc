#include <poolproof/executor.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <vector>

int main() {
  poolproof::Executor pool({.workers = 2});

  // A hundred tasks, and among them one that crashes and one that ends its process.
  std::vector<poolproof::Future<int>> futures;
  futures.reserve(100);
  for (int i = 0; i < 100; ++i) {
    futures.push_back(pool.submit(
        [](int n) {
          if (n == 30) std::raise(SIGSEGV);
          if (n == 60) std::_Exit(3);
          return n;
        },
        i));
  }

  int sum = 0;
  for (auto& future : futures) {
    try {
      sum += future.get();
    } catch (const poolproof::TerminatedWorkerError& error) {
      // Only the task that did it is told so; all others have their values.
      std::cout << "task " << error.task() << ": ";
      if (error.signal()) std::cout << poolproof::signal_name(*error.signal());
      if (error.exit_code()) std::cout << "exit code " << *error.exit_code();
      std::cout << (error.started() ? ", it had started" : ", it had not started") << "\n";
    }
  }
  std::cout << "sum of the rest " << sum << " of " << 99 * 100 / 2 - 30 - 60 << "\n";
}
