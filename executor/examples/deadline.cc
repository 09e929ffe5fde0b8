#include <poolproof/executor.h>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main() {
  poolproof::Executor pool({.workers = 1});

  // A task that hangs is ended at its deadline, with its worker and nothing else.
  auto hangs = pool.submit({.deadline = 2s}, [] {
    for (volatile bool forever = true; forever;) continue;
  });
  // Behind it in the queue: one that may wait only so long for its turn, one that may wait.
  auto impatient = pool.submit({.deadline = 500ms}, [] { return 1; });
  auto patient = pool.submit([] { return 2; });

  // A wait of my own may run out as well; that ends nothing, and I can ask again.
  try {
    patient.get_for(1ms);
  } catch (const poolproof::TimeoutError&) {
    std::cout << "not yet\n";
  }
  try {
    impatient.get();
  } catch (const poolproof::DeadlineError& error) {
    std::cout << "impatient: " << (error.started() ? "started" : "never started") << "\n";
  }
  try {
    hangs.get();
  } catch (const poolproof::DeadlineError& error) {
    std::cout << "hangs: " << (error.started() ? "started" : "never started") << "\n";
  }
  std::cout << "patient: " << patient.get() << "\n";  // by a new worker
}
