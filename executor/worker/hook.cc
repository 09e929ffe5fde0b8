// That the hook works is proved by the flag, in the parent, before anything is spawned.
#include "executor/worker/hook.h"

#include "executor/os/child.h"
#include "executor/worker/entry.h"

namespace poolproof::worker {
namespace {

bool can_enter = false;
os::WorkerStart this_start;

int worker_main(int, char**, char**) { run(this_start); }

}  // namespace

bool entry_is_proved() { return can_enter; }
void note_entry() { can_enter = true; }

Main main_for(int argc, char** argv, Main users) {
  const auto start = os::read_worker_start(argc, argv);
  if (!start) return users;
  os::begin_as_worker(*start);
  this_start = *start;
  return &worker_main;
}

}  // namespace poolproof::worker
