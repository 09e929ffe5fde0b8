#include "fuzz/soak/crew.h"

#include <algorithm>
#include <cereal/types/vector.hpp>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include "poolproof/wait.h"

namespace poolproof::fuzz::soak {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWindow = 6;
constexpr auto kLong = 120s;
constexpr auto kTick = 20ms;

std::uint64_t below(Random& random, std::uint64_t bound) { return random() % bound; }

// Most are small, some large, one in 256 has 4 MiB.
std::uint32_t some_size(Random& random) {
  if (below(random, 256) == 0) return 4 << 20;
  return static_cast<std::uint32_t>(below(random, std::uint64_t{1} << below(random, 18)));
}

Outcome outcome_of(Future<Payload>& future, Serial task, std::uint32_t result_bytes) {
  Outcome outcome;
  try {
    const Payload value = future.get();
    outcome.value = true;
    outcome.right = value == payload_of(task, result_bytes);
  } catch (const ExecutorError& error) {
    outcome.failure = error.failure();
  } catch (const std::exception& error) {
    outcome.failure.text = std::string("no error of the executor: ") + error.what();
  }
  return outcome;
}

}  // namespace

void Orders::put(Deed deed) {
  const std::lock_guard lock(mutex_);
  deeds_.push_back(deed);
}

Deed Orders::take() {
  const std::lock_guard lock(mutex_);
  if (deeds_.empty()) return Deed::kWork;
  const Deed deed = deeds_.front();
  deeds_.pop_front();
  return deed;
}

Caller::Caller(Pools& pools, Clerk& clerk, Orders& orders, std::uint64_t seed)
    : pools_(pools), clerk_(clerk), orders_(orders), random_(seed) {}

void Caller::run(const std::atomic<bool>& stop) {
  while (!stop || !futures_.empty()) {
    while (!stop && futures_.size() < kWindow) send();
    if (!futures_.empty() && !receive()) return;
  }
}

void Caller::send() {
  const Deed deed = orders_.take();
  TaskOptions options;
  if (deed == Deed::kHang && below(random_, 2) == 0) options.run_limit = 500ms;
  if (deed == Deed::kHang && !options.run_limit) options.deadline = 1s;
  const auto limit = options.run_limit ? options.run_limit : options.deadline;
  const Instant now = std::chrono::steady_clock::now();
  Sent sent{clerk_.make_task(deed, limit ? now + *limit : Instant::max()), some_size(random_),
            pools_.now()};
  const auto rounds = static_cast<std::uint32_t>(below(random_, 2'000'000));
  const std::size_t size = deed == Deed::kLarge ? kLargeArgument : some_size(random_);
  try {
    futures_.push_back(
        then_perhaps(sent.pool->submit(options, perform, clerk_.ledger(), sent.task, deed, rounds,
                                       sent.result_bytes, payload_of(sent.task, size))));
    sent_.push_back(std::move(sent));
  } catch (const ExecutorError& error) {
    clerk_.future_ended(sent.task, {.failure = error.failure()});
    pools_.replace(sent.pool);
    std::this_thread::sleep_for(5ms);  // a pause: it may not be able to start workers yet
  }
}

Future<Payload> Caller::then_perhaps(Future<Payload> future) {
  if (below(random_, 4) != 0) return future;
  try {
    return future.then([](Future<Payload> ended) { return ended.get(); });
  } catch (const std::system_error&) {
    return future;  // no thread can be started for it now, so the value has not come yet
  }
}

bool Caller::receive() {
  std::vector<std::size_t> done;
  if (below(random_, 2) == 0) {
    done = wait(futures_, {.until = Until::kFirst, .timeout = kLong}).done;
  } else if (futures_.front().wait_for(kLong)) {
    done = {0};
  }
  if (done.empty()) {
    clerk_.complain("a future has not ended within two minutes; task " +
                    std::to_string(sent_.front().task));
    return false;
  }
  for (auto at = done.rbegin(); at != done.rend(); ++at) take(*at);
  return true;
}

