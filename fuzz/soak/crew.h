// The threads that call the pool, and the thread that strikes its workers.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <vector>

#include "fuzz/soak/clerk.h"
#include "fuzz/soak/pools.h"

namespace poolproof::fuzz::soak {

using Random = std::mt19937_64;

// Deeds that the next tasks must do.
class Orders {
 public:
  void put(Deed deed);
  Deed take();  // kWork, if nothing was ordered

 private:
  std::mutex mutex_;
  std::deque<Deed> deeds_;
};

// Submits tasks of mixed sizes, and waits for them in several ways, until it is told to stop and
// all its futures have ended. If a future does not end in two minutes, it complains and stops.
class Caller {
 public:
  Caller(Pools& pools, Clerk& clerk, Orders& orders, std::uint64_t seed);
  void run(const std::atomic<bool>& stop);

 private:
  struct Sent {
    Serial task = 0;
    std::uint32_t result_bytes = 0;
    std::shared_ptr<Executor> pool = nullptr;
  };
  void send();
  Future<Payload> then_perhaps(Future<Payload> future);
  bool receive();  // at least one; false: none came
  void take(std::size_t at);

  Pools& pools_;
  Clerk& clerk_;
  Orders& orders_;
  Random random_;
  std::vector<Sent> sent_;
  std::vector<Future<Payload>> futures_;  // of the same order
};

// Every 20 ms it strikes a worker from outside, or orders a task that strikes its own worker. Only
// workers that have begun a task are struck: three that die before their first task end a pool, by
// design.
class Injector {
 public:
  Injector(Pools& pools, Clerk& clerk, Orders& orders, std::uint64_t seed);
  void run(const std::atomic<bool>& stop);  // leaves no worker frozen
  std::uint64_t ticks() const { return ticks_; }
  std::uint64_t idle_ticks() const { return idle_ticks_; }  // there was no worker to strike

 private:
  struct Later {
    Instant at = {};
    Identity worker = {};
    Blow blow = Blow::kThaw;
  };
  void tick();
  void freeze_the_hanging();
  void finish_frozen(Instant until);
  bool strike_somebody(Blow blow);

  Pools& pools_;
  Clerk& clerk_;
  Orders& orders_;
  Random random_;
  std::deque<Later> later_;
  std::vector<Identity> to_look_at_;  // frozen, and not yet seen to be stopped
  std::uint64_t ticks_ = 0, idle_ticks_ = 0;
};

}  // namespace poolproof::fuzz::soak
