// How a worker skips the user's main, with no macro in it: the C library's own start function is
// replaced by one that hands it another main. It works where this symbol is found before libc's: in
// a program that links the static archive, or the shared library directly. That it worked is proved
// by the flag, in the parent, before anything is spawned.
#include <dlfcn.h>
#include <unistd.h>

#include <cstring>

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

}  // namespace poolproof::worker

extern "C" __attribute__((visibility("default"))) int __libc_start_main(
    int (*main)(int, char**, char**), int argc, char** argv, void (*init)(), void (*fini)(),
    void (*rtld_fini)(), void* stack_end) {
  using Start =
      int (*)(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto libc_start = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  if (libc_start == nullptr) {
    constexpr char kText[] = "poolproof: the C library has no __libc_start_main\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, kText, sizeof(kText) - 1);
    _exit(127);
  }
  poolproof::worker::note_entry();
  if (const auto start = poolproof::os::read_worker_start(argc, argv)) {
    // Now, so that a constructor that hangs cannot outlive the parent.
    poolproof::os::bind_to_parent(start->parent);
    poolproof::worker::this_start = *start;
    main = &poolproof::worker::worker_main;
  }
  return libc_start(main, argc, argv, init, fini, rtld_fini, stack_end);
}
