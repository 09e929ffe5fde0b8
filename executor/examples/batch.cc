#include <poolproof/executor.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

// An executor can be a member of what is moved about.
class Resizer {
 public:
  explicit Resizer(int workers) : pool_({.workers = workers}) {
    pool_.prestart();  // the workers start now, and not when the first task comes
  }
  // One task for each file, sent together: the supervisor wakes up once.
  int run(const std::vector<std::string>& files) {
    int letters = 0;
    const auto resize = [](const std::string& file) { return static_cast<int>(file.size()); };
    for (auto& each : pool_.submit_batch({.name = "resize"}, resize, files)) letters += each.get();
    return letters;
  }

 private:
  poolproof::Executor pool_;
};

int main() {
  Resizer first(2);
  Resizer resizer = std::move(first);
  std::cout << "letters " << resizer.run({"a.jpg", "bc.jpg", "d.png"}) << "\n";

  poolproof::Executor pool({.workers = 1});
  poolproof::Executor other = std::move(pool);
  try {
    pool.submit([] {}).get();
  } catch (const std::logic_error& error) {
    std::cout << error.what() << "\n";
  }
  std::cout << other.submit([] { return 42; }).get() << "\n";
}
