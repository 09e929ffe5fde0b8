// Counted references to the nodes behind futures, and queues of them that never allocate. Internal.
#pragma once

#include <utility>

#include "poolproof/export.h"

namespace poolproof::detail {

class FutureNode;

// A counted reference to a node; the count is in the node. The last reference destroys the node, at
// once and without recursion. The exception is a supervisor's thread, where no destructor of the
// user may run: there the node is passed to a callback thread, which destroys it.
class POOLPROOF_EXPORT NodePtr {
 public:
  NodePtr() = default;
  explicit NodePtr(FutureNode* node);  // takes over the reference that a new node has
  NodePtr(const NodePtr& other);
  NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  NodePtr& operator=(NodePtr other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodePtr();
  FutureNode* operator->() const { return node_; }
  FutureNode& operator*() const { return *node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  friend class NodeQueue;
  FutureNode* node_ = nullptr;
};

// First in, first out. It is linked through the nodes; each node is in at most one queue.
class POOLPROOF_EXPORT NodeQueue {
 public:
  NodeQueue() = default;
  ~NodeQueue();
  NodeQueue(const NodeQueue&) = delete;
  NodeQueue& operator=(const NodeQueue&) = delete;
  void push(NodePtr node) noexcept;
  NodePtr pop() noexcept;  // null: it is empty
  bool empty() const { return first_ == nullptr; }

 private:
  FutureNode* first_ = nullptr;
  FutureNode* last_ = nullptr;
};

}  // namespace poolproof::detail
