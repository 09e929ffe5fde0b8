#include "poolproof/future.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <string>

#include "executor/check.h"
#include "executor/front/callbacks.h"
#include "executor/front/parking.h"
#include "executor/transport/thrown.h"
#include "poolproof/wait.h"

namespace poolproof::detail {
namespace {

// Waits on the state word itself, so a future needs no mutex and no condition variable.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t while_it_is,
                std::optional<std::chrono::steady_clock::time_point> until) {
  timespec at{};
  if (until) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until->time_since_epoch());
    at.tv_sec = static_cast<time_t>(ns.count() / 1'000'000'000);
    at.tv_nsec = static_cast<long>(ns.count() % 1'000'000'000);
  }
  // The BITSET form takes a time of CLOCK_MONOTONIC, which is the clock of steady_clock.
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, while_it_is, until ? &at : nullptr, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}

// A wait for one future.
class OneFuture : public Awaited {
 public:
  explicit OneFuture(NodePtr node) : node_(std::move(node)) {}
  bool over() override { return node_->ready(); }
  void add_roots(std::vector<NodePtr>& to) override { to.push_back(node_); }
  bool needs_all() const override { return true; }

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
    FutureNode::drop(node_);
  }
}

NodeQueue::~NodeQueue() {
  while (pop()) continue;
}

void NodeQueue::push(NodePtr node) noexcept {
  FutureNode* added = std::exchange(node.node_, nullptr);
  added->link_ = nullptr;
  (last_ != nullptr ? last_->link_ : first_) = added;
  last_ = added;
}

NodePtr NodeQueue::pop() noexcept {
  FutureNode* node = first_;
  if (node == nullptr) return {};
  first_ = node->link_;
  if (first_ == nullptr) last_ = nullptr;
  return NodePtr(node);
}

// A value of the user may hold a future, whose value holds the next one, and so on. Beyond a few
// levels, nodes are destroyed one after the other, and not recursively.
void FutureNode::drop(FutureNode* node) noexcept {
  constexpr int kDeepest = 16;
  thread_local int depth = 0;
  thread_local FutureNode* later = nullptr;
  if (!SupervisorThread::may_destroy(*node)) {
    SupervisorThread::callbacks()->discard(node);
    return;
  }
  if (depth == kDeepest) {
    node->link_ = std::exchange(later, node);
    return;
  }
  ++depth;
  delete node;
  while (later != nullptr) delete std::exchange(later, later->link_);
  --depth;
}

bool FutureNode::is_plain() const {
  return (word_.load(std::memory_order_relaxed) & kLinked) == 0 && then_ == nullptr;
}

FutureNode::FutureNode(TaskId task, std::shared_ptr<CallbackOwner> owner)
    : task_(task), owner_(std::move(owner)) {}

FutureNode::FutureNode(const NodePtr& source)
    : task_(source->task_), name_(source->name_), owner_(source->owner_) {}

void FutureNode::set_name(const std::string& name) {
  if (!name.empty()) name_ = std::make_shared<const std::string>(name);
}

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
  NodeQueue ended;  // this node, and those that end because of it: a loop, so the chain may be long
  ended.push(reference());
  while (const NodePtr node = ended.pop()) node->tell_all(ended);
}

// The caller holds a reference, because a thread that is woken may drop all others.
void FutureNode::tell_all(NodeQueue& more) {
  const std::uint32_t before = word_.fetch_or(kReady, std::memory_order_seq_cst);
  POOLPROOF_CHECK((before & kReady) == 0, "a future ends once");
  if ((before & kWaiting) != 0) futex_wake_all(word_);
  Sources sources;  // destroyed without the lock
  if ((before & kLinked) != 0) {
    const std::lock_guard lock(parking_lock());
    sources = drop_sources();
  }
  if ((before & kWatched) != 0) Watch::tell(*this, more);
  tell_parked();
  if ((before & kThen) != 0) {
    if (NodePtr refused = owner_->call_back(reference(), CalledBy::kEnd)) {
      more.push(std::move(refused));
    }
  }
}

