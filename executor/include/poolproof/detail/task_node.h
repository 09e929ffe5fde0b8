// The node of a task: the one node whose value comes as bytes. Internal.
#pragma once

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "poolproof/codec.h"
#include "poolproof/detail/typed_node.h"

namespace poolproof::detail {

// Bytes from a worker, decoded on the thread that asks for the value.
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
template <class T>
FutureNode* make_task_node(TaskId task, std::shared_ptr<CallbackOwner> owner) {
  return new TaskNode<T>(task, std::move(owner));
}

}  // namespace poolproof::detail
