// What Future<T>::then stores: it calls the function, and ends the new future. Internal.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "poolproof/detail/typed_node.h"

namespace poolproof::detail {

template <class F, class T>
struct ThenResult {
  using type = std::invoke_result_t<F&, T>;
};
template <class F>
struct ThenResult<F, void> {
  using type = std::invoke_result_t<F&>;
};
template <bool kTakesFuture, class F, class T>
struct ThenResultOf : ThenResult<F, T> {};
template <class F, class T>
struct ThenResultOf<true, F, T> : ThenResult<F, Future<T>> {};

template <class F, class T, class U>
class ThenCallback : public Callback {
 public:
  ThenCallback(F f, NodePtr next) : f_(std::move(f)), next_(std::move(next)) {}

  void run(NodePtr settled) noexcept override {
    constexpr bool kTakesFuture = std::is_invocable_v<F&, Future<T>>;
    if (!kTakesFuture && settled->failed()) {
      settled->copy_failure_to(*next_);
      return;
    }
    try {
      Future<T> source = FutureAccess::make<T>(std::move(settled));
      if constexpr (kTakesFuture) {
        finish([&]() -> U { return f_(std::move(source)); });
      } else if constexpr (std::is_void_v<T>) {
        source.get();
        finish([&]() -> U { return f_(); });
      } else {
        finish([&]() -> U { return f_(source.get()); });
      }
    } catch (...) {
      // The hook is called first: a thread that waits for the new future may look at what the hook
      // got.
      tell_thrown(next_->owner().get(), std::current_exception());
      next_->settle_thrown(std::current_exception());
    }
  }
  NodePtr refuse(std::exception_ptr why) noexcept override {
    next_->store_thrown(std::move(why));
    return next_;
  }

 private:
  template <class Call>
  void finish(Call call) {
    if constexpr (std::is_void_v<U>) {
      call();
    } else {
      static_cast<ValueNode<U>&>(*next_).value.emplace(call());
    }
    next_->settle_stored();
  }

  F f_;
  NodePtr next_;
};

}  // namespace poolproof::detail
