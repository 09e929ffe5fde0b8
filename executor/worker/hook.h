// How a worker skips the user's main, with no macro in it: the C library's own start function is
// led past us, once in each way of linking, and gets another main.
#pragma once

namespace poolproof::worker {

using Main = int (*)(int, char**, char**);
using LibcStart = int (*)(Main main, int argc, char** argv, void (*init)(), void (*fini)(),
                          void (*rtld_fini)(), void* stack_end);

// A worker's main in a process that is called one (it is one then, or has ended); the given one in
// any other. Call it before any constructor, so that one that hangs cannot outlive the parent. A
// caller that has replaced main tells it with note_entry.
Main main_for(int argc, char** argv, Main users);

}  // namespace poolproof::worker
