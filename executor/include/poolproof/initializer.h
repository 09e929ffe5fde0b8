// A call that every worker makes once, before its first task: what it loads is there for all.
//
//   poolproof::Executor pool({.initializer = poolproof::make_initializer(load_model, path)});
//
// It travels like a task. If it throws, or does not end within ExecutorOptions::initializer_limit,
// the pool ends with InitializerError; if workers die in it, it does so after three in a row.
#pragma once

#include <utility>

#include "poolproof/task.h"

namespace poolproof {

struct Initializer {
  Bytes call;  // empty: none
  bool operator==(const Initializer&) const = default;
};

// What fn returns is not used. Throws what a Codec throws where an argument cannot be encoded.
template <class F, class... Args>
Initializer make_initializer(F&& fn, Args&&... args) {
  using Callable = std::decay_t<F>;
  detail::explain_what_cannot_travel<Callable, detail::Wire<Args>...>();
  if constexpr (detail::kIsFunction<Callable> || detail::Plain<Callable>) {
    return {detail::encode_call<F, std::decay_t<Args>...>(fn, args...)};
  } else {
    return {};
  }
}

}  // namespace poolproof
