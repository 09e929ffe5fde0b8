// In the static library: a program that is linked with --wrap=__libc_start_main (our CMake target
// does this) calls the wrapper, which calls the C library's function. In a fully static program,
// nothing of the C library may be called that early (no errno, no memcpy yet). So the wrapper only
// replaces main by a main of ours. Code that runs between the two decides what that main does.
#include "executor/worker/entry.h"
#include "executor/worker/hook.h"

namespace poolproof::worker {
namespace {

Main users_main = nullptr;
Main workers_main = nullptr;

// Runs before all constructors, also those of shared libraries.
void before_constructors(int argc, char** argv, char**) {
  workers_main = main_for(argc, argv, nullptr);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const first)(int, char**,
                                                                  char**) = &before_constructors;

int either_main(int argc, char** argv, char** environment) {
  return (workers_main != nullptr ? workers_main : users_main)(argc, argv, environment);
}

}  // namespace
}  // namespace poolproof::worker

extern "C" int __real___libc_start_main(poolproof::worker::Main main, int argc, char** argv,
                                        void (*init)(), void (*fini)(), void (*rtld_fini)(),
                                        void* stack_end);

extern "C" int __wrap___libc_start_main(poolproof::worker::Main main, int argc, char** argv,
                                        void (*init)(), void (*fini)(), void (*rtld_fini)(),
                                        void* stack_end) {
  poolproof::worker::note_entry();
  poolproof::worker::users_main = main;
  return __real___libc_start_main(&poolproof::worker::either_main, argc, argv, init, fini,
                                  rtld_fini, stack_end);
}
