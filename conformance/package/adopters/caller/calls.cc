// The code that is linked in different ways: calls that end with a value, an error, and a death.
#include <poolproof/executor.h>

#include <csignal>
#include <cstdio>
#include <string>

extern "C" void make_calls() {
  try {
    poolproof::Executor pool({.workers = 2});
    auto sum = pool.submit([](int x) { return x + 1; }, 41);
    auto bad = pool.submit([](std::string text) { return text.at(99); }, "short");
    auto crash = pool.submit([] { std::raise(SIGKILL); });
    auto doubled = pool.submit([](int x) { return x; }, 21).then([](int x) { return 2 * x; });
    std::printf("sum %d\n", sum.get());
    try {
      bad.get();
    } catch (const poolproof::TaskError& error) {
      std::printf("threw %s\n", error.type_name().c_str());
    }
    try {
      crash.get();
    } catch (const poolproof::TerminatedWorkerError& error) {
      std::printf("died by %s\n", to_string(error.exit()).c_str());
    }
    std::printf("then %d\n", doubled.get());
  } catch (const poolproof::SpawnError& error) {
    std::printf("SpawnError: %s\n", error.what());
  }
}

extern "C" void enter(int argc, char** argv) { poolproof::worker_entry(argc, argv); }
