#include <poolproof/map.h>

#include <csignal>
#include <iostream>
#include <ranges>
#include <string>
#include <vector>

int main() {
  poolproof::Executor pool({.workers = 2});

  // One call for each element, in chunks whose size is found by measurement.
  const std::vector<std::string> words = {"one", "three", "eleven"};
  for (const std::size_t length : poolproof::map(
           pool, [](const std::string& word) { return word.size(); }, words)) {
    std::cout << length << "\n";
  }

  // The input may be endless: it is drawn only so far ahead. Leaving the loop cancels the rest.
  long sum = 0;
  for (const long square : poolproof::map(
           pool, [](long n) { return n * n; }, std::views::iota(1L))) {
    if (square > 10'000) break;
    sum += square;
  }
  std::cout << "sum of the squares up to 100^2: " << sum << "\n";

  // An element that fails has its place; the rest is not lost.
  auto results = poolproof::map(pool,
                                [](int x) {
                                  if (x == 1) std::raise(SIGKILL);
                                  return 10 * x;
                                },
                                std::views::iota(0, 4), {.chunk = 1});
  while (true) {
    try {
      const auto result = results.next();
      if (!result) break;
      std::cout << *result << "\n";
    } catch (const poolproof::TerminatedWorkerError& error) {
      std::cout << "lost by " << to_string(error.exit()) << "\n";
    }
  }
}
