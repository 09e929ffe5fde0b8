#include <poolproof/executor.h>

#include <iostream>
#include <string>
#include <vector>

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

int main() {
  poolproof::Executor pool({.workers = 2});  // starts nothing yet

  // A function, a lambda that captures a number, and one that is given text.
  const double factor = 2.5;
  auto average = pool.submit(mean, std::vector{1.0, 2.0, 6.0});
  auto scaled = pool.submit([factor](int x) { return factor * x; }, 4);
  auto length = pool.submit([](const std::string& text) { return text.size(); }, "twelve chars");

  std::cout << "average " << average.get() << "\n";  // waits for its task
  std::cout << "scaled " << scaled.get() << "\n";
  std::cout << "length " << length.get() << "\n";

  // What a task throws comes out of get(), with the name of its type and its text.
  auto fails = pool.submit([](int i) { return std::vector<int>{1, 2, 3}.at(i); }, 7);
  try {
    fails.get();
  } catch (const poolproof::TaskError& error) {
    std::cout << "task " << error.task() << " threw " << error.type_name() << "\n";
  }
}