void Caller::take(std::size_t at) {
  const auto place = static_cast<std::ptrdiff_t>(at);
  Outcome outcome = outcome_of(futures_[at], sent_[at].task, sent_[at].result_bytes);
  const bool pool_ended = !outcome.value && outcome.failure.kind == FailureKind::kSpawn;
  clerk_.future_ended(sent_[at].task, std::move(outcome));
  if (pool_ended) pools_.replace(sent_[at].pool);
  sent_.erase(sent_.begin() + place);
  futures_.erase(futures_.begin() + place);
}

Injector::Injector(Pools& pools, Clerk& clerk, Orders& orders, std::uint64_t seed)
    : pools_(pools), clerk_(clerk), orders_(orders), random_(seed) {}

void Injector::run(const std::atomic<bool>& stop) {
  Instant next = std::chrono::steady_clock::now();
  while (!stop) {
    // A pause and nothing more: a tick may come late.
    next = std::max(next + kTick, std::chrono::steady_clock::now());
    std::this_thread::sleep_until(next);
    ++ticks_;
    finish_frozen(next);
    tick();
    freeze_the_hanging();
    std::erase_if(to_look_at_,
                  [this](const Identity& each) { return clerk_.look_whether_stopped(each); });
    if (to_look_at_.size() > 100) to_look_at_.clear();  // those died before they were seen stopped
  }
  finish_frozen(Instant::max());
}

void Injector::tick() {
  constexpr Blow kBlows[] = {Blow::kKill, Blow::kKill, Blow::kKill,      Blow::kSegv, Blow::kFreeze,
                             Blow::kTerm, Blow::kPipe, Blow::kSuspend,   Blow::kQuit, Blow::kHangUp,
                             Blow::kKill, Blow::kSegv, Blow::kInterrupt, Blow::kChild};
  constexpr Deed kOrders[] = {Deed::kSegv,        Deed::kExit,    Deed::kSegv,   Deed::kExit,
                              Deed::kDropsRights, Deed::kSignals, Deed::kLimits, Deed::kCloses};
  constexpr Deed kHungry[] = {Deed::kStarve, Deed::kStarveAborts, Deed::kStarveKilled};
  const std::uint64_t die = below(random_, 200);
  if (die < 110) {
    if (!strike_somebody(kBlows[below(random_, std::size(kBlows))])) ++idle_ticks_;
  } else if (die < 164) {
    orders_.put(kOrders[below(random_, std::size(kOrders))]);
  } else if (die < 192) {
    orders_.put(kSanitized ? Deed::kExit : kHungry[below(random_, std::size(kHungry))]);
  } else if (die < 193) {
    orders_.put(kSanitized ? Deed::kExit : Deed::kLarge);
  } else if (die < 197) {
    orders_.put(Deed::kHang);
  } else {
    try {
      pools_.now()->resize(static_cast<int>(2 + below(random_, 4)));
    } catch (const ExecutorError&) {  // it has ended, and is about to be replaced
    }
  }
}

bool Injector::strike_somebody(Blow blow) {
  const std::vector<Identity> alive = clerk_.alive();
  if (alive.empty()) return false;
  const Identity worker = alive[below(random_, alive.size())];
  // Most hanging tasks are left to their limit.
  if (clerk_.hangs(worker) && below(random_, 16) != 0) return false;
  if (!clerk_.strike(worker, blow)) return false;
  if (blow == Blow::kFreeze || blow == Blow::kSuspend) {
    const auto now = std::chrono::steady_clock::now();
    later_.push_back({now + std::chrono::milliseconds(20 + below(random_, 300)), worker,
                      below(random_, 2) == 0 ? Blow::kThaw : Blow::kKill});
  }
  return true;
}

// Their limit ends them, while they are frozen.
void Injector::freeze_the_hanging() {
  for (const Identity& worker : clerk_.hanging()) {
    if (clerk_.strike(worker, Blow::kFreeze)) to_look_at_.push_back(worker);
  }
}

void Injector::finish_frozen(Instant until) {
  std::erase_if(later_, [&](const Later& each) {
    if (each.at > until) return false;
    clerk_.strike(each.worker, each.blow);
    return true;
  });
}

}  // namespace poolproof::fuzz::soak
