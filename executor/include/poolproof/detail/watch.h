// Who is told when a node ends, beyond its own future. Internal.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "poolproof/detail/deadline.h"
#include "poolproof/detail/future_node.h"
#include "poolproof/export.h"

namespace poolproof::detail {

// Who is to be told of the end of nodes. What is watched is kept outside the nodes, so that a
// future that nobody watches pays nothing for it.
class POOLPROOF_EXPORT Watch {
 public:
  virtual ~Watch() = default;

  // `watch` hears came(index) once, here if `node` has ended already. It must outlive that or its
  // stop(); `keep`, if any, is held until then.
  static void start(FutureNode& node, Watch& watch, std::size_t index, NodePtr keep = {});
  static void stop(FutureNode& node, Watch& watch);  // no came() after this
  // By the node itself. `more` gets those that end by this, which are still to be published.
  static void tell(FutureNode& ended, NodeQueue& more);

 private:
  // Any thread, under a lock: must neither block nor call anything of a user. The node that it
  // gives, if any, is one that ends by this.
  virtual NodePtr came(std::size_t index) = 0;
};

// The indices of the nodes that have ended, in that order; those that were added as ended come
// first. For one thread.
class POOLPROOF_EXPORT Arrivals {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  Arrivals();
  ~Arrivals();
  Arrivals(Arrivals&&) noexcept;
  Arrivals& operator=(Arrivals&&) noexcept;

  void add(const NodePtr& node, std::size_t index);
  // Added, and not given by next. Throws std::future_error (no_state) if this was moved from, which
  // no other function looks for.
  std::size_t pending() const;
  bool any() const;  // next would not wait
  // nullopt: `until` came first, or nothing is pending.
  std::optional<std::size_t> next(std::optional<Instant> until);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace poolproof::detail
