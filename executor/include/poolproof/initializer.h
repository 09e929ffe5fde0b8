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

namespace detail {

struct MakeInitializer {
  template <class F, class... Args>
  requires(kRefusal<F, Args...> == Refusal::kNone) Initializer operator()(F&& fn,
                                                                          Args&&... args) const {
    return {encode_call<F, std::decay_t<Args>...>(fn, args...)};
  }
// What cannot travel: see refusals.h.
#define POOLPROOF_REFUSE(why, text)                                      \
  template <class F, class... Args>                                      \
  requires(kRefusal<F, Args...> == Refusal::why) POOLPROOF_REFUSED(text) \
  Initializer operator()(F&&, Args&&...) const { return {}; }
  POOLPROOF_EACH_REFUSAL(POOLPROOF_REFUSE)
#undef POOLPROOF_REFUSE
};

}  // namespace detail

// make_initializer(fn, args...): what fn returns is not used. Throws what a Codec throws where an
// argument cannot be encoded.
inline constexpr detail::MakeInitializer make_initializer;

}  // namespace poolproof
