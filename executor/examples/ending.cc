#include <poolproof/executor.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main() {
  poolproof::Executor pool({.workers = 1});

  // `then` runs on the executor's one callback thread, and gives a future of what it returns.
  auto text = pool.submit([](int x) { return x * x; }, 12).then([](int square) {
    return "a square: " + std::to_string(square);
  });
  std::cout << text.get() << "\n";

  // To see an error there too, take the future itself.
  auto seen = pool.submit([] { std::raise(SIGKILL); }).then([](poolproof::Future<void> ended) {
    try {
      ended.get();
      return std::string("it went well");
    } catch (const poolproof::TerminatedWorkerError& error) {
      return "its worker died by " + to_string(error.exit());
    }
  });
  std::cout << seen.get() << "\n";

  // The first never ends; the others wait for its worker.
  auto endless = pool.submit([] {
    for (volatile bool forever = true; forever;) continue;
  });
  auto cancelled = pool.submit([] { return 1; });
  auto pending = pool.submit([] { return 2; });
  cancelled.cancel();
  try {
    cancelled.get();
  } catch (const poolproof::CancelledError&) {
    std::cout << "cancelled\n";
  }

  // Finish what can be finished in 100 ms, then end the rest. The destructor alone would wait for
  // all of it: see ExecutorOptions::on_destroy.
  pool.shutdown({.grace = 100ms});
  try {
    endless.get();
  } catch (const poolproof::ShutdownExecutorError&) {
    std::cout << "ended by the shutdown\n";
  }
  try {
    pending.get();
  } catch (const poolproof::ShutdownExecutorError& error) {
    std::cout << "it " << (error.started() ? "may have run" : "has certainly not run") << "\n";
  }
}
