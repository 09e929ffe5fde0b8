// A call that every worker makes once, before its first task. All its tasks can use what it loads.
//
//   poolproof::Executor pool({.initializer = poolproof::make_initializer(load_model, path)});
//
// It travels like a task. If it throws, or does not end within ExecutorOptions::initializer_limit,
// the pool ends with InitializerError. If workers die in it, the pool ends after three such deaths
// in a row.
#pragma once

#include <utility>

#include "poolproof/options.h"
#include "poolproof/task.h"

namespace poolproof {

namespace detail {

template <class F, class... Args>
using InitializerOf = typename Given<kRefusal<F, Args...>, Initializer>::Type;

}  // namespace detail

// What fn returns is not used. Throws what a Codec throws for an argument that cannot be encoded.
// Returns an Initializer.
template <class F, class... Args>
POOLPROOF_CHECKED((detail::kRefusal<F, Args...>))
detail::InitializerOf<F, Args...> make_initializer(F&& fn, Args&&... args) {
  if constexpr (detail::kRefusal<F, Args...> == detail::Refusal::kNone) {
    return {detail::encode_call<F, std::decay_t<Args>...>(fn, args...)};
  } else {
    detail::refused();
  }
}

}  // namespace poolproof
