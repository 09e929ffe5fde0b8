// What runs when a node has ended, and what a node needs of its executor for that. Internal.
#pragma once

#include <exception>
#include <memory>

#include "poolproof/detail/node_ptr.h"
#include "poolproof/error.h"
#include "poolproof/options.h"

namespace poolproof::detail {

// What `then` leaves behind; run once, with the settled node, never on a supervisor's thread.
class Callback {
 public:
  virtual ~Callback() = default;
  virtual void run(NodePtr settled) noexcept = 0;
  // It can never be run. Gives the node that it would have ended, with `why` stored in it; that one
  // is still to be published. Runs no code of the user. Null: it must be run, however late.
  virtual NodePtr refuse(std::exception_ptr /*why*/) noexcept { return {}; }
};

// Who asks for a callback to be run.
enum class CalledBy {
  kEnd,   // the settled node, when it ended; on any thread
  kThen,  // then(), since the node had ended before; on a thread of the user
};

// What a future needs of its pool, which it may outlive.
class CallbackOwner {
 public:
  virtual ~CallbackOwner() = default;
  // False in a child that the program has forked: there nothing can come any more.
  virtual bool in_own_process() const { return true; }
  virtual void cancel(TaskId task, const CancelOptions& options) = 0;
  virtual void prepare_callbacks() = 0;  // before the first call_back; may throw
  // Sees to it that the callback of this node runs. Gives a node that ends with an error instead,
  // still to be published, if there can be no thread for it.
  virtual NodePtr call_back(NodePtr settled, CalledBy by) noexcept = 0;
  virtual void callback_threw(std::exception_ptr what) = 0;
  // The callback of `settled`, if it is due, not begun, and may run on this thread, which is one of
  // callbacks: its own, or any while its own waits for other callbacks, or has ended. Null
  // otherwise.
  virtual std::unique_ptr<Callback> take_due(FutureNode& settled) = 0;
};

}  // namespace poolproof::detail
