#include "fuzz/soak/pools.h"

#include <utility>

namespace poolproof::fuzz::soak {

Pools::Pools(ExecutorOptions options)
    : options_(std::move(options)), now_(std::make_shared<Executor>(options_)) {}

std::shared_ptr<Executor> Pools::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

void Pools::replace(const std::shared_ptr<Executor>& ended) {
  {
    const std::lock_guard lock(mutex_);
    if (now_ != ended) return;
    try {
      now_ = std::make_shared<Executor>(options_);
    } catch (const SpawnError&) {
      return;  // impossible now: the next caller that meets the ended one tries again
    }
    ++replaced_;
  }
  count(*ended);
}

void Pools::shut_down() { count(*now()); }

std::uint64_t Pools::replaced() const {
  const std::lock_guard lock(mutex_);
  return replaced_;
}

Health Pools::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void Pools::count(Executor& ended) {
  ended.shutdown();
  const Health last = ended.health();
  const std::lock_guard lock(mutex_);
  health_.spawned += last.spawned;
  health_.spawn_failures += last.spawn_failures;
  health_.requeued += last.requeued;
  for (const auto& [cause, times] : last.ended) health_.ended[cause] += times;
}

}  // namespace poolproof::fuzz::soak
