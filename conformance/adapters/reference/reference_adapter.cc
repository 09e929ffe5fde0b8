// Drives our own executor for the harness, which judges it like every other pool (L1).
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "conformance/adapters/cpp/bodies.h"
#include "conformance/adapters/cpp/line.h"
#include "conformance/adapters/cpp/serve.h"
#include "conformance/adapters/reference/outcome.h"
#include "poolproof/executor.h"

namespace poolproof::adapter {
namespace {

const std::string& text_in(const std::string& value) { return value; }
const std::string& text_in(const CarriedResult& result) { return result.value; }

class ReferencePool : public Pool {
 public:
  explicit ReferencePool(const Line& line) : line_(line) {}

  void open(int workers) override {
    executor_ = std::make_unique<Executor>(ExecutorOptions{.workers = workers});
  }

  void submit(const Submission& task) override {
    TaskOptions options;
    if (task.deadline_ms) options.deadline = std::chrono::milliseconds(*task.deadline_ms);
    try {
      if (task.body == "carry") {
        const CarriedArgument argument{task.place, task.stage, task.value};
        report(task.place.task, executor_->submit(options, carry, argument));
      } else {
        const auto body = task.body == "echo" ? echo : rendezvous;
        report(task.place.task, executor_->submit(options, body, task.place, task.value));
      }
    } catch (...) {
      settle(line_, task.place.task, outcome_of(std::current_exception(), task.place.task, 0));
    }
  }

  void cancel(const std::string& id) override {
    if (const auto found = futures_.find(id); found != futures_.end()) found->second.cancel();
  }

  void close(const std::string& how) override {
    executor_->shutdown({.pending = how == "drain" ? Pending::kDrain : Pending::kCancel,
                         .running = how == "kill" ? Running::kKill : Running::kFinish});
    executor_.reset();  // the shutdown of a C++ object includes its end
    futures_.clear();
  }

 private:
  template <class T>
  void report(const std::string& id, Future<T> future) {
    futures_[id] = future.then([this, id](Future<T> settled) {
      const TaskId task = settled.id();
      nlohmann::json outcome = {{"kind", "value"}};
      try {
        outcome["value"] = nlohmann::json::parse(text_in(settled.get()));
      } catch (...) {
        outcome = outcome_of(std::current_exception(), id, task);
      }
      settle(line_, id, outcome);
    });
  }

  const Line& line_;
  std::map<std::string, Future<void>> futures_;  // for cancel; only the main thread looks in
  std::unique_ptr<Executor> executor_;
};

Hello facts() {
  return {
      .pool = "poolproof::Executor",
      .version = POOLPROOF_VERSION,
      .language = "C++",
      .capabilities = {"worker_processes", "arguments_cross", "results_cross", "task_deadline",
                       "cancel", "close_drain", "close_cancel", "close_kill"},
      .recovers = "replaces",
      .longest_wait_s = 2,
      .longest_wait_source =
          "executor/include/poolproof/options.h, stop_grace; nothing polls "
          "(executor/README.md)",
  };
}

}  // namespace
}  // namespace poolproof::adapter

int main() {
  const poolproof::adapter::Line line;  // the first act
  poolproof::adapter::ReferencePool pool(line);
  poolproof::adapter::serve(line, poolproof::adapter::facts(), pool);
  return 0;
}
