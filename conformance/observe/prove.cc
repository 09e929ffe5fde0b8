#include "conformance/observe/prove.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "conformance/observe/wakers.h"

namespace poolproof::hang {
namespace {

using Standing = ThreadProof::Standing;

std::string duration(std::chrono::nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f s", std::chrono::duration<double>(time).count());
  return text;
}

std::string states(const std::string& state) {
  if (state == "D") return "it waits in the kernel for a device, or for a child to start";
  if (state == "T") return "it has been stopped by a signal";
  if (state == "t") return "it has been stopped by a tracer";
  return "it is in state " + state + ", of which nothing is known";
}

std::string timed_reason(const Wait& wait) {
  const std::string name = wait.kind == Wait::Kind::sleep ? "its sleep" : "its " + wait.call;
  if (!wait.left || *wait.left < std::chrono::nanoseconds{0}) return name + " has a time limit";
  return name + " has a time limit: at most " + duration(*wait.left) + " are left";
}

// A timer that could end its wait with a signal. It is ignored only if that is impossible.
std::string timer_reason(const ProcessLook& process) {
  if (process.timers) return "its process has timers (timer_create)";
  if (process.alarm_caught) return "its process catches SIGALRM: a timer may be armed";
  for (const Descriptor& descriptor : process.descriptors)
    if (descriptor.signals_when_ready)
      return "descriptor " + std::to_string(descriptor.fd) + " may send it a signal (O_ASYNC)";
  return "";
}

// An interval timer without a handler ends its process, and this may let others continue.
std::optional<std::pair<Standing, std::string>> alarm_reason(const Look& first, const Look& second,
                                                             const ProcessLook& process,
                                                             const ThreadLook& thread,
                                                             const ClosedWorld& world) {
  // A thread that waits for a signal may also wait for a blocked one.
  const bool open = thread.wait.kind == Wait::Kind::signal ||
                    std::any_of(process.threads.begin(), process.threads.end(),
                                [](const ThreadLook& one) { return one.alarm_open; });
  const bool ignored = process.alarm_ignored && thread.wait.kind != Wait::Kind::signal;
  if (!open || ignored || world.no_alarms) return std::nullopt;
  if (first.interval_timers.value_or(false) || second.interval_timers.value_or(false))
    return std::pair{Standing::open,
                     "an interval timer is armed on this machine, and may be its process's"};
  if (!first.interval_timers || !second.interval_timers)
    return std::pair{Standing::unclear,
                     "its process may have armed alarm(): only root can see that none is armed"};
  return std::nullopt;
}

struct Pair {  // one thread, as both looks saw it
  const ProcessLook& process;
  const ThreadLook& first;
  const ThreadLook& second;
};

// What can be said about the thread alone: `stuck` here means that only its wakers can tell.
ThreadProof by_itself(const Look& first, const Look& second, const Pair& pair,
                      const ClosedWorld& world) {
  const ThreadLook& now = pair.second;
  ThreadProof proof{.pid = pair.process.pid, .tid = now.tid};
  const auto say = [&](Standing standing, std::string reason) {
    proof.standing = standing;
    proof.reason = std::move(reason);
    return proof;
  };
  const Sample& begin = pair.first.before;
  for (const Sample& sample : {begin, pair.first.after, now.before, now.after}) {
    if (sample.state == '?')
      return say(Standing::unclear, "the kernel does not tell whether it ran");
    if (sample.run_ns != begin.run_ns || sample.turns != begin.turns ||
        sample.switches != begin.switches)
      return say(Standing::moving, "it ran between the looks");
    if (sample.state == 'R') return say(Standing::moving, "it is ready to run");
    if (sample.state != 'S') return say(Standing::unclear, states({sample.state}));
  }
  if (!pair.process.unseen.empty())
    return say(Standing::unclear, "we may not look into its process: " + pair.process.unseen);
  if (pair.process.foreign_calls)
    return say(Standing::unclear, "its program is not a 64-bit one, or cannot be read");
  if (pair.process.works_alone)
    return say(Standing::unclear, "the kernel may work for its process (io_uring or aio)");
  if (now.wait.kind == Wait::Kind::running)
    return say(Standing::unclear, "it is said to sleep, and to run");
  if (!now.wait.same_as(pair.first.wait))
    return say(Standing::unclear, "two looks saw it wait for different things");
  if (now.signal_comes || pair.first.signal_comes)
    return say(Standing::unclear, "a signal is about to reach it");
  if (now.wait.kind == Wait::Kind::unknown) return say(Standing::unclear, now.wait.not_understood);
  if (now.wait.timed) return say(Standing::open, timed_reason(now.wait));
  if (std::string timer = timer_reason(pair.process); !timer.empty())
    return say(Standing::open, std::move(timer));
  if (auto alarm = alarm_reason(first, second, pair.process, now, world))
    return say(alarm->first, std::move(alarm->second));
  // Outsiders come and go, so both looks count.
  const Ways before = ways_out(first, pair.process, now, world);
  Ways ways = ways_out(second, pair.process, now, world);
  proof.wakers = std::move(ways.wakers);
  // A known way out says more than an unknown one.
  for (const Ways* one : std::initializer_list<const Ways*>{&before, &ways})
    if (!one->open.empty()) return say(Standing::open, one->open);
  for (const Ways* one : std::initializer_list<const Ways*>{&before, &ways})
    if (!one->unclear.empty()) return say(Standing::unclear, one->unclear);
  return say(Standing::stuck, "");
}

// A thread that can be woken by a thread that is not stuck is not stuck either. Repeats this until
// nothing changes.
void spread(std::vector<ThreadProof>& threads) {
  bool changed = true;
  while (changed) {
    changed = false;
    std::map<pid_t, bool> stuck;  // a process is stuck if all its threads are
    for (const ThreadProof& thread : threads) {
      auto& all = stuck.try_emplace(thread.pid, true).first->second;
      all = all && thread.standing == Standing::stuck;
    }
    for (ThreadProof& thread : threads) {
      if (thread.standing != Standing::stuck) continue;
      for (const Waker& waker : thread.wakers) {
        const auto found = stuck.find(waker.pid);
        if (found == stuck.end() || found->second) continue;
        thread.standing = Standing::waits;
        thread.reason =
            waker.pid == thread.pid
                ? "another thread of its process, which may go on, can wake it"
                : "process " + std::to_string(waker.pid) + ", which may go on, can wake it";
        changed = true;
        break;
      }
    }
  }
}

// Are the same processes and threads in both looks? Returns the difference and what it means.
std::string changed_between(const Look& first, const Look& second) {
  std::map<std::pair<pid_t, std::uint64_t>, const ProcessLook*> then;
  for (const ProcessLook& process : first.processes) then[{process.pid, process.start}] = &process;
  for (const ProcessLook& process : second.processes) {
    const auto found = then.find({process.pid, process.start});
    const std::string name = "process " + std::to_string(process.pid);
    if (found == then.end()) return name + " appeared between the looks";
    if (process.dead != found->second->dead) return name + " ended between the looks";
    std::vector<pid_t> before, now;
    for (const ThreadLook& thread : found->second->threads) before.push_back(thread.tid);
    for (const ThreadLook& thread : process.threads) now.push_back(thread.tid);
    if (before != now) return "threads of " + name + " came or went between the looks";
    then.erase(found);
  }
  if (then.empty()) return "";
  return "process " + std::to_string(then.begin()->first.first) + " went between the looks";
}

std::vector<std::string> provided_that(const Look& second, const ClosedWorld& world) {
  std::vector<std::string> provided{"nobody outside sends a signal"};
  for (const std::string& name : world.silent_objects)
    provided.push_back("nobody outside uses " + name);
  for (const pid_t pid : world.silent_processes)
    provided.push_back("process " + std::to_string(pid) + " stays silent");
  if (world.names_are_private)
    provided.push_back("nobody outside opens its files or sockets by name");
  if (world.no_alarms) provided.push_back("none of its processes has armed alarm() or setitimer()");
  if (second.unseen_strangers)
    provided.push_back("no process of another user was sent a descriptor of it over a socket");
  for (const ProcessLook& process : second.processes)
    if (process.tracer != 0 && std::none_of(second.processes.begin(), second.processes.end(),
                                            [&](const auto& p) { return p.pid == process.tracer; }))
      provided.push_back("its tracer, process " + std::to_string(process.tracer) +
                         ", leaves process " + std::to_string(process.pid) + " alone");
  return provided;
}

void conclude(Proof& proof) {
  const auto any = [&](Standing standing) -> const ThreadProof* {
    for (const ThreadProof& thread : proof.threads)
      if (thread.standing == standing) return &thread;
    return nullptr;
  };
  const auto say = [&](Verdict verdict, const ThreadProof& thread) {
    proof.verdict = verdict;
    proof.reason = "thread " + std::to_string(thread.tid) + " of process " +
                   std::to_string(thread.pid) + ": " + thread.reason;
  };
  if (proof.threads.empty()) {
    proof.verdict = Verdict::undecided;
    proof.reason = "no process of this tree lives";
  } else if (const auto* moving = any(Standing::moving)) {
    say(Verdict::busy, *moving);
  } else if (const auto* unclear = any(Standing::unclear)) {
    say(Verdict::undecided, *unclear);
  } else if (const auto* open = any(Standing::open)) {
    say(Verdict::quiet, *open);
  } else {
    proof.verdict = Verdict::hung;
    proof.reason = proof.threads.size() == 1
                       ? "its one thread waits for what nobody but itself could bring"
                       : "each of its " + std::to_string(proof.threads.size()) +
                             " threads waits, without a time limit, for another of them";
  }
}

}  // namespace

const char* word_for(Verdict verdict) {
  switch (verdict) {
    case Verdict::hung:
      return "hung";
    case Verdict::quiet:
      return "quiet";
    case Verdict::busy:
      return "busy";
    case Verdict::undecided:
      return "undecided";
  }
  return "undecided";
}

const char* word_for(Standing standing) {
  switch (standing) {
    case Standing::stuck:
      return "stuck";
    case Standing::waits:
      return "waits";
    case Standing::open:
      return "open";
    case Standing::moving:
      return "moving";
    case Standing::unclear:
      return "unclear";
  }
  return "unclear";
}

Proof prove(const Look& first, const Look& second, const ClosedWorld& world) {
  Proof proof;
  if (std::string change = changed_between(first, second); !change.empty()) {
    proof.verdict = Verdict::busy;
    proof.reason = std::move(change);
    return proof;
  }
  for (const ProcessLook& process : second.processes) {
    const auto then = std::find_if(first.processes.begin(), first.processes.end(),
                                   [&](const ProcessLook& p) { return p.pid == process.pid; });
    for (std::size_t i = 0; i < process.threads.size(); ++i)
      proof.threads.push_back(
          by_itself(first, second, {process, then->threads[i], process.threads[i]}, world));
  }
  spread(proof.threads);
  conclude(proof);
  if (proof.verdict == Verdict::hung) proof.provided = provided_that(second, world);
  return proof;
}

}  // namespace poolproof::hang
