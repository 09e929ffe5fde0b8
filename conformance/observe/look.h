// A look at a process tree from outside: which thread waits in which call, for what, and which
// processes hold the other end. Plain comparable data. `look_at` reads it from /proc without
// touching the processes. The prover (prove.h) reads two looks.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace poolproof::hang {

// What a descriptor refers to. Two descriptors with equal objects refer to the same thing.
struct Object {
  enum class Kind {
    none,
    pipe,
    fifo,  // a pipe with a name: any process may open it
    unix_socket,
    socket,  // a network socket, or a socket whose kind is unknown
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
  std::string name;  // as the kernel writes it: "pipe:[8891]", "eventfd:20", "/tmp/x (deleted)"

  auto operator<=>(const Object&) const = default;
};

struct EpollMember {
  int fd = -1;  // the number that it had when it was added
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
  bool signals_when_ready = false;  // O_ASYNC: the kernel sends a signal when something arrives
  std::uint64_t inode = 0;
  bool armed = false;            // timerfd: it will fire
  pid_t target = 0;              // pidfd: its process; -1: already gone
  int descriptors_in_queue = 0;  // unix socket: descriptors sent to it and not yet received
  std::vector<EpollMember> members;

  bool operator==(const Descriptor&) const = default;
};

// Memory that several processes may map: identifies a futex in it.
struct SharedMap {
  std::uint64_t begin = 0, end = 0, offset = 0;
  std::string device_inode;  // "00:01 1037"
  std::string path;          // "/dev/shm/sem.x (deleted)"

  bool operator==(const SharedMap&) const = default;
};

// One event that would end a wait on descriptors: this descriptor becomes readable, or writable.
struct Wish {
  int fd = -1;
  bool in = false, out = false;
  bool reads = false, writes = false;  // the access mode of the descriptor
  Object object{};
  Object peer{};                 // the other end of a unix socket
  bool listening = false;        // a unix socket that waits for a connection
  bool named = false;            // a datagram socket to which any process may send
  bool whole = false;            // it delivers whole messages, never a part
  bool armed = false;            // timerfd
  pid_t target = 0;              // pidfd: its process
  int epoll = -1;                // it is watched through this epoll descriptor
  bool limited = false;          // SO_RCVTIMEO or SO_SNDTIMEO ends the call by itself
  std::optional<bool> ready{};   // whether it is already so; nullopt: could not be asked
  std::optional<int> queued{};   // bytes that wait in it
  std::string not_understood{};  // why nothing can be said about it

  bool operator==(const Wish&) const = default;
};

struct FutexWait {
  std::uint64_t address = 0;
  std::uint32_t expected = 0;
  std::optional<std::uint32_t> word;  // the value there now
  bool shared = false;                // shared between processes, identified by the mapping
  std::string device_inode;           // shared: of the mapping; empty: memory of this process alone
  std::string path;                   // as it was mapped; the file may have other names
  std::string by_name;                // a name by which others may open it; empty: none
  std::uint64_t offset = 0;
  std::optional<pid_t> owner;  // if it looks like a mutex of glibc: the owner's inner tid
  bool owner_lives = false;
  bool semaphore = false;  // if it looks like a semaphore of glibc: it has no owner

  bool operator==(const FutexWait&) const = default;
};

struct Wait {
  enum class Kind { running, descriptors, futex, children, file_lock, sleep, signal, unknown };
  Kind kind = Kind::unknown;
  std::string call{};                              // "read", "futex", ...
  bool timed = false;                              // it ends by itself
  std::optional<std::chrono::nanoseconds> left{};  // for a timed wait, if it is known
  std::vector<Wish> wishes{};                      // for descriptors: any of them ends the wait
  std::optional<std::uint64_t> bytes{};            // how many a read asks for
  FutexWait futex{};
  pid_t child = 0;  // for children: > 0 this one, -1 any, else any of the group -child (0: its own)
  bool by_handle = false;  // the child is given by a pidfd, so by the pid that we know
  Object locked{};         // for file_lock: the file
  std::uint64_t locked_inode = 0;
  std::string not_understood{};

  // Whether two looks saw the same wait; the remaining time is ignored.
  bool same_as(const Wait& other) const;
  bool operator==(const Wait&) const = default;
};

// Values that change whenever a thread does anything.
struct Sample {
  char state = '?';  // as in /proc/PID/stat
  std::uint64_t run_ns = 0, turns = 0, switches = 0;

  bool operator==(const Sample&) const = default;
};

struct ThreadLook {
  pid_t tid = 0;
  pid_t inner = 0;  // its tid in its own PID namespace; locks in memory hold this number
  std::string name;
  Sample before, after;       // at the beginning and at the end of the look
  bool signal_comes = false;  // an unblocked signal is pending
  bool alarm_open = false;    // SIGALRM is not blocked
  Wait wait;

  bool operator==(const ThreadLook&) const = default;
};

struct ProcessLook {
  pid_t pid = 0, parent = 0, group = 0;
  // In its own PID namespace, if it and its parent use those pids.
  pid_t inner = 0, inner_group = 0;
  std::uint64_t start = 0;  // together with the pid, its identity
  std::string name;         // its command line, shortened
  bool dead = false;        // a zombie: only its exit status is left
  int exit_status = 0;      // for a dead one, as from waitpid
  std::string unseen;       // why we may not look into it; empty: we may
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

// A process outside the tree that holds something that the tree waits for.
struct Outsider {
  pid_t pid = 0;
  std::string name;
  int fd = -1;  // -1: it has it mapped
  Object object;
  std::string device_inode;  // for a mapping
  bool reads = false, writes = false;

  bool operator==(const Outsider&) const = default;
};

struct FileLock {
  pid_t pid = 0;  // -1: the lock belongs to an open file, not to a process
  bool waits = false;
  std::uint64_t inode = 0;

  bool operator==(const FileLock&) const = default;
};

struct Look {
  std::vector<ProcessLook> processes;  // the tree, parents first
  std::vector<Outsider> outsiders;
  // Processes that we may not look into. Kin may have been started in the tree, and may hold
  // anything of it. Elders are ancestors of the tree, and may hold what the tree got at its start.
  std::vector<std::string> unseen_kin, unseen_elders;
  bool unseen_strangers = false;  // there are others that we may not look into
  std::vector<FileLock> locks;
  std::optional<bool> interval_timers;  // setitimer or alarm is set somewhere on this machine;
                                        // nullopt: only root may know
  std::chrono::nanoseconds took{};

  bool operator==(const Look&) const = default;
};

// Which processes to look at: `root` and all its descendants. With `holders`, so many generations
// at the top only hold the others and are not part of the tree: for a cage, its guard and its
// keeper. The same is true for a child of theirs that traces others of the tree.
struct Tree {
  pid_t root = 0;
  int holders = 0;
};

// For a tree without holders, also the processes of its session that have lost their parent: they
// may have been its descendants. (In a cage, the keeper becomes their parent.) If the tree is gone,
// the look has no processes. Never throws because it may not see something: the look itself reports
// that. Costs about 0.3 ms for each process.
Look look_at(const Tree& wanted);

}  // namespace poolproof::hang
