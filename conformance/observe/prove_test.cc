// The rules of the proof, one by one, on looks written by hand.
#include "conformance/observe/prove.h"

#include <gtest/gtest.h>

#include <functional>

namespace poolproof::hang {
namespace {

using Kind = Object::Kind;
using Standing = ThreadProof::Standing;

const Object kPipe{Kind::pipe, "pipe:[1]"};
const Object kOurs{Kind::unix_socket, "socket:[7]"};
const Object kTheirs{Kind::unix_socket, "socket:[8]"};

Wait reads(int fd, const Object& object) {
  Wait wait{.kind = Wait::Kind::descriptors};
  wait.call = "read";
  Wish wish{.fd = fd, .in = true, .reads = true};
  wish.object = object;
  wait.wishes = {wish};
  return wait;
}

Wait waits_in_memory() {
  Wait wait{.kind = Wait::Kind::futex};
  wait.call = "futex";
  return wait;
}

ThreadLook thread(pid_t tid, Wait wait) {
  ThreadLook look;
  look.tid = tid;
  look.before = look.after = {'S', 1000, 10, 5};
  look.wait = std::move(wait);
  return look;
}

ProcessLook process(pid_t pid, pid_t parent, std::vector<ThreadLook> threads) {
  ProcessLook look;
  look.pid = pid;
  look.parent = parent;
  look.start = 42;
  look.inner = pid;
  look.threads = std::move(threads);
  return look;
}

Descriptor descriptor(int fd, const Object& object, bool reads, bool writes) {
  Descriptor held;
  held.fd = fd;
  held.object = object;
  held.reads = reads;
  held.writes = writes;
  return held;
}

// Process 10 reads a pipe. Its child 11 holds the write end, and waits in its own memory.
Look reader_and_holder() {
  Look look;
  look.processes = {process(10, 1, {thread(10, reads(3, kPipe))}),
                    process(11, 10, {thread(11, waits_in_memory())})};
  look.processes[0].descriptors = {descriptor(3, kPipe, true, false)};
  look.processes[1].descriptors = {descriptor(4, kPipe, false, true)};
  look.interval_timers = false;
  return look;
}

Proof prove_both(const Look& look, const ClosedWorld& world = {}) {
  return prove(look, look, world);
}

TEST(Proof, holds_when_each_waits_for_another) {
  const Proof proof = prove_both(reader_and_holder());
  EXPECT_EQ(proof.verdict, Verdict::hung) << proof.reason;
  EXPECT_EQ(proof.threads[0].wakers, (std::vector<Waker>{{11, 4}}));
  EXPECT_EQ(proof.threads[1].wakers, (std::vector<Waker>{{11, -1}}));
}

struct Edit {
  const char* what;
  std::function<void(Look&)> edit;
  Verdict verdict;
};

// Each edit makes one difference from a hang, in both looks.
const std::vector<Edit>& edits() {
  static const std::vector<Edit> all = {
      {"a time limit", [](Look& l) { l.processes[1].threads[0].wait.timed = true; },
       Verdict::quiet},
      {"a sleep", [](Look& l) { l.processes[1].threads[0].wait.kind = Wait::Kind::sleep; },
       Verdict::quiet},
      {"a call that is not in the table",
       [](Look& l) { l.processes[1].threads[0].wait.kind = Wait::Kind::unknown; },
       Verdict::undecided},
      {"a wait for a signal",
       [](Look& l) { l.processes[1].threads[0].wait.kind = Wait::Kind::signal; }, Verdict::quiet},
      {"a signal on its way", [](Look& l) { l.processes[1].threads[0].signal_comes = true; },
       Verdict::undecided},
      {"SIGALRM caught", [](Look& l) { l.processes[0].alarm_caught = true; }, Verdict::quiet},
      {"timers", [](Look& l) { l.processes[0].timers = true; }, Verdict::quiet},
      {"an interval timer of somebody",
       [](Look& l) {
         l.interval_timers = true;
         l.processes[0].threads[0].alarm_open = true;
       },
       Verdict::quiet},
      {"an interval timer of somebody, and SIGALRM ignored",
       [](Look& l) {
         l.interval_timers = true;
         l.processes[0].threads[0].alarm_open = l.processes[0].alarm_ignored = true;
       },
       Verdict::hung},
      {"a descriptor that sends signals",
       [](Look& l) { l.processes[0].descriptors[0].signals_when_ready = true; }, Verdict::quiet},
      {"a process that we may not look into",
       [](Look& l) { l.processes[1].unseen = "Permission denied"; }, Verdict::undecided},
      {"a 32-bit program", [](Look& l) { l.processes[1].foreign_calls = true; },
       Verdict::undecided},
      {"io_uring", [](Look& l) { l.processes[1].works_alone = true; }, Verdict::undecided},
      {"a kin of the tree that we may not look into", [](Look& l) { l.unseen_kin = {"77 (sudo)"}; },
       Verdict::undecided},
      {"an elder that we may not look into, and that may have made the pipe",
       [](Look& l) {
         l.unseen_elders = {"77 (sshd)"};
         for (ProcessLook& one : l.processes) one.descriptors[0].kept_at_exec = true;
       },
       Verdict::undecided},
      {"such an elder, and a pipe that was made in the tree",
       [](Look& l) { l.unseen_elders = {"77 (sshd)"}; }, Verdict::hung},
      {"such an elder, and a pipe that is nobody's but stdio",
       [](Look& l) {
         l.unseen_elders = {"77 (sshd)"};
         l.processes[0].descriptors[0].fd = 0;
         l.processes[1].descriptors[0].fd = 1;
       },
       Verdict::undecided},
      {"an outsider with the write end",
       [](Look& l) {
         l.outsiders = {{99, "sh", 5, kPipe, "", false, true}};
       },
       Verdict::quiet},
      {"an outsider with the read end",
       [](Look& l) {
         l.outsiders = {{99, "sh", 5, kPipe, "", true, false}};
       },
       Verdict::hung},
      {"nobody seen with the write end", [](Look& l) { l.processes[1].descriptors.clear(); },
       Verdict::undecided},
      {"bytes in the pipe", [](Look& l) { l.processes[0].threads[0].wait.wishes[0].ready = true; },
       Verdict::undecided},
      {"a socket's own time limit",
       [](Look& l) { l.processes[0].threads[0].wait.wishes[0].limited = true; }, Verdict::quiet},
      {"a descriptor of which nothing is known",
       [](Look& l) { l.processes[0].threads[0].wait.wishes[0].object.kind = Kind::other; },
       Verdict::undecided},
      {"a terminal",
       [](Look& l) { l.processes[0].threads[0].wait.wishes[0].object.kind = Kind::terminal; },
       Verdict::quiet},
      {"a pipe with a name",
       [](Look& l) { l.processes[0].threads[0].wait.wishes[0].object.kind = Kind::fifo; },
       Verdict::quiet},
      {"the network",
       [](Look& l) { l.processes[0].threads[0].wait.wishes[0].object.kind = Kind::socket; },
       Verdict::quiet},
      {"a thread that is ready to run",
       [](Look& l) { l.processes[1].threads[0].after.state = 'R'; }, Verdict::busy},
      {"a stopped thread",
       [](Look& l) {
         auto& one = l.processes[1].threads[0];
         one.before.state = one.after.state = 'T';
       },
       Verdict::undecided},
      {"a thread that waits for a disk",
       [](Look& l) {
         auto& one = l.processes[1].threads[0];
         one.before.state = one.after.state = 'D';
       },
       Verdict::undecided},
      {"a thread that the kernel does not tell of",
       [](Look& l) { l.processes[1].threads[0].after.state = '?'; }, Verdict::undecided},
  };
  return all;
}

TEST(Proof, fails_for_any_way_out) {
  for (const Edit& one : edits()) {
    Look look = reader_and_holder();
    one.edit(look);
    const Proof proof = prove_both(look);
    EXPECT_EQ(proof.verdict, one.verdict) << one.what << ": " << proof.reason;
  }
}

// One thing changed between the looks.
TEST(Proof, fails_for_anything_that_moved_between_the_looks) {
  const std::vector<Edit> moves = {
      {"it ran", [](Look& l) { l.processes[0].threads[0].before.run_ns += 1; }, Verdict::busy},
      {"it had a turn", [](Look& l) { l.processes[0].threads[0].after.turns += 1; }, Verdict::busy},
      {"it was switched", [](Look& l) { l.processes[0].threads[0].after.switches += 1; },
       Verdict::busy},
      {"a process of the same number", [](Look& l) { l.processes[1].start += 1; }, Verdict::busy},
      {"a process more", [](Look& l) { l.processes.push_back(process(12, 10, {})); },
       Verdict::busy},
      {"a process less", [](Look& l) { l.processes.pop_back(); }, Verdict::busy},
      {"a death", [](Look& l) { l.processes[1].dead = true; }, Verdict::busy},
      {"a thread more",
       [](Look& l) { l.processes[0].threads.push_back(thread(13, waits_in_memory())); },
       Verdict::busy},
      {"another wait", [](Look& l) { l.processes[0].threads[0].wait.bytes = 7; },
       Verdict::undecided},
  };
  for (const Edit& one : moves) {
    const Look first = reader_and_holder();
    Look second = first;
    one.edit(second);
    EXPECT_EQ(prove(first, second, {}).verdict, one.verdict) << one.what;
    if (one.verdict == Verdict::busy) {
      EXPECT_EQ(prove(second, first, {}).verdict, one.verdict) << one.what << ", the other way";
    }
  }
}

TEST(Proof, counts_an_outsider_that_only_one_look_saw) {
  Look with = reader_and_holder();
  with.outsiders = {{99, "sh", 5, kPipe, "", false, true}};
  EXPECT_EQ(prove(with, reader_and_holder(), {}).verdict, Verdict::quiet);
  EXPECT_EQ(prove(reader_and_holder(), with, {}).verdict, Verdict::quiet);
}

TEST(Proof, spreads_hope_to_whoever_can_be_woken) {
  Look look = reader_and_holder();
  look.processes.push_back(process(12, 10, {thread(12, reads(0, {Kind::terminal, "/dev/tty"}))}));
  look.processes[2].descriptors = {descriptor(4, kPipe, false, true)};
  const Proof proof = prove_both(look);
  EXPECT_EQ(proof.verdict, Verdict::quiet);
  EXPECT_EQ(proof.threads[0].standing, Standing::waits);  // 12 may write to it
  EXPECT_EQ(proof.threads[1].standing, Standing::stuck);
  EXPECT_EQ(proof.threads[2].standing, Standing::open);
}

TEST(Proof, takes_a_promise_of_silence_for_what_it_says) {
  Look look = reader_and_holder();
  look.outsiders = {{99, "harness", 5, kPipe, "", false, true}};
  ClosedWorld object, holder, other;
  object.silent_objects = {kPipe.name};
  holder.silent_processes = {99};
  other.silent_processes = {98};
  EXPECT_EQ(prove_both(look, object).verdict, Verdict::hung);
  EXPECT_EQ(prove_both(look, holder).verdict, Verdict::hung);
  EXPECT_EQ(prove_both(look, other).verdict, Verdict::quiet);
  look.processes[1].threads[0].wait.timed = true;  // inside, silence was not promised
  EXPECT_EQ(prove_both(look, object).verdict, Verdict::quiet);
}

TEST(Proof, of_a_socket_asks_for_the_peer) {
  Look look = reader_and_holder();
  look.processes[0].threads[0].wait = reads(3, kOurs);
  look.processes[0].threads[0].wait.wishes[0].peer = kTheirs;
  look.processes[0].descriptors = {descriptor(3, {Kind::socket, kOurs.name}, true, true)};
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);  // no holder of the peer is seen
  look.processes[1].descriptors = {descriptor(4, {Kind::socket, kTheirs.name}, true, true)};
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  look.outsiders = {{99, "sh", 5, {Kind::socket, kTheirs.name}, "", true, true}};
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  ClosedWorld world;
  world.silent_objects = {kOurs.name};  // named by the tree's own end
  EXPECT_EQ(prove_both(look, world).verdict, Verdict::hung);
  look.outsiders.clear();
  look.processes[0].threads[0].wait.wishes[0].listening = true;
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);  // any process may connect
}

