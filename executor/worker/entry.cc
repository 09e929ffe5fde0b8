#include "executor/worker/entry.h"

#include <unistd.h>

#include "executor/worker/task_loop.h"
#include "poolproof/executor.h"

namespace poolproof {

void worker_entry(int argc, char** argv) {
  worker::note_entry();
  if (const auto start = os::read_worker_start(argc, argv)) {
    os::begin_as_worker(*start);
    worker::run(*start);
  }
}

namespace worker {
namespace {

os::WorkerStart served;  // while this process serves
int serving_pid = 0;

}  // namespace

void run(const os::WorkerStart& start) {
  os::settle_in(start);
  served = start;
  serving_pid = getpid();
  serve(os::kWorkerChannel, start);
}

}  // namespace worker

std::optional<ThisWorker> this_worker() {
  if (worker::serving_pid == 0 || worker::serving_pid != getpid()) return std::nullopt;
  return ThisWorker{worker::served.index, worker::served.name};
}

}  // namespace poolproof
