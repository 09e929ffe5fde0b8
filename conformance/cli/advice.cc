#include "conformance/cli/advice.h"

#include <algorithm>
#include <functional>

#include "faults/fault.h"

namespace poolproof::cli {
namespace {

using faults::EffectKind;
using faults::Fault;
using faults::Point;
using faults::Target;
using scenarios::Scenario;
using scenarios::TaskGroup;

bool any_fault(const Scenario& scenario, const std::function<bool(const Fault&)>& is) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(), is);
}

bool any_group(const Scenario& scenario, const std::function<bool(const TaskGroup&)>& is) {
  return std::any_of(scenario.tasks.begin(), scenario.tasks.end(), is);
}

bool has_effect(const Scenario& scenario, EffectKind kind) {
  return any_fault(scenario, [&](const Fault& fault) { return fault.effect.kind == kind; });
}

bool strikes_at(const Scenario& scenario, Point point) {
  return any_fault(scenario, [&](const Fault& fault) { return fault.point == point; });
}

bool kills_worker(const Scenario& scenario) {
  return any_fault(scenario, [](const Fault& fault) {
    return faults::ends_process(fault.effect) && !faults::strikes_program(fault);
  });
}

bool ends_program(const Scenario& scenario) { return any_fault(scenario, faults::strikes_program); }

struct Advice {
  bool (*fits)(const Scenario&);
  const char* sentence;
};

// When a worker dies.
constexpr Advice kOfDeaths[] = {
    {[](const Scenario& s) {
       return any_fault(s, [](const Fault& fault) {
         return fault.effect.kind == EffectKind::kExit && fault.effect.code == 0;
       });
     },
     "An end of the process in the middle of a task is a death, whatever its exit status says: "
     "only a reply of the worker is a success."},
    {kills_worker,
     "Learn of a worker's death from the kernel's record of that process (a pidfd, waitpid, the "
     "sentinel of a Python process, the exit event of a Node child), and never from its pipe "
     "alone: a grandchild may hold the other end open."},
    {kills_worker,
     "Give each worker a channel of its own. A lock, pipe or queue that workers share is stranded "
     "by the one that dies while it holds it."},
    {[](const Scenario& s) {
       return kills_worker(s) && !strikes_at(s, Point::kIdle) && s.roles.size() > 1;
     },
     "Know which task a worker has begun (it says so before it decodes anything): end that one "
     "with an error, and give back to the queue what it had not begun."},
    {[](const Scenario& s) { return strikes_at(s, Point::kIdle) && kills_worker(s); },
     "Watch the workers while nothing runs, too: the death of an idle one must not be found out "
     "by the task that is sent to it and never answered."},
    {[](const Scenario& s) { return has_effect(s, EffectKind::kFork); },
     "Do not wait for the end of file on a worker's pipe: its child keeps every descriptor, and "
     "the end never comes."},
    {[](const Scenario& s) { return has_effect(s, EffectKind::kCloseFds); },
     "A worker that lost its channel and lives on can never answer: give it a short grace, then "
     "end it, and end its task with an error."},
    {[](const Scenario& s) { return strikes_at(s, Point::kSending); },
     "A result counts when all of it has come: read by length, into a buffer that grows as the "
     "bytes do, and drop what a death cut short."},
    {[](const Scenario& s) { return strikes_at(s, Point::kDecodeArgs) && kills_worker(s); },
     "Let the worker claim the task before it decodes the argument: from then on its death is "
     "that task's, and no other's."},
};

// When something else goes wrong, and general advice at the end.
constexpr Advice kOfTheRest[] = {
    {[](const Scenario& s) { return strikes_at(s, Point::kEncodeArgs); },
     "Encode an argument where a failure can be told to its task alone: in submit, or in a "
     "feeder that catches it and goes on with the next."},
    {[](const Scenario& s) { return strikes_at(s, Point::kEncodeResult); },
     "Catch what the encoding of a result throws, in the worker, and send that as the task's "
     "error instead."},
    {[](const Scenario& s) {
       return strikes_at(s, Point::kDecodeResult) || has_effect(s, EffectKind::kThrowUndecodable);
     },
     "Catch what the decoding of a reply throws, in the thread that reads replies: it is the "
     "error of one task, and the thread must go on."},
    {[](const Scenario& s) {
       return has_effect(s, EffectKind::kLoop) ||
              any_group(s, [](const TaskGroup& group) { return group.deadline_ms.has_value(); });
     },
     "End the process of a task that outlives its deadline by SIGKILL: nothing gentler reaches a "
     "loop in native code. Then replace the worker."},
    {[](const Scenario& s) { return strikes_at(s, Point::kCallback); },
     "Catch whatever a done-callback throws. The thread that runs it must outlive it."},
    {[](const Scenario& s) {
       return any_group(s, [](const TaskGroup& group) { return !group.submitted_by.empty(); });
     },
     "Call done-callbacks with none of your locks held: they may submit."},
    {[](const Scenario& s) {
       return any_group(s, [](const TaskGroup& group) { return group.cancel; });
     },
     "Settle a task that is cancelled in the queue once, as cancelled, and look for it no more "
     "when a worker dies later."},
    {[](const Scenario& s) { return s.close == "kill"; },
     "A shutdown by force kills the workers, reaps them, and settles every future that is still "
     "open, in this order, and waits for no task."},
    {[](const Scenario& s) { return s.close_when == scenarios::CloseWhen::kStriking; },
     "A shutdown that waits for tasks waits for their workers' deaths as well: either ends it."},
    {[](const Scenario& s) {
       return any_fault(s, [](const Fault& f) { return f.target == Target::kGroup; });
     },
     "A Ctrl-C reaches every process of the group at once. Decide who answers it, the program or "
     "its workers, and let the end of the one bring that of the other."},
    {[](const Scenario& s) { return has_effect(s, EffectKind::kReturn); },
     "What runs at the end of a program ends or drains the pool, and must not wait forever: a "
     "task that hangs would keep the program alive."},
    {ends_program,
     "Tie the workers to their parent: PR_SET_PDEATHSIG first and a look at the parent's pid "
     "afterwards, or a pipe that only the parent holds and whose end each worker watches."},
    {[](const Scenario& s) { return s.after_usable && kills_worker(s); },
     "Start a new worker for a dead one; or break the pool as a whole, with an error that says "
     "so, and let it be closed and opened again."},
    {[](const Scenario& s) { return s.leftovers_none && !ends_program(s); },
     "Let shutdown wait for what it ends: reap every worker, join every thread, close every "
     "descriptor, unlink every shared name, also of those that died."},
    {[](const Scenario&) { return true; },
     "Every future ends, with a value or with an error that says what happened: no path out of "
     "the pool may forget one."},
};

}  // namespace

std::vector<std::string> advice_for(const Scenario& scenario) {
  std::vector<std::string> sentences;
  for (const Advice& advice : kOfDeaths)
    if (advice.fits(scenario)) sentences.emplace_back(advice.sentence);
  for (const Advice& advice : kOfTheRest)
    if (advice.fits(scenario)) sentences.emplace_back(advice.sentence);
  return sentences;
}

}  // namespace poolproof::cli
