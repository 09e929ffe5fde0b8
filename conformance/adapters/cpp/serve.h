// An adapter's conversation: says hello, hands each command to the pool, answers. Holds no opinion.
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
  std::shared_ptr<const Submission> follower;  // what its done-callback submits, if anything
};

// What an `open` asks for. The options stay empty in a pool without the capability.
struct Opening {
  int workers = 1;
  std::optional<int> tasks_per_worker{};  // `recycles`: a worker is replaced after so many tasks
  std::optional<Place> initializer{};  // `initializer`: each worker calls, before its first task,
                                       // write_ledger(*initializer, Entry::kInit)
};

// What the adapter cannot do at all; its text is the `why` of `refused`.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What an adapter writes. Called from the main thread, one command at a time, checked beforehand;
// each may block. Whatever one throws is told as `refused`, so `submit` catches what its pool
// throws.
class Pool {
 public:
  virtual ~Pool() = default;
  virtual void open(int workers) = 0;  // never while one is open
  // The same, with what else was asked for: for pools with `recycles` or `initializer`.
  virtual void open_as(const Opening& opening) { open(opening.workers); }
  virtual void resize(int workers);  // of the pool that is open: for pools with `resize`
  // Sees to it that `done` is called, once. A done-callback submits from its own thread.
  virtual void submit(const Submission& task) = 0;
  virtual void cancel(const std::string& id) = 0;
  virtual void close(const std::string& how) = 0;  // returns when the pool's own call has returned
};

void serve(const Line& line, const Hello& hello, Pool& pool);  // returns at `bye`

// For the pool's own done-callback: tells how the task ended, then does what is to be done in that
// callback, and throws into the pool what that throws. From any thread.
void done(const Line& line, Pool& pool, const Submission& task, const nlohmann::json& outcome);

// Only tells how a task ended; from any thread.
void settle(const Line& line, const std::string& id, const nlohmann::json& outcome);

// The outcome of a task that returned: of a string that is too long for a message, its length.
nlohmann::json value(nlohmann::json returned);

// `native` of an outcome: the pool's own error, cut to 2,000 characters of text.
nlohmann::json native(const std::string& type, const std::string& text);

}  // namespace poolproof::adapter
