// The executor of the moment. One that has ended, since the program could not start workers, is
// replaced by another, as a program would do.
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
  void replace(const std::shared_ptr<Executor>& ended);  // unless that has been done
  // Nobody calls any more: the end of the last one.
  void shut_down();

  std::uint64_t replaced() const;
  Health health() const;  // what is counted, of all that have ended

 private:
  void count(Executor& ended);

  const ExecutorOptions options_;
  mutable std::mutex mutex_;
  std::shared_ptr<Executor> now_;
  std::uint64_t replaced_ = 0;
  Health health_;
};

}  // namespace poolproof::fuzz::soak
