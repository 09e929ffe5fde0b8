#include "executor/os/priority.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

#include "executor/os/file.h"

namespace poolproof::os {
namespace {

// 0 for a thread: this one.
Priority priority_of(int thread) {
  Priority found;
  found.policy = sched_getscheduler(thread);
  sched_param parameters{};
  if (sched_getparam(thread, &parameters) == 0) found.realtime = parameters.sched_priority;
  found.nice = getpriority(PRIO_PROCESS, static_cast<id_t>(thread));
  found.timer_slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  return found;
}

}  // namespace

Priority priority_of_program() {
  Priority found = priority_of(getpid());
  if (gettid() == getpid()) return found;
  if (const auto slack = read_file("/proc/self/timerslack_ns")) {
    found.timer_slack_ns = std::strtol(slack->c_str(), nullptr, 10);
  }
  return found;
}

void use_priority(const Priority& wanted) {
  const Priority now = priority_of(0);
  // SCHED_DEADLINE is a reservation of CPU time, which two threads cannot share.
  const bool can_be_copied = wanted.policy >= 0 && wanted.policy != SCHED_DEADLINE;
  if (can_be_copied && (wanted.policy != now.policy || wanted.realtime != now.realtime)) {
    sched_param parameters{};
    parameters.sched_priority = wanted.realtime;
    sched_setscheduler(0, wanted.policy, &parameters);
  }
  if (wanted.nice != now.nice) setpriority(PRIO_PROCESS, 0, wanted.nice);
  // An executor that a static constructor has made in a worker has read that one.
  const bool is_of_program =
      wanted.timer_slack_ns > 0 && wanted.timer_slack_ns != kSlackBeforeReady;
  if (is_of_program && wanted.timer_slack_ns != now.timer_slack_ns) {
    prctl(PR_SET_TIMERSLACK, wanted.timer_slack_ns, 0, 0, 0);
  }
}

}  // namespace poolproof::os
