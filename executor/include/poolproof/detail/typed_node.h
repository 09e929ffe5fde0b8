// Nodes that know the type of their value. Internal.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "poolproof/detail/future_node.h"

namespace poolproof::detail {

// Where a Future<T> gets its value, once it is ready and has not failed.
template <class T>
class TypedNode : public FutureNode {
 public:
  using FutureNode::FutureNode;
  virtual T take() = 0;
};

// Makes the node of a task. The code that submits knows the type of its value: task_node.h.
using MakeNode = FutureNode* (*)(TaskId, std::shared_ptr<CallbackOwner>);

// A node that a callback will end. It knows the node whose end the callback waits for.
template <class T>
class LinkedNode : public TypedNode<T> {
 public:
  explicit LinkedNode(NodePtr source) : TypedNode<T>(source), source_(std::move(source)) {
    this->has_sources();
  }
  void add_sources(std::vector<NodePtr>& to) const override {
    if (source_) to.push_back(source_);
  }

 private:
  Sources drop_sources() override { return {std::move(source_), {}}; }
  NodePtr source_;
};

// The node of a callback: a value made in this process, of any type that can be moved.
template <class T>
class ValueNode final : public LinkedNode<T> {
 public:
  using LinkedNode<T>::LinkedNode;
  T take() override { return std::move(*value); }
  std::optional<T> value;
};
template <>
class ValueNode<void> final : public LinkedNode<void> {
 public:
  using LinkedNode::LinkedNode;
  void take() override {}
};

}  // namespace poolproof::detail
