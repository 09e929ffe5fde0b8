// An adapter's conversation with the harness: sends hello, passes each command to the pool, and
// answers. It judges nothing.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/adapters/cpp/ledger.h"

namespace poolproof::adapter {

class Line;

struct Hello {
  std::string pool;
  std::string version;
  std::string language;
  std::vector<std::string> capabilities;
  std::string recovers;
  double longest_wait_s = 5;
  std::string longest_wait_source;
};

struct Submission {
  std::string body;
  Place place;        // place.task is the id
  std::string value;  // JSON text
  std::string stage;  // carry only
  int bytes = 0;      // large only
  std::optional<int> deadline_ms;
  bool meets_when_done = false;                // at the point `callback`
  std::shared_ptr<const Submission> follower;  // the task that its done-callback submits, if any
};

// What an `open` asks for. The options are empty for a pool without the capability.
struct Opening {
  int workers = 1;
  std::optional<int> tasks_per_worker{};  // `recycles`: a worker is replaced after so many tasks
  // `initializer`: each worker calls write_ledger(*initializer, Entry::kInit) before its first
  // task.
  std::optional<Place> initializer{};
};

// The adapter cannot do this at all; the text becomes the `why` of `refused`.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The class that an adapter implements. The main thread calls it, one command at a time. Commands
// are validated before the call, and each call may block. An exception is reported as `refused`, so
// `submit` must catch what its pool throws.
class Pool {
 public:
  virtual ~Pool() = default;
  virtual void open(int workers) = 0;  // never called while a pool is open
  // The same with options: override it for a pool with `recycles` or `initializer`.
  virtual void open_as(const Opening& opening) { open(opening.workers); }
  virtual void resize(int workers);  // applies to the open pool; for pools with `resize`
  // Must make sure that `done` is called, once. A done-callback also submits, from its own thread.
  virtual void submit(const Submission& task) = 0;
  virtual void cancel(const std::string& id) = 0;
  virtual void close(const std::string& how) = 0;  // returns when the pool's own call has returned
};

void serve(const Line& line, const Hello& hello, Pool& pool);  // returns at `bye`

// For the pool's own done-callback: reports how the task ended. Then it does what this callback was
// told to do, and throws into the pool what that throws. Any thread may call it.
void done(const Line& line, Pool& pool, const Submission& task, const nlohmann::json& outcome);

// Only reports how a task ended. Any thread may call it.
void settle(const Line& line, const std::string& id, const nlohmann::json& outcome);

// The outcome of a task that returned. If a string is too long for a message, its length.
nlohmann::json value(nlohmann::json returned);

// `native` of an outcome: the pool's own error, cut to 2,000 characters of text.
nlohmann::json native(const std::string& type, const std::string& text);

}  // namespace poolproof::adapter
