// Drives the toy pool for poolproof. It only translates, and judges nothing.
#include <poolproof/adapter/bodies.h>
#include <poolproof/adapter/line.h>
#include <poolproof/adapter/serve.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "toy_pool.h"

namespace adapter = poolproof::adapter;
using nlohmann::json;

// Runs in a worker: does what the request says, as the kit does it for every pool.
std::string run(const std::string& request) {
  const json task = json::parse(request);
  const adapter::Place place{task["task"], task["ledger"], task["rendezvous"]};
  return task["body"] == "echo" ? adapter::echo(place, task["value"])
                                : adapter::rendezvous(place, task["value"]);
}

json outcome_of(const Reply& reply) {
  if (reply.worker_died) return {{"kind", "worker-lost"}};
  if (reply.threw) {
    return {{"kind", "task-error"}, {"native", adapter::native("std::exception", reply.text)}};
  }
  return adapter::value(json::parse(reply.text));
}

class Toy : public adapter::Pool {
 public:
  explicit Toy(const adapter::Line& line) : line_(line) {}

  void open(int workers) override { pool_ = std::make_unique<ToyPool>(workers, run); }

  void submit(const adapter::Submission& task) override {
    const json request = {{"task", task.place.task},
                          {"ledger", task.place.ledger},
                          {"rendezvous", task.place.rendezvous},
                          {"body", task.body},
                          {"value", task.value}};
    pool_->submit(request.dump(), [this, id = task.place.task](const Reply& reply) {
      adapter::settle(line_, id, outcome_of(reply));
    });
  }

  void cancel(const std::string&) override { throw adapter::Refused("the toy cancels nothing"); }
  void close(const std::string&) override { pool_.reset(); }

 private:
  const adapter::Line& line_;
  std::unique_ptr<ToyPool> pool_;
};

int main() {
  const adapter::Line line;  // must be first: see the adapter protocol
  Toy toy(line);
  const adapter::Hello hello = {
      .pool = "ToyPool",
      .version = "1",
      .language = "C++",
      .capabilities = {"worker_processes", "close_drain"},
      .recovers = "replaces",
      .longest_wait_s = 1,
      .longest_wait_source = "toy_pool.cc: end() waits so long for a worker to go by itself",
  };
  adapter::serve(line, hello, toy);
}
