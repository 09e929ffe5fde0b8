// The ways in which a process becomes a worker, and the proof that one of them works.
#pragma once

#include <cstdint>
#include <string>
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

// In a worker whose program runs its static constructors: an executor can be made there, whatever
// is wrong with it, since a throw would end every worker.
bool runs_constructors();

// Why this thread may not submit: every worker would do the same again. Empty: it may, or this is
// no worker. Refused are static constructors, the initializer, all threads that these have started
// and all threads of those, and exit hooks, atexit handlers and static destructors.
std::string why_no_submit();
// Tells the parent that a submit was refused for that reason, in case the worker ends by it: once,
// and only before the task loop begins. Any thread.
void report_refusal(std::string_view text);
// The digest of what was sent before the task loop began (transport::extend_digest).
std::uint32_t sent_before_serving();

// The stages of a worker's life, in their order.
void note_task_loop();  // the constructors are done; the channel is the task loop's
void note_ready();      // the initializer is done
void note_ending();     // it takes no task any more: its exit hooks and static destructors run

}  // namespace poolproof::worker
