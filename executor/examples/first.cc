#include <poolproof/executor.h>

#include <csignal>
#include <iostream>
#include <stdexcept>

int main() {
  poolproof::Executor pool({.workers = 2});
  int base = 40;  // a captured value travels with the lambda; anything richer goes as an argument
  auto sum = pool.submit([base](int x) { return base + x; }, 2);
  auto bad = pool.submit([](std::string s) { return s.at(99); }, "short");
  auto crash = pool.submit([] { std::raise(SIGSEGV); });
  auto fine = pool.submit([](const std::vector<int>& v) { return v.size(); }, std::vector{1, 2});

  std::cout << "sum " << sum.get() << "\n";
  try {
    bad.get();
  } catch (const poolproof::TaskError& error) {
    std::cout << "threw " << error.type_name() << "\n";
  }
  try {
    crash.get();
  } catch (const poolproof::TerminatedWorkerError& error) {
    std::cout << "task " << error.task() << " ended by " << to_string(error.exit()) << "\n";
  }
  std::cout << "size " << fine.get() << "\n";  // the other tasks, and the pool, go on
}
