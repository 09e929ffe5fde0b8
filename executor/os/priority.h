// How the kernel schedules a thread. Linux keeps this for each thread, and a new thread or process
// inherits it from the thread that starts it.
#pragma once

namespace poolproof::os {

// In nanoseconds. The main thread of a worker has it until the worker is ready, and its threads
// inherit it: worker/entry.cc tells them by that. The kernel's own default is 50,000.
inline constexpr long kSlackBeforeReady = 50'037;

struct Priority {
  int policy = 0;           // sched(7), with SCHED_RESET_ON_FORK
  int realtime = 0;         // of SCHED_FIFO and SCHED_RR
  int nice = 0;             // of the other policies
  long timer_slack_ns = 0;  // 0: not known
};

// Of the program's main thread. The timer slack of another thread is told to CAP_SYS_NICE only;
// without it, that of this thread.
Priority priority_of_program();

// This thread, and what it starts, is scheduled like that, as far as the kernel permits it: a nice
// value that is lower than this thread's takes CAP_SYS_NICE or RLIMIT_NICE.
void use_priority(const Priority& wanted);

}  // namespace poolproof::os
