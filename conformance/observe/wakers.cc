#include "conformance/observe/wakers.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace poolproof::hang {
namespace {

using Kind = Object::Kind;

// Random names that libraries choose for their own children: no stranger can know them.
constexpr std::string_view kDrawnNames[] = {"/dev/shm/sem.mp-", "/dev/shm/sem.loky-"};

struct Question {
  const Look& look;
  const ProcessLook& process;
  const ClosedWorld& world;
  Ways& ways;

  void by(pid_t pid, int fd = -1) const { ways.wakers.push_back({pid, fd}); }
  void open(const std::string& why) const {
    if (ways.open.empty()) ways.open = why;
  }
  void unclear(const std::string& why) const {
    if (ways.unclear.empty()) ways.unclear = why;
  }
  bool silent(const Object& object) const { return world.silent_objects.contains(object.name); }
  bool silent(pid_t pid) const { return world.silent_processes.contains(pid); }
};

std::string through(const Wish& wish) { return "descriptor " + std::to_string(wish.fd); }

std::string named(const Outsider& outsider) {
  std::string text = outsider.pid > 0
                         ? "process " + std::to_string(outsider.pid) + " (" + outsider.name + ")"
                         : outsider.name;
  if (outsider.fd >= 0 && outsider.pid > 0) text += ", descriptor " + std::to_string(outsider.fd);
  return text;
}

// Was it made in the tree? Then a process in the tree holds it, or its other end, as something that
// does not survive exec.
bool made_inside(const Look& look, const Object& object, const Object& peer) {
  for (const ProcessLook& process : look.processes)
    for (const Descriptor& held : process.descriptors)
      if (held.fd > 2 && !held.kept_at_exec &&
          (held.object.name == object.name || held.object.name == peer.name))
        return true;
  return false;
}

void beware_of_unseen(const Question& ask, const std::string& what, bool inside) {
  const Look& look = ask.look;
  if (look.unseen_kin.empty() && (inside || look.unseen_elders.empty())) return;
  const std::string& who =
      look.unseen_kin.empty() ? look.unseen_elders.front() : look.unseen_kin.front();
  ask.unclear("process " + who + ", which we may not look into, could hold " + what);
}

// Finds holders inside and outside; `counts(holder)` says whether this one could wake. True: at
// least one counts.
template <class Counts>
bool add_holders(const Question& ask, const std::string& what, bool inside, Counts counts) {
  bool any = false;
  for (const ProcessLook& other : ask.look.processes)
    for (const Descriptor& held : other.descriptors)
      if (counts(held.object, held.reads, held.writes)) {
        ask.by(other.pid, held.fd);
        any = true;
      }
  for (const Outsider& outsider : ask.look.outsiders)
    if (outsider.fd >= 0 && counts(outsider.object, outsider.reads, outsider.writes)) {
      any = true;
      if (!ask.silent(outsider.pid))
        ask.open(named(outsider) + ", which is outside of the tree, holds " + what);
    }
  beware_of_unseen(ask, what, inside);
  return any;
}

void ends_of_pipe(const Question& ask, const Wish& wish) {
  const bool any = add_holders(ask, "the other end of the pipe at its " + through(wish),
                               made_inside(ask.look, wish.object, wish.object),
                               [&](const Object& object, bool reads, bool writes) {
                                 return object == wish.object &&
                                        ((wish.reads && writes) || (wish.writes && reads));
                               });
  if (!any) ask.unclear("nobody is seen to hold the other end of its " + through(wish));
}

void ends_of_socket(const Question& ask, const Wish& wish) {
  if (wish.listening || wish.named) {
    if (!ask.world.names_are_private)
      ask.open(std::string("anybody may ") + (wish.listening ? "connect" : "send") + " to its " +
               through(wish));
    return;
  }
  bool peer_seen = false;
  add_holders(ask, "an end of the socket at its " + through(wish),
              made_inside(ask.look, wish.object, wish.peer), [&](const Object& object, bool, bool) {
                if (wish.peer.kind == Kind::none) return false;
                if (object.name == wish.peer.name) peer_seen = true;
                return object.name == wish.peer.name || object.name == wish.object.name;
              });
  if (!peer_seen) ask.unclear("nobody is seen to hold the other end of its " + through(wish));
}

void end_of_pidfd(const Question& ask, const Wish& wish) {
  const auto& all = ask.look.processes;
  const auto target = std::find_if(all.begin(), all.end(),
                                   [&](const ProcessLook& p) { return p.pid == wish.target; });
  if (wish.target <= 0 || (target != all.end() && target->dead))
    ask.unclear("the process that it watches has ended already");
  else if (target != all.end())
    ask.by(target->pid);
  else if (!ask.silent(wish.target))
    ask.open("process " + std::to_string(wish.target) + ", outside of the tree, may end");
}

void add_ends(const Question& ask, const Wish& wish);

void add_wish(const Question& ask, const Wish& wish) {
  if (!wish.not_understood.empty()) ask.unclear(through(wish) + ": " + wish.not_understood);
  if (wish.ready.value_or(false))
    ask.unclear("its " + through(wish) + " is ready: it is about to go on");
  if (wish.limited) ask.open("the socket at its " + through(wish) + " has a time limit of its own");
  if (wish.epoll >= 0) ask.by(ask.process.pid, wish.epoll);
  if (!ask.silent(wish.object) && !ask.silent(wish.peer)) return add_ends(ask, wish);
  // A promise of silence on it covers every process that could use it from outside.
  Ways inside;
  add_ends({ask.look, ask.process, ask.world, inside}, wish);
  for (const Waker& waker : inside.wakers) ask.ways.wakers.push_back(waker);
}

void add_ends(const Question& ask, const Wish& wish) {
  switch (wish.object.kind) {
    case Kind::pipe:
      return ends_of_pipe(ask, wish);
    case Kind::unix_socket:
      return ends_of_socket(ask, wish);
    case Kind::eventfd:
      if (!add_holders(ask, "the eventfd at its " + through(wish),
                       made_inside(ask.look, wish.object, wish.object),
                       [&](const Object& object, bool, bool) { return object == wish.object; }))
        ask.unclear("nobody is seen to hold its " + through(wish));
      return;
    case Kind::timerfd:
      if (wish.armed) ask.open("the timer at its " + through(wish) + " will fire");
      return ask.by(ask.process.pid, wish.fd);
    case Kind::pidfd:
      return end_of_pidfd(ask, wish);
    case Kind::terminal:
      return ask.open("somebody may type at the terminal of its " + through(wish));
    case Kind::fifo:
      return ask.open("anybody may open " + wish.object.name + ", its " + through(wish));
    case Kind::socket:
      return ask.open("something may come over the network to its " + through(wish));
    case Kind::signalfd:
      return ask.open("it waits for a signal at its " + through(wish));
    case Kind::none:
    case Kind::epoll:
    case Kind::io_uring:
    case Kind::file:
    case Kind::other:
      return ask.unclear("its " + through(wish) + " leads to " + wish.object.name +
                         ", of which nothing is known");
  }
}

void add_futex(const Question& ask, const FutexWait& futex) {
  if (!futex.shared) return ask.by(ask.process.pid);
  if (futex.path.starts_with("/SYSV") || futex.path.empty())
    return ask.unclear("it waits in memory that others may attach to");
  const bool drawn =
      std::any_of(std::begin(kDrawnNames), std::end(kDrawnNames),
                  [&](std::string_view start) { return futex.by_name.starts_with(start); });
  if (ask.world.silent_objects.contains(futex.path)) return;
  if (!futex.by_name.empty() && !drawn && !ask.world.names_are_private)
    ask.open("anybody may open " + futex.by_name + ", in which it waits");
  for (const ProcessLook& other : ask.look.processes)
    if (std::any_of(other.maps.begin(), other.maps.end(),
                    [&](const auto& map) { return map.device_inode == futex.device_inode; }))
      ask.by(other.pid);
  for (const Outsider& outsider : ask.look.outsiders)
    if ((outsider.device_inode == futex.device_inode || outsider.object.name == futex.path) &&
        !ask.silent(outsider.pid))
      ask.open(named(outsider) + ", which is outside of the tree, shares " + futex.path +
               ", in which it waits");
  // Mapped memory does not survive exec; only its descriptor does.
  const bool open_here = std::any_of(
      ask.look.processes.begin(), ask.look.processes.end(), [&](const ProcessLook& other) {
        return std::any_of(other.descriptors.begin(), other.descriptors.end(),
                           [&](const auto& held) { return held.object.name == futex.path; });
      });
  beware_of_unseen(ask, "the memory in which it waits",
                   !open_here || made_inside(ask.look, {Kind::file, futex.path}, {}));
}

void add_children(const Question& ask, const Wait& wait) {
  bool any = false;
  for (const ProcessLook& other : ask.look.processes) {
    const bool ours = other.parent == ask.process.pid || other.tracer == ask.process.pid;
    const bool in_group =
        wait.child == 0 ? other.group == ask.process.group : other.inner_group == -wait.child;
    const pid_t number = wait.by_handle ? other.pid : other.inner;
    const bool meant = wait.child == -1 || number == wait.child || (wait.child < 1 && in_group);
    if (!ours || !meant) continue;
    any = true;
    ask.by(other.pid);
    if (other.dead)
      ask.unclear("its child " + std::to_string(other.pid) + " has ended: it is about to go on");
  }
  if (!any) ask.unclear("it waits for a child that cannot be seen");
}

void add_lock_holders(const Question& ask, const Wait& wait) {
  add_holders(ask, "the file that it wants to lock",
              made_inside(ask.look, wait.locked, wait.locked),
              [&](const Object& object, bool, bool) { return object == wait.locked; });
  for (const FileLock& lock : ask.look.locks) {
    const auto& all = ask.look.processes;
    if (lock.waits || lock.pid <= 0 || lock.inode != wait.locked_inode) continue;
    if (std::any_of(all.begin(), all.end(), [&](const auto& p) { return p.pid == lock.pid; }))
      ask.by(lock.pid);
    else if (!ask.silent(lock.pid))
      ask.open("process " + std::to_string(lock.pid) +
               ", outside of the tree, may hold the lock that it wants");
  }
}

}  // namespace

