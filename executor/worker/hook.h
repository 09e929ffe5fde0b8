// How a worker skips the user's main without a macro in the user's code: the C library's own start
// function goes through this code, once in each way of linking, and gets a different main.
#pragma once

namespace poolproof::worker {

using Main = int (*)(int, char**, char**);
using LibcStart = int (*)(Main main, int argc, char** argv, void (*init)(), void (*fini)(),
                          void (*rtld_fini)(), void* stack_end);

// Returns a worker's main if this process was started as a worker (then it is one, or has ended),
// and the given main otherwise. Call it before any constructor, so that a constructor that hangs
// cannot live longer than the parent. A caller that has replaced main reports this with note_entry.
Main main_for(int argc, char** argv, Main users);

}  // namespace poolproof::worker
