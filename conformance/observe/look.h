// A look at a process tree, from outside: who waits in which call, for what, and who holds the
// other end. Plain comparable data; `look_at` fills it in from /proc without touching what it looks
// at. The prover (prove.h) reads two of them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace poolproof::hang {

// What a descriptor leads to. Two descriptors with equal objects lead to the same thing.
struct Object {
  enum class Kind {
    none,
    pipe,
    fifo,  // a pipe with a name: anybody may open it
    unix_socket,
    socket,  // of a network, or one whose kind could not be told
    eventfd,
    timerfd,
    epoll,
    pidfd,
    signalfd,
    terminal,
    io_uring,
    file,
    other,
  };
  Kind kind = Kind::none;
  std::string name;  // as the kernel says it: "pipe:[8891]", "eventfd:20", "/tmp/x (deleted)"

  auto operator<=>(const Object&) const = default;
};

struct EpollMember {
  int fd = -1;  // as it was numbered by whoever added it
  std::uint32_t events = 0;
  std::uint64_t inode = 0;

  bool operator==(const EpollMember&) const = default;
};

struct Descriptor {
  int fd = -1;
  Object object;
  bool reads = false;  // its access mode
  bool writes = false;
  bool kept_at_exec = false;        // no O_CLOEXEC
  bool signals_when_ready = false;  // O_ASYNC: the kernel sends a signal when something comes
  std::uint64_t inode = 0;
  bool armed = false;            // timerfd: it will fire
  pid_t target = 0;              // pidfd: whose; -1: already gone
  int descriptors_in_queue = 0;  // unix socket: sent to it, and not received yet
  std::vector<EpollMember> members;

  bool operator==(const Descriptor&) const = default;
};

// Memory that several processes may map: what a futex in it is known by.
struct SharedMap {
  std::uint64_t begin = 0, end = 0, offset = 0;
  std::string device_inode;  // "00:01 1037"
  std::string path;          // "/dev/shm/sem.x (deleted)"

  bool operator==(const SharedMap&) const = default;
};

// One thing that would end a wait on descriptors: this one becomes readable, or writable.
struct Wish {
  int fd = -1;
  bool in = false, out = false;
  bool reads = false, writes = false;  // the access mode of the descriptor
  Object object{};
  Object peer{};                 // a unix socket's other end
  bool listening = false;        // a unix socket that waits for somebody to connect
  bool named = false;            // a datagram socket that anybody may send to
  bool whole = false;            // what is read from it comes in whole messages, never by half
  bool armed = false;            // timerfd
  pid_t target = 0;              // pidfd
  int epoll = -1;                // it is watched through this epoll descriptor
  bool limited = false;          // SO_RCVTIMEO or SO_SNDTIMEO ends the call by itself
  std::optional<bool> ready{};   // it is so already (empty: could not be asked)
  std::optional<int> queued{};   // bytes that wait in it
  std::string not_understood{};  // why nothing can be said of it

  bool operator==(const Wish&) const = default;
};

struct FutexWait {
  std::uint64_t address = 0;
  std::uint32_t expected = 0;
  std::optional<std::uint32_t> word;  // what stands there now
  bool shared = false;                // across processes, by what is mapped there
  std::string device_inode;           // shared: of the mapping; empty: memory of this process alone
  std::string path;                   // as it was mapped; the file may have other names
  std::string by_name;                // a name by which others may open it; empty: it has none
  std::uint64_t offset = 0;
  std::optional<pid_t> owner;  // it looks like a mutex of glibc: the thread, by its inner number
  bool owner_lives = false;
  bool semaphore = false;  // it looks like a semaphore of glibc: it has no owner

  bool operator==(const FutexWait&) const = default;
};