Ways ways_out(const Look& look, const ProcessLook& process, const ThreadLook& thread,
              const ClosedWorld& world) {
  Ways ways;
  const Question ask{look, process, world, ways};
  const Wait& wait = thread.wait;
  switch (wait.kind) {
    case Wait::Kind::descriptors:
      for (const Wish& wish : wait.wishes) add_wish(ask, wish);
      break;
    case Wait::Kind::futex:
      add_futex(ask, wait.futex);
      break;
    case Wait::Kind::children:
      add_children(ask, wait);
      break;
    case Wait::Kind::file_lock:
      add_lock_holders(ask, wait);
      break;
    case Wait::Kind::signal:
      if (!world.no_signals) ask.open("it waits for a signal");
      for (const ProcessLook& other : look.processes) ask.by(other.pid);  // any process may send it
      for (const Wish& wish : wait.wishes) add_wish(ask, wish);           // ppoll waits for either
      break;
    case Wait::Kind::sleep:
      ask.open("it sleeps");
      break;
    case Wait::Kind::running:
    case Wait::Kind::unknown:
      ask.unclear(wait.not_understood);
      break;
  }
  std::sort(ways.wakers.begin(), ways.wakers.end());
  ways.wakers.erase(std::unique(ways.wakers.begin(), ways.wakers.end()), ways.wakers.end());
  return ways;
}

}  // namespace poolproof::hang
