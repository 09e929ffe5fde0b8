// A program with an executor of its own, which program_test.cc starts, stops and kills from
// outside.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace {

using namespace poolproof;
using namespace poolproof::testing_support;

std::vector<char> meet_and_return_much(std::string folder) {
  meet(folder);
  return std::vector<char>(std::size_t{8} << 20);
}

// Its worker is killed while it writes eight megabytes to us, who are stopped.
int be_stopped(const std::string& folder) {
  Executor pool({.workers = 1});
  Future<std::vector<char>> victim = pool.submit(meet_and_return_much, folder);
  Future<int> queued = pool.submit([](int x) { return x; }, 7);
  try {
    std::printf("value of %zu bytes\n", victim.get().size());
  } catch (const TerminatedWorkerError& error) {
    std::printf("task %d by %s of %d\n", static_cast<int>(error.task()),
                to_string(error.exit()).c_str(), error.pid());
  }
  std::printf("queued %d\n", queued.get());
  return 0;
}

// Its workers are hung when it is killed: one in its own session and on the CPU, one asleep.
int be_killed(const std::string& folder) {
  Executor pool({.workers = 2});
  Future<void> looping = pool.submit(
      [](std::string where) {
        setsid();
        meet_and_loop(where);
      },
      folder);
  Future<void> sleeping = pool.submit(
      [](std::string where) {
        setpgid(0, 0);
        meet_and_sleep(where);
      },
      folder);
  looping.wait();
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("main runs in %s\n", argv[0]);
  std::fflush(stdout);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "be-stopped") return be_stopped(argv[2]);
  if (what == "be-killed") return be_killed(argv[2]);
  return 0;
}
