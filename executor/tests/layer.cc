// A shared library that uses the executor, so that a program can use it only through this library.
#include <exception>
#include <string>

#include "poolproof/executor.h"

std::string run_in_layer() {
  try {
    poolproof::Executor pool({.workers = 1});
    return std::to_string(pool.submit([](int x) { return x + 1; }, 41).get());
  } catch (const poolproof::SpawnError& error) {
    return std::string("SpawnError: ") + error.what();
  }
}

void enter_in_layer(int argc, char** argv) { poolproof::worker_entry(argc, argv); }
