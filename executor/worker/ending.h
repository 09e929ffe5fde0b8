// What a worker does with the output of its tasks, and how it ends when it is asked to.
#pragma once

namespace poolproof::worker {

// Writes out what a task has printed by stdio or iostreams before the end of the task is reported,
// so that the output is not lost if the worker is killed later. Files that the user opened are not
// touched.
void flush_output();

// Ends like a program that returns from main: the hooks of at_worker_exit in reverse order, then
// atexit handlers and static destructors, which flush other open files. A worker that takes too
// long for this is killed (ExecutorOptions::stop_grace).
[[noreturn]] void end_as_asked();

}  // namespace poolproof::worker