TEST(Proof, of_shared_memory_asks_for_all_who_share_it_or_know_its_name) {
  Look look = reader_and_holder();
  FutexWait& futex = look.processes[1].threads[0].wait.futex;
  futex.shared = true;
  futex.device_inode = "00:01 5";
  futex.path = "/dev/shm/sem.x (deleted)";
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  futex.by_name = "/dev/shm/sem.y";
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  ClosedWorld world;
  world.names_are_private = true;
  EXPECT_EQ(prove_both(look, world).verdict, Verdict::hung);
  futex.by_name = "/dev/shm/sem.mp-drawn_at_random";
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  look.outsiders = {{99, "sh", -1, {Kind::file, futex.path}, futex.device_inode, true, true}};
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  look.outsiders = {{99, "sh", 3, {Kind::file, futex.path}, "", true, true}};  // not mapped yet
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
}

TEST(Proof, of_a_parent_asks_for_its_children) {
  Look look = reader_and_holder();
  Wait& wait = look.processes[0].threads[0].wait;
  wait = {};
  wait.kind = Wait::Kind::children;
  wait.child = 11;
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  look.processes[1].dead = true;  // it is about to be reaped
  look.processes[1].threads.clear();
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);
  look.processes.pop_back();
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);
}

TEST(Proof, of_a_parent_in_a_pid_namespace_takes_its_numbers_for_what_they_mean_there) {
  Look look = reader_and_holder();
  Wait& wait = look.processes[0].threads[0].wait;
  wait = {};
  wait.kind = Wait::Kind::children;
  wait.child = 2;
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);  // it has no such child
  look.processes[1].inner = 2;
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  wait.by_handle = true;  // then it would be the number outside
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);
  wait.child = 11;
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
}