bool FutureNode::wait(std::optional<std::chrono::steady_clock::time_point> until) {
  if (ready()) return true;
  refuse_in_fork();
  if (serving() != nullptr) {
    OneFuture one(reference());
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

void FutureNode::prepare_then() {
  refuse_in_fork();
  if (owner_) owner_->prepare_callbacks();
}

void FutureNode::then(std::unique_ptr<Callback> callback) noexcept {
  NodePtr self = reference();
  then_ = std::move(callback);
  const std::uint32_t before = word_.fetch_or(kThen, std::memory_order_acq_rel);
  POOLPROOF_CHECK((before & kThen) == 0, "then() consumes the future");
  if ((before & kReady) == 0) return;
  if (owner_) {
    owner_->call_back(std::move(self), CalledBy::kThen);
  } else {  // of no executor: when_all of nothing
    take_callback()->run(std::move(self));
  }
}

NodePtr FutureNode::refuse_callback(std::exception_ptr why) noexcept {
  NodePtr ends = then_->refuse(std::move(why));
  refused_ = static_cast<bool>(ends);
  return ends;
}

void FutureNode::refuse_in_fork() const {
  if (!owner_ || owner_->in_own_process()) return;
  Failure failure;
  failure.kind = FailureKind::kShutdown;
  failure.task = task_;
  failure.started = true;  // nothing more is known here
  failure.text = "its executor belongs to the process that this one was forked from";
  throw_failure(failure);
}

// Depth first, in the order of the futures that when_all was given.
void FutureNode::cancel(const CancelOptions& options) {
  if (!owner_ || !owner_->in_own_process()) return;
  if ((word_.load(std::memory_order_relaxed) & kLinked) == 0) {
    owner_->cancel(task_, options);
    return;
  }
  std::vector<NodePtr> left{reference()};
  while (!left.empty()) {
    const NodePtr node = std::move(left.back());
    left.pop_back();
    const std::size_t others = left.size();
    {
      const std::lock_guard lock(parking_lock());
      node->add_sources(left);
    }
    std::reverse(left.begin() + static_cast<std::ptrdiff_t>(others), left.end());
    if (left.size() == others && !node->ready() && node->owner_) {
      node->owner_->cancel(node->task_, options);
    }
  }
}

void FutureNode::throw_if_failed() const {
  if (failure_) throw_failure(*failure_);
  if (thrown_) std::rethrow_exception(thrown_);
}

void FutureNode::copy_failure_to(FutureNode& other) const noexcept {
  try {
    if (failure_) other.failure_ = std::make_unique<Failure>(*failure_);
    other.thrown_ = thrown_;
  } catch (...) {  // no memory for the copy
    other.thrown_ = std::current_exception();
  }
  other.publish();
}

void tell_thrown(CallbackOwner* owner, const std::exception_ptr& what) noexcept {
  if (owner == nullptr) return;
  try {
    owner->callback_threw(what);
  } catch (...) {
    std::fputs("poolproof: a callback threw, and there was no memory to tell what\n", stderr);
  }
}

void FutureNode::throw_timeout() const {
  Failure failure;
  failure.kind = FailureKind::kTimeout;
  failure.task = task_;
  failure.task_name = name();
  failure.started = true;  // nothing more is known here
  throw_failure(failure);
}

void FutureNode::throw_decode_error(std::exception_ptr why) const {
  Failure failure = transport::describe_thrown({FailureKind::kDecode, Stage::kResult}, why);
  failure.task = task_;
  failure.started = true;
  failure.task_name = name();
  throw_failure(failure);
}

void throw_no_state() { throw std::future_error(std::future_errc::no_state); }

void abort_on_running_coroutine() {
  std::fputs(
      "poolproof: a coroutine that awaits a future was destroyed on one thread while the callback "
      "thread was resuming it; destroy it there, or while its task cannot end\n",
      stderr);
  std::abort();
}

}  // namespace poolproof::detail
