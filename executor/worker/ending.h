// What a worker does with the output of its tasks, and how it ends when it is asked to.
#pragma once

namespace poolproof::worker {

// What a task has printed by stdio or iostreams is handed to the system before its end is told, so
// that it is not lost if the worker is killed later. Files of the user's own are not touched.
void flush_output();

// As a program ends that returns from main: the hooks of at_worker_exit in reverse order, then
// atexit handlers and static destructors, which flush what else is open. A worker that takes too
// long for it is killed (ExecutorOptions::stop_grace).
[[noreturn]] void end_as_asked();

}  // namespace poolproof::worker
