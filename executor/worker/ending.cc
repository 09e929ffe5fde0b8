#include "executor/worker/ending.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <mutex>
#include <utility>
#include <vector>

#include "executor/transport/thrown.h"
#include "executor/worker/entry.h"
#include "poolproof/worker.h"

namespace poolproof {
namespace {

struct Hooks {
  std::mutex mutex;
  std::vector<std::function<void()>> hooks;
};

// Never destroyed: a task may add a hook while static objects are destroyed.
Hooks& hooks() {
  static Hooks& all = *new Hooks;
  return all;
}

std::function<void()> take_last_hook() {
  Hooks& all = hooks();
  const std::lock_guard lock(all.mutex);
  if (all.hooks.empty()) return nullptr;
  std::function<void()> last = std::move(all.hooks.back());
  all.hooks.pop_back();
  return last;
}

void run_hooks() {
  while (const auto hook = take_last_hook()) {
    try {
      hook();
    } catch (...) {
      std::fprintf(stderr, "poolproof: a hook of at_worker_exit threw %s\n",
                   transport::in_words(std::current_exception()).c_str());
    }
  }
}

}  // namespace

void at_worker_exit(std::function<void()> hook) {
  if (!this_worker() || !hook) return;
  Hooks& all = hooks();
  const std::lock_guard lock(all.mutex);
  all.hooks.push_back(std::move(hook));
}

namespace worker {

// A task may have told the streams to throw what they cannot write. That concerns its own output:
// nobody is here any more to catch it, and what the task returned is not lost with a line.
void flush_output() {
  const auto flush = [](auto& stream) {
    try {
      stream.flush();
    } catch (...) {
    }
  };
  flush(std::cout);
  flush(std::clog);
  flush(std::wcout);
  flush(std::wclog);
  std::fflush(stdout);
}

void end_as_asked() {
  note_ending();
  run_hooks();
  std::exit(0);
}

}  // namespace worker
}  // namespace poolproof
