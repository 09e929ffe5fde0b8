// The ways in which a process becomes a worker, and the proof that one of them works.
#pragma once

#include <cstdint>
#include <string_view>

#include "executor/os/worker_start.h"

namespace poolproof::worker {

// Whether this program would become a worker if it were started again: the start hook ran in this
// process, or main called worker_entry. Asked in the parent before it spawns.
bool entry_is_proved();
void note_entry();

// Null: this process was not started as a worker. Otherwise it is a worker from now on
// (os::begin_as_worker), or it has ended with a message: its main never runs (law L10). Only the
// first call decides. It comes before any constructor of the program; in a library that is linked
// only through other libraries, it comes before the constructors of the library's users.
const os::WorkerStart* begin(int argc, char** argv);

// The whole life of a worker: runs tasks until it is told to stop or its parent is gone.
[[noreturn]] void run(const os::WorkerStart& start);

// In a worker whose program runs its static constructors: an executor can be made there, but it
// takes no task, because every worker would do the same again.
bool is_starting();
// Tells the parent that a submit was refused for that reason, in case the worker ends because of
// it. Once, and only before the worker serves. Any thread.
void report_refusal(std::string_view text);
// The digest of what was sent before the task loop began (transport::extend_digest).
std::uint32_t sent_before_serving();
void note_serving();  // the constructors are done

// From now on this worker takes no task, because its exit hooks, atexit handlers and static
// destructors run.
void note_ending();
bool is_ending();

// Whether this thread existed before the first task, which means that a static constructor started
// it.
bool on_thread_of_constructors();

}  // namespace poolproof::worker
