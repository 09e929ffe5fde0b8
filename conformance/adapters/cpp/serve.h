// An adapter's conversation: says hello, hands each command to the pool, answers. Holds no opinion.
#pragma once

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
  std::optional<int> deadline_ms;
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
  virtual void open(int workers) = 0;               // never while one is open
  virtual void submit(const Submission& task) = 0;  // sees to it that `settle` is called, once
  virtual void cancel(const std::string& id) = 0;
  virtual void close(const std::string& how) = 0;  // returns when the pool's own call has returned
};

void serve(const Line& line, const Hello& hello, Pool& pool);  // returns at `bye`

// Tells how a task ended; from any thread.
void settle(const Line& line, const std::string& id, const nlohmann::json& outcome);

// `native` of an outcome: the pool's own error, cut to 2,000 characters of text.
nlohmann::json native(const std::string& type, const std::string& text);

}  // namespace poolproof::adapter
