// A simulated operating system for tests. Time is virtual. The test decides what workers send and
// when they exit. Nothing here waits for real time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "executor/os/os.h"
#include "executor/transport/frame.h"

namespace poolproof::supervise {

class FakeOs : public os::Os {
 public:
  struct Worker {
    int pid = 0;
    int index = 0;
    os::WorkerSettings settings;
    Bytes errors;                           // written to stderr, if that is kept
    Bytes said;                             // on its way to the parent
    transport::FrameParser heard{1 << 20};  // what the parent wrote
    bool hung_up = false;                   // its end is closed
    bool refuses_writes = false;            // only for what the parent writes
    bool full = false;                      // takes no bytes now
    static constexpr std::size_t kEverything = static_cast<std::size_t>(-1);
    std::size_t room = kEverything;  // takes so many bytes, and then no more
    bool frozen = false;
    bool killed = false;
    bool without_lifeline = false;  // closing its lifeline does not kill it
    bool ended = false;             // the handle is readable
    bool traced = false;            // ended, but the record is not there yet
    ExitStatus exit;
    int reaped = 0;
    bool abandoned = false;
    std::optional<std::uint64_t> own_memory_kills;  // counted in its own cgroup
    bool stays = false;                             // something in its cgroup cannot die yet
    int clearings = 0;                              // attempts to remove the cgroup
  };

  std::optional<std::uint64_t> memory_kills;      // out-of-memory kills that the kernel has counted
  std::size_t room_of_new = Worker::kEverything;  // for workers that are spawned from now on
  bool no_lifelines = false;                      // for those workers, too
  bool no_threads = false;                        // no thread can be started now

  std::uint64_t rights_now = 1;                 // of the program
  std::uint64_t rights_after_spawn = 0;         // they become these during the next; 0: they stay
  int rights_asked = 0;                         // so often
  std::optional<os::SysError> kills_fail_with;  // then only the lifeline is left
  std::optional<os::SysError> waits_fail_with;

  std::function<void()> before_reap;  // called after the handle was seen to be readable

  // Calls for the test. `n` counts spawns from 0.
  Worker& worker(std::size_t n) { return workers_.at(n); }
  std::size_t spawned() const { return workers_.size(); }
  void say(std::size_t n, transport::FrameKind kind, TaskId task = 0, Bytes payload = {});
  void say_bytes(std::size_t n, std::span<const std::byte> bytes);
  // The next message that worker `n` was sent, except tallies; nullopt if there is none.
  std::optional<transport::Frame> heard(std::size_t n);
  void end(std::size_t n, ExitStatus exit);
  void fail_next_spawn(os::SysError error) { spawn_errors_.push_back(error); }
  void advance(std::chrono::nanoseconds by) { now_ += by; }
  void lose_descriptors() { lost_ = true; }
  // Acts as if the program had closed the channel, and opened another file under its number.
  void steal_channel(std::size_t n) { stolen_.insert(kFirst + 3 * static_cast<int>(n)); }
  void steal_handle(std::size_t n) { stolen_.insert(kFirst + 3 * static_cast<int>(n) + 1); }
  void steal_errors(std::size_t n) { stolen_.insert(kFirst + 3 * static_cast<int>(n) + 2); }
  void steal_bell() { stolen_.insert(kBell); }
  void close_write_end() { write_end_closed_ = true; }
  // Provides the record of a traced worker. Returns once the bell has rung for it.
  void release_record(std::size_t n);

  bool is_ringing() const { return ringing_; }
  bool quiet() const {
    return quiet_;
  }  // the last wait found no event and no deadline that has passed
  std::optional<os::Instant> woke_until() const { return until_; }  // the last wait's limit
  int waits() const { return waits_; }
  std::size_t open_descriptors() const { return open_.size(); }

  os::Instant now() override { return now_; }
  std::variant<os::Child, os::SysError> spawn_worker(int index,
                                                     const os::WorkerSettings& settings) override;
  std::optional<os::SysError> kill(os::Child& child) override;
  std::uint64_t rights() override {
    ++rights_asked;
    return rights_now;
  }
  std::optional<std::uint64_t> out_of_memory_kills() override { return memory_kills; }
  std::optional<std::uint64_t> own_out_of_memory_kills(const os::Child& child) override {
    return of(child.channel).own_memory_kills;
  }
  bool clear_away(const os::Child& child) override {
    ++of(child.channel).clearings;
    return !of(child.channel).stays;
  }
  bool is_frozen(const os::Child& child) override { return of(child.channel).frozen; }
  std::optional<std::thread> start_thread(const char* name, std::function<void()> body) override {
    return no_threads ? std::nullopt : Os::start_thread(name, std::move(body));
  }
  std::optional<ExitStatus> try_reap(const os::Child& child) override;
  ExitStatus reap(const os::Child& child) override;
  os::IoResult read(int fd, std::span<std::byte> into) override;
  os::IoResult write(int channel, std::array<std::span<const std::byte>, 2> parts) override;
  std::size_t unread(int channel) override { return of(channel).said.size(); }
  void close(int fd) override;
  std::uint64_t identity(int fd) override { return stolen_.contains(fd) ? 1 : 2; }
  void abandon(const os::Child& child) override { of(child.channel).abandoned = true; }
  std::variant<os::Bell, os::SysError> open_bell() override;
  void ring(const os::Bell& bell) override;
  void drain(const os::Bell& bell) override;
  std::optional<os::SysError> wait(std::span<os::Watch> watches,
                                   std::optional<os::Instant> until) override;

 private:
  Worker& of(int fd) { return workers_.at(static_cast<std::size_t>((fd - kFirst) / 3)); }
  bool is_channel(int fd) const { return fd >= kFirst && (fd - kFirst) % 3 == 0; }

  static constexpr int kBell = 10;
  bool is_errors(int fd) const { return fd >= kFirst && (fd - kFirst) % 3 == 2; }
  static constexpr int kFirst = 100;  // worker n: channel kFirst + 3n, then handle, then errors

  os::Instant now_ = os::Instant() + std::chrono::hours(1);
  std::deque<Worker> workers_;
  std::deque<os::SysError> spawn_errors_;
  std::multiset<int> open_;
  bool quiet_ = false;
  bool lost_ = false;
  bool write_end_closed_ = false;
  std::set<int> stolen_;
  std::optional<os::Instant> until_;
  int waits_ = 0;

  std::mutex mutex_;  // guards the bell, and the records that threads wait for
  std::condition_variable changed_;
  bool ringing_ = false;
};

}  // namespace poolproof::supervise
