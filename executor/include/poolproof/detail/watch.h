// Tells others than its own future that a node has ended. Internal.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "poolproof/detail/deadline.h"
#include "poolproof/detail/future_node.h"
#include "poolproof/export.h"

namespace poolproof::detail {

// Is told when nodes end. The list of watched nodes is kept outside the nodes, so that a future
// that is not watched pays nothing for it.
class POOLPROOF_EXPORT Watch {
 public:
  virtual ~Watch() = default;

  // Calls `watch`'s came(index) once; in this call if `node` has already ended. `watch` must live
  // until then or until its stop(). `keep`, if any, is held until then.
  static void start(FutureNode& node, Watch& watch, std::size_t index, NodePtr keep = {});
  static void stop(FutureNode& node, Watch& watch);  // after this there is no came()
  // Called by the node itself. `more` receives the nodes that end because of this, and that must
  // still be published.
  static void tell(FutureNode& ended, NodeQueue& more);

 private:
  // Called on any thread, under a lock: must neither block nor call any code of the user. The node
  // that it returns, if any, ends because of this.
  virtual NodePtr came(std::size_t index) = 0;
};

// The indices of the nodes that have ended, in that order. Nodes that had ended when they were
// added come first. For one thread.
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
