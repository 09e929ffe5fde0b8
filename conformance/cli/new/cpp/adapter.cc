// Drives my_pool for poolproof. It only translates: no judgement, no timeout, no retry.
#include <poolproof/adapter/bodies.h>
#include <poolproof/adapter/line.h>
#include <poolproof/adapter/serve.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "my_pool.h"

namespace adapter = poolproof::adapter;
using nlohmann::json;

// Runs in a worker: does what the request says, as the kit does it for every pool.
static std::string run(const std::string& request) {
  const json task = json::parse(request);
  const adapter::Place place{task["task"], task["ledger"], task["rendezvous"]};
  if (task["body"] == "rendezvous") return adapter::rendezvous(place, task["value"]);
  if (task["body"] == "large") return json(adapter::large(place, task["bytes"])).dump();
  return adapter::echo(place, task["value"]);
}

static json outcome_of(const Ending& ending) {
  switch (ending.how) {
    case Ending::How::kReturned:
      return adapter::value(json::parse(ending.text));
    case Ending::How::kThrew:
      return {{"kind", "task-error"}, {"native", adapter::native("std::exception", ending.text)}};
    case Ending::How::kDied:
      break;
  }
  return {{"kind", "worker-lost"}, {"native", adapter::native("Ending::kDied", ending.text)}};
}

class MyAdapter : public adapter::Pool {
 public:
  explicit MyAdapter(const adapter::Line& line) : line_(line) {}

  void open(int workers) override { pool_ = std::make_unique<MyPool>(workers, run); }

  void submit(const adapter::Submission& task) override {
    const json request = {{"task", task.place.task},
                          {"ledger", task.place.ledger},
                          {"rendezvous", task.place.rendezvous},
                          {"body", task.body},
                          {"value", task.value},
                          {"bytes", task.bytes}};
    pool_->submit(request.dump(), [this, task](const Ending& ending) {
      adapter::done(line_, *this, task, outcome_of(ending));
    });
  }

  void cancel(const std::string&) override {
    throw adapter::Refused("my_pool cancels nothing");  // so its hello does not declare `cancel`
  }

  void close(const std::string&) override { pool_.reset(); }

 private:
  const adapter::Line& line_;
  std::unique_ptr<MyPool> pool_;
};

int main() {
  const adapter::Line line;  // must be first: it takes the line away from fd 0 and fd 1
  MyAdapter mine(line);
  const adapter::Hello hello = {
      .pool = "my_pool",
      .version = "0.1",
      .language = "C++",
      // What the pool can do: words of the list in protocol.md.
      .capabilities = {"worker_processes", "done_callback", "close_drain"},
      .recovers = "replaces",  // a dead worker is replaced; or "breaks", or "recreate"
      .longest_wait_s = 0,
      .longest_wait_source = "no wait of it has a limit",
  };
  adapter::serve(line, hello, mine);
}
