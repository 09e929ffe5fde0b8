// What a parked wait looks for: due callbacks that help this wait. See parking.h.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "poolproof/future.h"

namespace poolproof::detail {

class Awaited;
class Callbacks;

struct DueCallback {
  std::unique_ptr<Callback> callback;
  NodePtr settled;
};

// Follows the nodes from what is awaited back to their sources. This is a tree, because every
// future is consumed by one then() or when_all(). It remembers its position, so a long chain is
// walked once. For one thread; all calls except forget_passed under parking_lock.
class Search {
 public:
  explicit Search(Awaited& awaited) : awaited_(awaited) {}

  // Throws std::logic_error if it finds a callback that runs on this thread, `here`.
  DueCallback next(Callbacks& here);
  // The nodes whose callback next() could not take: it already runs, or it is due on a thread from
  // which it may not be taken.
  std::vector<NodePtr> called_back() const;
  // The nodes that are no longer needed. Their last references must not be dropped under the lock,
  // because values of the user may be destroyed with them.
  bool has_passed() const { return !passed_.empty(); }
  void forget_passed() { passed_.clear(); }

 private:
  struct Step {
    NodePtr node;
    std::size_t leads_to;     // the place of the step whose source this is
    std::size_t sources = 0;  // how many it still waits for
    bool expanded = false;
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::unique_ptr<Callback> look_at(std::size_t place, Callbacks& here);
  bool expand(std::size_t place);
  void pass(std::size_t place);
  bool over(const Step& step) const;

  Awaited& awaited_;
  std::vector<Step> steps_;
  std::vector<std::size_t> fresh_;    // still to be examined
  std::vector<std::size_t> waiting_;  // examined: nothing can be done now
  std::vector<NodePtr> passed_;
};

}  // namespace poolproof::detail