struct Wait {
  enum class Kind { running, descriptors, futex, children, file_lock, sleep, signal, unknown };
  Kind kind = Kind::unknown;
  std::string call{};                              // "read", "futex", ...
  bool timed = false;                              // it ends by itself
  std::optional<std::chrono::nanoseconds> left{};  // of a timed one, where it can be told
  std::vector<Wish> wishes{};                      // descriptors: any of them ends it
  std::optional<std::uint64_t> bytes{};            // how many a read asks for
  FutexWait futex{};
  pid_t child = 0;  // children: > 0 this one, -1 any, else any of the group -child (0: its own)
  bool by_handle = false;  // the child is told by a pidfd, and so by the number that we know it by
  Object locked{};         // file_lock: the file
  std::uint64_t locked_inode = 0;
  std::string not_understood{};

  // Two looks saw the same wait: what runs down by itself does not count.
  bool same_as(const Wait& other) const;
  bool operator==(const Wait&) const = default;
};

// What changes whenever a thread does anything at all.
struct Sample {
  char state = '?';  // as in /proc/PID/stat
  std::uint64_t run_ns = 0, turns = 0, switches = 0;

  bool operator==(const Sample&) const = default;
};

struct ThreadLook {
  pid_t tid = 0;
  pid_t inner = 0;  // its number in its own PID namespace, which is what locks in memory hold
  std::string name;
  Sample before, after;       // at the begin and at the end of the look
  bool signal_comes = false;  // one is pending that is not blocked
  bool alarm_open = false;    // SIGALRM is not blocked
  Wait wait;

  bool operator==(const ThreadLook&) const = default;
};

struct ProcessLook {
  pid_t pid = 0, parent = 0, group = 0;
  pid_t inner = 0, inner_group = 0;  // in its own PID namespace, where it and its parent speak so
  std::uint64_t start = 0;           // with the pid: its identity
  std::string name;                  // its command line, shortened
  bool dead = false;                 // a zombie: only its exit status is left
  int exit_status = 0;               // of a dead one, as of waitpid
  std::string unseen;                // why we may not look into it; empty: we did
  pid_t tracer = 0;
  bool alarm_caught = false, alarm_ignored = false;
  bool timers = false;         // it has timers of timer_create
  bool works_alone = false;    // the kernel may work for it while it sleeps (io_uring, aio)
  bool foreign_calls = false;  // a 32-bit program: its calls have other numbers
  std::vector<ThreadLook> threads;
  std::vector<Descriptor> descriptors;
  std::vector<SharedMap> maps;  // those that can be shared

  bool operator==(const ProcessLook&) const = default;
};

// A process outside of the tree that holds something the tree waits for.
struct Outsider {
  pid_t pid = 0;
  std::string name;
  int fd = -1;  // -1: it has it mapped
  Object object;
  std::string device_inode;  // of a mapping
  bool reads = false, writes = false;

  bool operator==(const Outsider&) const = default;
};

struct FileLock {
  pid_t pid = 0;  // -1: of an open file, not of a process
  bool waits = false;
  std::uint64_t inode = 0;

  bool operator==(const FileLock&) const = default;
};

struct Look {
  std::vector<ProcessLook> processes;  // the tree, parents first
  std::vector<Outsider> outsiders;
  // Processes that we may not look into: those that may have been started in the tree, and may hold
  // anything of it; and those of its ancestry, which may hold what it was given when it started.
  std::vector<std::string> unseen_kin, unseen_elders;
  bool unseen_strangers = false;  // others that we may not look into
  std::vector<FileLock> locks;
  std::optional<bool> interval_timers;  // setitimer or alarm is armed somewhere on this machine;
                                        // empty: only root may know
  std::chrono::nanoseconds took{};

  bool operator==(const Look&) const = default;
};

// Whom to look at: `root` and all its descendants. With `holders`, so many generations at the top
// only hold the others, and are no part of the tree: of a cage, its guard and its keeper. So does a
// child of theirs that traces others of the tree.
struct Tree {
  pid_t root = 0;
  int holders = 0;
};

// Of a tree without holders, also those of its session that lost their parent since (they may have
// been its descendants, and what holds for more holds for it); a keeper takes them over. A tree
// that is gone is a look without processes. Never throws for what it may not see: that is said in
// the look. Costs about 0.3 ms a process.
Look look_at(const Tree& wanted);

}  // namespace poolproof::hang
