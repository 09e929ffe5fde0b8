// The ways into a worker, and the proof that one of them is open.
#pragma once

#include <cstdint>
#include <string_view>

#include "executor/os/worker_start.h"

namespace poolproof::worker {

// Whether this program, started anew, would become a worker: the start hook ran in this process, or
// main called worker_entry. Asked in the parent before it spawns.
bool entry_is_proved();
void note_entry();

// Null: this process is not called a worker. Else it is one from now on (os::begin_as_worker), or
// it has ended with a message: its main never runs (law L10). The first call decides; it is made
// before any constructor of the program, or in a library that is reached only through others,
// before those of the library's users.
const os::WorkerStart* begin(int argc, char** argv);

// The whole life of a worker: runs tasks until it is told to stop or its parent is gone.
[[noreturn]] void run(const os::WorkerStart& start);

// In a worker whose program runs its static constructors: an executor can be made there, but takes
// no task, since every worker would do the same again.
bool is_starting();
// Tells the parent that a submit was refused for that reason, in case the worker ends by it: once,
// and only before it serves. Any thread.
void report_refusal(std::string_view text);
// What was sent before the task loop began, as transport::extend_digest has it.
std::uint32_t sent_before_serving();
void note_serving();  // the constructors are done

// From now on this worker takes no task: its exit hooks, atexit handlers and static destructors
// run.
void note_ending();
bool is_ending();

// Whether this thread was there before the first task: a static constructor has started it.
bool on_thread_of_constructors();

}  // namespace poolproof::worker