TEST(Proof, of_a_wait_for_a_signal_holds_only_where_nobody_outside_sends_one) {
  Look look = reader_and_holder();
  look.processes[1].threads[0].wait = {.kind = Wait::Kind::signal};
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  ClosedWorld nobody;
  nobody.no_signals = true;
  EXPECT_EQ(prove_both(look, nobody).verdict, Verdict::hung);
  look.interval_timers = true;  // of a signal that is blocked, as sigwait wants it
  look.processes[1].alarm_ignored = true;
  EXPECT_EQ(prove_both(look, nobody).verdict, Verdict::quiet);
  look.interval_timers = false;
  look.processes[0].threads[0].wait.timed = true;  // then it may send one
  EXPECT_EQ(prove_both(look, nobody).verdict, Verdict::quiet);
  look = reader_and_holder();  // ppoll: for a signal, or for what it polls
  look.processes[0].threads[0].wait.kind = Wait::Kind::signal;
  EXPECT_EQ(prove_both(look, nobody).verdict, Verdict::hung);
  look.processes[0].threads[0].wait.wishes[0].object = {Kind::socket, "socket:[9]"};
  EXPECT_EQ(prove_both(look, nobody).verdict, Verdict::quiet);
}

TEST(Proof, of_a_pidfd_asks_for_its_process) {
  Look look = reader_and_holder();
  look.processes[0].threads[0].wait = reads(3, {Kind::pidfd, "anon_inode:[pidfd]"});
  Wish& wish = look.processes[0].threads[0].wait.wishes[0];
  wish.target = 11;
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  wish.target = 99;
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  wish.target = -1;
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);
}

