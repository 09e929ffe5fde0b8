// A simulated operating system: virtual time, processes whose programs the simulation runs
// (program.h), and descriptors; every use of a descriptor is checked. Fast: it waits for nothing.
//
// The supervisor's thread is the simulation's own. Only a late reaper, which the loop starts as a
// real thread, calls `reap`, `identity` and `ring` from another thread. release() waits until the
// late reaper is done, so that a history does not depend on when that thread runs.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "fuzz/simulation/judge.h"

namespace poolproof::simulation {

class Kernel final : public os::Os {
 public:
  Kernel(Facts& facts, Judge& judge) : facts_(facts), judge_(judge) {}

  // The last wait found nothing: the supervisor sleeps until something wakes it.
  bool asleep() const { return asleep_; }
  bool would_wake();
  void wake() { slept_ = std::exchange(asleep_, false); }
  std::optional<Instant> until() const { return until_; }
  std::function<void()> in_drain;        // what another thread does at that moment
  bool rights_change_in_drain = false;   // in the next
  int fail_spawns = 0, pass_spawns = 0;  // how many of the next ones, after how many others
  bool no_threads = false;               // no thread can be started now
  void fail_sleeps(bool all) { failing_sleeps_ = all ? kAll : 1; }
  bool sleeps_fail() const { return failing_sleeps_ > 0 || facts_.sleep_failed; }

  // A worker's program writes; `honest`: in its own name. False: it can no longer be heard.
  bool carry(Process& process, std::span<const std::byte> bytes);
  void end(Process& process, ExitStatus exit);  // its channel is closed, its record comes later
  void show_record(Process& process);
  void release(Process& process);  // a late record
  void release_all();              // the same for all, without waiting
  void lose_all();                 // the program closes all descriptors ...
  void steal(int fd);              // ... or one, and opens another file under its number
  // Call it before the loop ends: time then passes by itself, and everything that is on its way
  // arrives.
  void let_time_pass() { passing_ = true; }
  void is_over();  // nothing may be open any more

  Instant now() override;
  std::variant<os::Child, os::SysError> spawn_worker(int index,
                                                     const os::WorkerSettings& settings) override;
  std::optional<os::SysError> kill(os::Child& child) override;
  std::uint64_t rights() override {  // a sleeping supervisor does not notice it
    return asleep_ ? facts_.rights_told : facts_.rights_told = facts_.rights;
  }
  std::optional<std::uint64_t> out_of_memory_kills() override { return facts_.memory_kills; }
  bool is_frozen(const os::Child& child) override { return of(child.handle).frozen; }
  std::optional<std::thread> start_thread(const char* name, std::function<void()> body) override;
  std::optional<ExitStatus> try_reap(const os::Child& child) override;
  ExitStatus reap(const os::Child& child) override;
  os::IoResult read(int fd, std::span<std::byte> into) override;
  os::IoResult write(int channel, std::array<std::span<const std::byte>, 2> parts) override;
  std::size_t unread(int channel) override;
  void close(int fd) override;
  std::uint64_t identity(int fd) override;
  void abandon(const os::Child& child) override;
  std::variant<os::Bell, os::SysError> open_bell() override {
    return os::Bell{kReadEnd, kWriteEnd};
  }
  void ring(const os::Bell& bell) override;
  void drain(const os::Bell& bell) override;
  std::optional<os::SysError> wait(std::span<os::Watch> watches,
                                   std::optional<Instant> until) override;

 private:
  enum class State : std::uint8_t { kNever, kOpen, kClosed, kForeign };
  static constexpr int kReadEnd = 0, kWriteEnd = 1;
  static constexpr int kFirst = 2;
  static constexpr int kEach = 4;  // worker n: channel kFirst + 4n, handle, lifeline, errors
  static constexpr int kAll = 1 << 30;

  Process& of(int fd) { return facts_.processes[static_cast<std::size_t>((fd - kFirst) / kEach)]; }
  void cut_lifeline(Process& process);
  void finish_dying();
  void acts(const char* what);
  bool uses(int fd, const char* what);
  bool answer(std::span<os::Watch> watches, bool since_asleep);
  void answer(os::Watch& watch, const Process& process) const;

  Facts& facts_;
  Judge& judge_;
  std::vector<State> fds_ = {State::kOpen, State::kOpen};
  std::vector<os::Watch> kept_;
  std::optional<Instant> until_;
  bool asleep_ = false, slept_ = false, passing_ = false;
  int failing_sleeps_ = 0;
  Process* asked_ = nullptr;  // whose record was requested last
  int calls_ = 0;             // of the clock since the last wait

  std::mutex mutex_;  // guards the members below against late reapers
  std::condition_variable changed_;
  bool ringing_ = false;
  std::map<int, ExitStatus> released_;  // by pid
  int through_ = 0;                     // late reapers that are done
  const std::thread::id home_ = std::this_thread::get_id();
};

}  // namespace poolproof::simulation
