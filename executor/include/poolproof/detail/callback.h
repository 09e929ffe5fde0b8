// What runs when a node has ended, and what a node needs from its executor for that. Internal.
#pragma once

#include <exception>
#include <memory>

#include "poolproof/detail/node_ptr.h"
#include "poolproof/error.h"
#include "poolproof/options.h"

namespace poolproof::detail {

// What `then` stores in the node. Runs once, with the settled node, never on a supervisor's thread.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void run(NodePtr settled) noexcept = 0;
  // Called when it can never run. Returns the node that it would have ended, with `why` stored in
  // it; the caller must still publish that node. Runs no code of the user. Null: it must still run,
  // even if late.
  virtual NodePtr refuse(std::exception_ptr /*why*/) noexcept { return {}; }
};

// Which side asks that a callback run.
enum class CalledBy {
  kEnd,   // the settled node, when it ended; on any thread
  kThen,  // then(), because the node had already ended; on a thread of the user
};

// What a future needs of its pool. The future may live longer than the pool.
class CallbackOwner {
 public:
  virtual ~CallbackOwner() = default;
  // False in a child that the program has forked: no end can arrive there any more.
  virtual bool in_own_process() const { return true; }
  virtual void cancel(TaskId task, const CancelOptions& options) = 0;
  virtual void prepare_callbacks() = 0;  // before the first call_back; may throw
  // Makes sure that the callback of this node runs. If there can be no thread for it, returns a
  // node that ends with an error instead, which the caller must still publish.
  virtual NodePtr call_back(NodePtr settled, CalledBy by) noexcept = 0;
  virtual void callback_threw(std::exception_ptr what) = 0;
  // The callback of `settled`, if it is due, has not begun, and may run on this thread. This is a
  // callback thread. It may run its own callbacks, and those of another callback thread that waits
  // for other callbacks or has ended. Null otherwise.
  virtual std::unique_ptr<Callback> take_due(FutureNode& settled) = 0;
};

}  // namespace poolproof::detail
