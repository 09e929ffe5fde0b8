#include "executor/worker/entry.h"

#include "executor/worker/task_loop.h"
#include "poolproof/executor.h"

namespace poolproof {

void worker_entry(int argc, char** argv) {
  worker::note_entry();
  if (const auto start = os::read_worker_start(argc, argv)) {
    os::bind_to_parent(start->parent);
    worker::run(*start);
  }
}

namespace worker {

void run(const os::WorkerStart& start) {
  os::settle_in(start.orders.index);
  serve(os::kWorkerChannel, start.parent, start.orders.max_payload);
}

}  // namespace worker
}  // namespace poolproof
