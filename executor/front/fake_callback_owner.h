// For tests of futures: the part of a pool that a future needs, without a pool.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <utility>

#include "executor/front/callbacks.h"
#include "poolproof/detail/task_node.h"
#include "poolproof/future.h"

namespace poolproof::detail {

struct FakeCallbackOwner : CallbackOwner {
  std::shared_ptr<Callbacks> callbacks = std::make_shared<Callbacks>();
  std::atomic<int> cancelled = 0;
  std::atomic<int> threw = 0;
  ~FakeCallbackOwner() override { callbacks->close(); }
  void cancel(TaskId, const CancelOptions&) override { ++cancelled; }
  void prepare_callbacks() override { callbacks->start(); }
  NodePtr call_back(NodePtr settled, CalledBy by) noexcept override {
    return callbacks->run(std::move(settled), by);
  }
  void callback_threw(std::exception_ptr) override { ++threw; }
  std::unique_ptr<Callback> take_due(FutureNode& settled) override {
    return callbacks->take(settled);
  }
};

template <class T>
Bytes encoded(const T& value) {
  WireWriter out;
  Codec<T>::encode(out, value);
  return out.take();
}

// A task that the test ends by hand.
template <class T>
struct OpenTask {
  NodePtr node;
  explicit OpenTask(const std::shared_ptr<FakeCallbackOwner>& owner, TaskId task = 1)
      : node(make_task_node<T>(task, owner)) {}
  Future<T> future() { return FutureAccess::make<T>(node); }
  void end(const T& value) { node->settle(encoded(value)); }
  void fail(FailureKind kind) { node->settle(Failure{.kind = kind, .task = node->task()}); }
};

}  // namespace poolproof::detail
