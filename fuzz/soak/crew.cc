#include "fuzz/soak/crew.h"

#include <algorithm>
#include <cereal/types/vector.hpp>
#include <iterator>
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

Caller::Caller(Executor& pool, Clerk& clerk, Orders& orders, std::uint64_t seed)
    : pool_(pool), clerk_(clerk), orders_(orders), random_(seed) {}

void Caller::run(const std::atomic<bool>& stop) {
  while (!stop || !futures_.empty()) {
    while (!stop && futures_.size() < kWindow) {
      if (!send()) return;
    }
    if (!futures_.empty() && !receive()) return;
  }
}

bool Caller::send() {
  const Deed deed = orders_.take();
  TaskOptions options;
  if (deed == Deed::kHang && below(random_, 2) == 0) options.run_limit = 500ms;
  if (deed == Deed::kHang && !options.run_limit) options.deadline = 1s;
  const auto limit = options.run_limit ? options.run_limit : options.deadline;
  const Instant now = std::chrono::steady_clock::now();
  const Sent sent{clerk_.make_task(deed, limit ? now + *limit : Instant::max()),
                  some_size(random_)};
  const auto rounds = static_cast<std::uint32_t>(below(random_, 2'000'000));
  try {
    Future<Payload> future =
        pool_.submit(options, perform, clerk_.ledger(), sent.task, deed, rounds, sent.result_bytes,
                     payload_of(sent.task, some_size(random_)));
    if (below(random_, 4) == 0) {
      future = future.then([](Future<Payload> ended) { return ended.get(); });
    }
    futures_.push_back(std::move(future));
    sent_.push_back(sent);
    return true;
  } catch (const ExecutorError& error) {
    clerk_.future_ended(sent.task, {.failure = error.failure()});
    return false;
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
  clerk_.future_ended(sent_[at].task,
                      outcome_of(futures_[at], sent_[at].task, sent_[at].result_bytes));
  sent_.erase(sent_.begin() + place);
  futures_.erase(futures_.begin() + place);
}

Injector::Injector(Executor& pool, Clerk& clerk, Orders& orders, std::uint64_t seed)
    : pool_(pool), clerk_(clerk), orders_(orders), random_(seed) {}

void Injector::run(const std::atomic<bool>& stop) {
  Instant next = std::chrono::steady_clock::now();
  while (!stop) {
    // Pace, and nothing more: a tick that comes late is a tick.
    next = std::max(next + kTick, std::chrono::steady_clock::now());
    std::this_thread::sleep_until(next);
    ++ticks_;
    finish_frozen(next);
    tick();
    freeze_the_hanging();
    std::erase_if(to_look_at_,
                  [this](const Identity& each) { return clerk_.look_whether_stopped(each); });
    if (to_look_at_.size() > 100) to_look_at_.clear();  // those died before they stood still
  }
  finish_frozen(Instant::max());
}

void Injector::tick() {
  const std::uint64_t die = below(random_, 100);
  if (die < 35) {
    if (!strike_somebody(Blow::kKill)) ++idle_ticks_;
  } else if (die < 47) {
    if (!strike_somebody(Blow::kSegv)) ++idle_ticks_;
  } else if (die < 60) {
    if (!strike_somebody(Blow::kFreeze)) ++idle_ticks_;
  } else if (die < 72) {
    orders_.put(Deed::kSegv);
  } else if (die < 82) {
    orders_.put(Deed::kExit);
  } else if (die < 97) {
    const Deed starving[] = {Deed::kStarve, Deed::kStarveAborts, Deed::kStarveKilled};
    orders_.put(kSanitized ? Deed::kExit : starving[below(random_, 3)]);
  } else if (die < 99) {
    orders_.put(Deed::kHang);
  } else {
    pool_.resize(static_cast<int>(2 + below(random_, 4)));
  }
}

bool Injector::strike_somebody(Blow blow) {
  const std::vector<Identity> alive = clerk_.alive();
  if (alive.empty()) return false;
  const Identity worker = alive[below(random_, alive.size())];
  if (!clerk_.strike(worker, blow)) return false;
  if (blow == Blow::kFreeze) {
    const auto now = std::chrono::steady_clock::now();
    later_.push_back({now + std::chrono::milliseconds(20 + below(random_, 300)), worker,
                      below(random_, 2) == 0 ? Blow::kThaw : Blow::kKill});
  }
  return true;
}

// They end by their limit, frozen.
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
