// Nodes that know the type of their value, and where the value comes from. Internal.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
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

// The node of a task: bytes from a worker, decoded on the thread that asks for the value.
template <class T>
class TaskNode final : public TypedNode<T> {
 public:
  using TypedNode<T>::TypedNode;
  T take() override {
    if constexpr (!std::is_void_v<T>) {
      try {
        WireReader in(this->result());
        T value = Codec<T>::decode(in);
        if (in.remaining() != 0) throw BadBytes("bytes are left over after the result");
        return value;
      } catch (...) {
        this->throw_decode_error(std::current_exception());
      }
    }
  }
};
using MakeNode = FutureNode* (*)(TaskId, std::shared_ptr<CallbackOwner>);
template <class T>
FutureNode* make_task_node(TaskId task, std::shared_ptr<CallbackOwner> owner) {
  return new TaskNode<T>(task, std::move(owner));
}

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
