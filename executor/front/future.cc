#include "poolproof/future.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <ctime>
#include <string>

#include "executor/check.h"
#include "executor/front/parking.h"
#include "executor/transport/thrown.h"
#include "poolproof/wait.h"

namespace poolproof::detail {
namespace {

// A wait on the state word itself: no mutex, no condition variable in each future.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t while_it_is,
                std::optional<std::chrono::steady_clock::time_point> until) {
  timespec at{};
  if (until) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until->time_since_epoch());
    at.tv_sec = static_cast<time_t>(ns.count() / 1'000'000'000);
    at.tv_nsec = static_cast<long>(ns.count() % 1'000'000'000);
  }
  // The BITSET form takes an instant of CLOCK_MONOTONIC, which is what steady_clock counts.
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, while_it_is, until ? &at : nullptr, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}

// A wait for one future.
class One : public Awaited {
 public:
  explicit One(NodePtr node) : node_(std::move(node)) {}
  bool over() override { return node_->ready(); }
  void add_roots(std::vector<NodePtr>& to) override { to.push_back(node_); }

 private:
  const NodePtr node_;
};

void futex_wake_all(const std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

NodePtr::NodePtr(FutureNode* node) : node_(node) {}

NodePtr::NodePtr(const NodePtr& other) : node_(other.node_) {
  if (node_ != nullptr) node_->references_.fetch_add(1, std::memory_order_relaxed);
}

NodePtr::~NodePtr() {
  if (node_ != nullptr && node_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    delete node_;
  }
}

FutureNode::FutureNode(TaskId task, std::shared_ptr<Patron> patron)
    : task_(task), patron_(std::move(patron)) {}

NodePtr FutureNode::reference() {
  references_.fetch_add(1, std::memory_order_relaxed);
  return NodePtr(this);
}

void FutureNode::settle(Bytes result) {
  result_ = std::move(result);
  publish();
}

void FutureNode::settle(Failure failure) {
  failure_ = std::make_unique<Failure>(std::move(failure));
  publish();
}

void FutureNode::settle_thrown(std::exception_ptr what) {
  thrown_ = std::move(what);
  publish();
}

void FutureNode::publish() {
  // Held: whoever is woken may drop the last reference but this one.
  NodePtr self = reference();
  const std::uint32_t before = word_.fetch_or(kReady, std::memory_order_seq_cst);
  POOLPROOF_CHECK((before & kReady) == 0, "a future ends once");
  if ((before & kWaiting) != 0) futex_wake_all(word_);
  NodePtr source;
  if ((before & kLinked) != 0) {
    const std::lock_guard lock(parking_lock());
    source = drop_source();
  }
  if ((before & kWatched) != 0) Watch::tell(*this);
  tell_parked();
  if ((before & kThen) != 0) patron_->call_back(std::move(then_), std::move(self));
}

bool FutureNode::wait(std::optional<std::chrono::steady_clock::time_point> until) {
  if (ready()) return true;
  refuse_in_fork();
  if (serving() != nullptr) {
    One one(reference());
    if (must_park(one)) return wait_parked(one, until);
  }
  while (true) {
    std::uint32_t seen = word_.load(std::memory_order_acquire);
    if ((seen & kReady) != 0) return true;
    if (until && std::chrono::steady_clock::now() >= *until) return false;
    if ((seen & kWaiting) == 0) {
      const std::uint32_t marked = seen | kWaiting;
      if (!word_.compare_exchange_strong(seen, marked, std::memory_order_acq_rel)) continue;
      seen = marked;
    }
    futex_wait(word_, seen, until);
  }
}

void FutureNode::then(std::unique_ptr<Callback> callback) {
  refuse_in_fork();
  if (patron_) patron_->prepare_callbacks();
  NodePtr self = reference();
  then_ = std::move(callback);
  const std::uint32_t before = word_.fetch_or(kThen, std::memory_order_acq_rel);
  POOLPROOF_CHECK((before & kThen) == 0, "then() consumes the future");
  if ((before & kReady) == 0) return;
  if (patron_) {
    patron_->call_back(std::move(then_), std::move(self));
  } else {  // of no executor: all of nothing
    std::move(then_)->run(std::move(self));
  }
}

void FutureNode::refuse_in_fork() const {
  if (!patron_ || patron_->in_own_process()) return;
  Failure failure;
  failure.kind = FailureKind::kShutdown;
  failure.task = task_;
  failure.started = true;  // for all that is known here
  failure.text = "its executor belongs to the process that this one was forked from";
  throw_failure(failure);
}

void FutureNode::cancel(const CancelOptions& options) {
  if (patron_) patron_->cancel(task_, options);
}

void FutureNode::throw_if_failed() const {
  if (failure_) throw_failure(*failure_);
  if (thrown_) std::rethrow_exception(thrown_);
}

void FutureNode::copy_failure_to(FutureNode& other) const {
  if (failure_) {
    other.settle(Failure(*failure_));
  } else {
    other.settle_thrown(thrown_);
  }
}

void throw_decode_error(TaskId task, std::exception_ptr why) {
  throw DecodeError(describe_exception(FailureKind::kDecode, Stage::kResult, task, why));
}

Failure describe_exception(FailureKind kind, Stage stage, TaskId task, std::exception_ptr what) {
  Failure failure = transport::to_failure(transport::describe_thrown(0, what), task);
  failure.kind = kind;
  failure.stage = stage;
  failure.started = stage == Stage::kResult;
  return failure;
}

void abort_on_empty_future() {
  POOLPROOF_CHECK(false, "this future was consumed by get() or then(), or never had a task");
  std::abort();
}

}  // namespace poolproof::detail
