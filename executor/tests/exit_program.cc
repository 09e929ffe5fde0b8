// Programs that end while they have executors; exit_test.cc starts them. What happens to tasks at
// exit, and in which order static objects are destroyed.
#include <fcntl.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/reusable.h"

namespace {

using namespace poolproof;
using namespace poolproof::testing_support;

void say(const std::string& what) {
  std::printf("%s\n", what.c_str());
  std::fflush(stdout);
}

// Alive as long as its text is: prints a line when it is destroyed.
struct Witness {
  explicit Witness(std::string text) : name(std::move(text)) {}
  ~Witness() { say(name + " goes"); }
  std::string name;
};

std::shared_ptr<Executor> shared() { return reusable_executor({.executor = {.workers = 1}}); }

// The tasks that meet in `folder` continue when this object is destroyed.
struct Gate {
  explicit Gate(std::string where) : folder(std::move(where)) {}
  ~Gate() {
    say("gate goes");
    open((folder + "/gate").c_str(), O_RDWR | O_CLOEXEC);  // until the program is gone
  }
  std::string folder;
};

// main ends while tasks run and wait, and their callbacks use a static object.
int leave_static(const std::string& folder) {
  static Witness before("before");
  static Executor pool({.workers = 1});
  static Gate gate(folder);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(pool.submit(meet_and_return, folder, i).then([](int x) {
      say(before.name + " sees " + std::to_string(x));
    }));
  }
  return 0;
}

int leave_reusable(const std::string& folder) {
  static Witness before("before");
  shared();
  static Gate gate(folder);
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(shared()->submit(meet_and_return, folder, i).then([](int x) {
      say(before.name + " sees " + std::to_string(x));
    }));
  }
  return 0;
}

// A static object that lives longer than the executor uses it again.
int ask_late() {
  struct Late {
    ~Late() {
      say("late " + std::to_string(shared()->submit([](int x) { return x; }, 5).get()));
    }
  };
  static Late late;
  say("early " + std::to_string(shared()->submit([](int x) { return x; }, 4).get()));
  return 0;
}

int exit_in_callback() {
  static_cast<void>(shared()->submit([](int x) { return x; }, 1).then([](int) {
    say("the callback exits");
    std::exit(0);
  }));
  std::this_thread::sleep_for(std::chrono::minutes(1));  // the exit ends it
  return 1;
}

// Within the text of a trace that holds `word`.
int exit_in_sink(const std::string& word) {
  const auto sink = [word](std::string_view text) {
    if (text.find(word) == std::string_view::npos) return;
    say("the sink exits");
    std::exit(0);
  };
  static Executor pool({.workers = 1, .trace = {.sink = sink}});
  pool.submit([](int x) { return x; }, 1).get();
  pool.shutdown();
  std::this_thread::sleep_for(std::chrono::minutes(1));  // the exit ends it
  return 1;
}

int exit_on_another_thread() {
  shared()->submit([](int x) { return x; }, 1).get();
  std::thread([] { std::exit(0); }).detach();
  std::this_thread::sleep_for(std::chrono::minutes(1));
  return 1;
}

// Its task never ends. Only a program that chooses this option is not blocked by it.
int leave_hung(const std::string& folder) {
  static Executor pool({.workers = 1, .on_destroy = {.running = Running::kKill}});
  std::ignore = pool.submit(meet_and_sleep, folder);
  return 0;
}

// Pools within pools; none of them is shut down by hand.
int leave_nested() {
  const auto nested = [](int x) { return shared()->submit([](int y) { return y + 1; }, x).get(); };
  say("nested " + std::to_string(shared()->submit(nested, 1).get()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "static") return leave_static(argv[2]);
  if (what == "reusable") return leave_reusable(argv[2]);
  if (what == "late") return ask_late();
  if (what == "callback") return exit_in_callback();
  if (what == "sink") return exit_in_sink("process_name");
  if (what == "last-piece") return exit_in_sink("\n]\n");
  if (what == "thread") return exit_on_another_thread();
  if (what == "hung") return leave_hung(argv[2]);
  if (what == "nested") return leave_nested();
  return 2;
}