TEST(Proof, of_a_file_lock_asks_for_its_holders) {
  Look look = reader_and_holder();
  Wait& wait = look.processes[0].threads[0].wait;
  wait = {};
  wait.kind = Wait::Kind::file_lock;
  wait.locked = {Kind::file, "/tmp/x"};
  wait.locked_inode = 5;
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
  look.locks = {{99, false, 5}};
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  look.locks = {{99, true, 5}, {99, false, 6}};  // it waits too, or holds another
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);
}

TEST(Proof, of_what_an_alarm_could_end_takes_root_or_a_promise) {
  Look look = reader_and_holder();
  look.processes[1].threads[0].alarm_open = true;
  EXPECT_EQ(prove_both(look).verdict, Verdict::hung);  // none is set on the whole machine
  look.interval_timers.reset();
  EXPECT_EQ(prove_both(look).verdict, Verdict::undecided);
  ClosedWorld world;
  world.no_alarms = true;
  EXPECT_EQ(prove_both(look, world).verdict, Verdict::hung);
  look.interval_timers = true;
  EXPECT_EQ(prove_both(look).verdict, Verdict::quiet);
  EXPECT_EQ(prove_both(look, world).verdict, Verdict::hung);
}

TEST(Proof, says_what_it_rests_on) {
  Look look = reader_and_holder();
  look.unseen_strangers = true;
  look.processes[0].tracer = 55;
  ClosedWorld world;
  world.no_alarms = true;
  const Proof proof = prove_both(look, world);
  EXPECT_EQ(proof.verdict, Verdict::hung);
  EXPECT_EQ(proof.provided.size(), 4U);  // no signal, no alarm, no stranger, and the tracer
}

}  // namespace
}  // namespace poolproof::hang
