// What a parked wait looks for: callbacks that are due and further it. See parking.h.
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

// Goes from what is awaited back to what that waits for: a tree, since every future is consumed by
// one then() or when_all(). Keeps its place, so that a long chain is walked once. For one thread;
// all but forget_passed under parking_lock.
class Search {
 public:
  explicit Search(Awaited& awaited) : awaited_(awaited) {}

  // Throws std::logic_error if it finds a callback that runs on this thread, `here`.
  DueCallback next(Callbacks& here);
  // Those with a callback that was not to be had by next: it runs, or is due where it may not be
  // taken.
  std::vector<NodePtr> called_back() const;
  // The nodes that are no longer needed. Their last references must not go under the lock, since
  // values of the user may go with them.
  bool has_passed() const { return !passed_.empty(); }
  void forget_passed() { passed_.clear(); }

 private:
  struct Step {
    NodePtr node;
    std::size_t leads_to;     // the place of the step whose source this is
    std::size_t sources = 0;  // that it still waits for
    bool expanded = false;
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::unique_ptr<Callback> look_at(std::size_t place, Callbacks& here);
  bool expand(std::size_t place);
  void pass(std::size_t place);
  bool over(const Step& step) const;

  Awaited& awaited_;
  std::vector<Step> steps_;
  std::vector<std::size_t> fresh_;    // to be looked at
  std::vector<std::size_t> waiting_;  // looked at: nothing can be done now
  std::vector<NodePtr> passed_;
};

}  // namespace poolproof::detail
