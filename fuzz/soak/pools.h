// The current executor. If one has ended because the program could not start workers, another one
// replaces it, as a program would do.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "poolproof/executor.h"

namespace poolproof::fuzz::soak {

class Pools {
 public:
  explicit Pools(ExecutorOptions options);
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;

  // Any thread.
  std::shared_ptr<Executor> now() const;
  void replace(const std::shared_ptr<Executor>& ended);  // unless that was already done
  // Call it when no other thread calls any more: ends the last executor.
  void shut_down();

  std::uint64_t replaced() const;
  Health health() const;  // the sum of the counters of all that have ended

 private:
  void count(Executor& ended);

  const ExecutorOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<Executor> now_;
  std::uint64_t replaced_ = 0;
  Health health_;
};

}  // namespace poolproof::fuzz::soak
