#include <poolproof/reusable.h>

#include <iostream>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

// Two parts of a program that do not know of each other, and share the workers all the same.
int sum(const std::vector<int>& numbers) {
  const auto pool = poolproof::reusable_executor();
  return pool
      ->submit(
          [](const std::vector<int>& v) {
            int total = 0;
            for (const int each : v) total += each;
            return total;
          },
          numbers)
      .get();
}

std::size_t length(const std::string& text) {
  const auto pool = poolproof::reusable_executor();
  return pool->submit([](const std::string& t) { return t.size(); }, text).get();
}

int main() {
  std::cout << sum({1, 2, 3}) << " " << length("four") << "\n";

  const auto pool = poolproof::reusable_executor();
  // Another size is had in place: nobody waits, and nobody has to let go of it.
  const auto resized = poolproof::reusable_executor({.executor = {.workers = 1}});
  std::cout << (resized == pool ? "the same one, resized" : "another one") << "\n";

  // Other options make another one, and end the old one. It is replaced by itself where it broke.
  const auto other = poolproof::reusable_executor({.executor = {.max_pending = 100}});
  std::cout << (other == pool ? "the same one" : "another one") << "\n";
  try {
    std::ignore = pool->submit([] {});
  } catch (const poolproof::ShutdownExecutorError&) {
    std::cout << "the old one takes no more\n";
  }
}  // what is left ends at exit
