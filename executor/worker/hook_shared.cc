// In the shared library: if the program itself is linked to us, this symbol is found before the C
// library's, and calls that one.
#include <dlfcn.h>
#include <unistd.h>

#include "executor/worker/entry.h"
#include "executor/worker/hook.h"
#include "poolproof/export.h"

extern "C" POOLPROOF_EXPORT int __libc_start_main(poolproof::worker::Main main, int argc,
                                                  char** argv, void (*init)(), void (*fini)(),
                                                  void (*rtld_fini)(), void* stack_end) {
  const auto libc_start =
      reinterpret_cast<poolproof::worker::LibcStart>(dlsym(RTLD_NEXT, "__libc_start_main"));
  if (libc_start == nullptr) {
    constexpr char kText[] = "poolproof: the C library has no __libc_start_main\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, kText, sizeof(kText) - 1);
    _exit(127);
  }
  poolproof::worker::note_entry();
  main = poolproof::worker::main_for(argc, argv, main);
  return libc_start(main, argc, argv, init, fini, rtld_fini, stack_end);
}
