// Drives our own executor for the harness, which judges it like every other pool (L1).
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

#include "conformance/adapters/cpp/bodies.h"
#include "conformance/adapters/cpp/line.h"
#include "conformance/adapters/cpp/serve.h"
#include "conformance/adapters/reference/outcome.h"
#include "generated/words.h"
#include "poolproof/executor.h"

namespace poolproof::adapter {
namespace {

using nlohmann::json;

json value_in(const std::string& text) { return json::parse(text); }
json value_in(const CarriedResult& result) { return json::parse(result.value); }

void initialize(Place place) { write_ledger(place, Entry::kInit); }

class ReferencePool : public Pool {
 public:
  ReferencePool(const Line& line, OnDeath on_death) : line_(line), on_death_(on_death) {}

  void open(int workers) override { open_as({.workers = workers}); }

  void open_as(const Opening& opening) override {
    ExecutorOptions options{.workers = opening.workers,
                            .on_death = on_death_,
                            .tasks_per_worker = opening.tasks_per_worker.value_or(0)};
    if (opening.initializer)
      options.initializer = make_initializer(initialize, *opening.initializer);
    executor_ = std::make_unique<Executor>(std::move(options));
  }

  void resize(int workers) override { executor_->resize(workers); }

  void submit(const Submission& task) override {
    TaskOptions options;
    if (task.deadline_ms) options.deadline = std::chrono::milliseconds(*task.deadline_ms);
    try {
      if (task.body == "carry") {
        const CarriedArgument argument{task.place, task.stage, task.value};
        report(task, executor_->submit(options, carry, argument));
      } else if (task.body == "large") {
        report(task, executor_->submit(options, large, task.place, task.bytes));
      } else {
        const auto body = task.body == "echo" ? echo : rendezvous;
        report(task, executor_->submit(options, body, task.place, task.value));
      }
    } catch (...) {
      const std::string& id = task.place.task;
      settle(line_, id, outcome_of(std::current_exception(), id, 0));
    }
  }

  void cancel(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = futures_.find(id); found != futures_.end()) found->second.cancel();
  }

  void close(const std::string& how) override {
    executor_->shutdown({.pending = how == "drain" ? Pending::kDrain : Pending::kCancel,
                         .running = how == "kill" ? Running::kKill : Running::kFinish});
    // In C++ the destructor is part of the shutdown; until it has run, a done-callback may still
    // submit.
    executor_.get_deleter()(executor_.get());
    static_cast<void>(executor_.release());
    const std::lock_guard lock(mutex_);
    futures_.clear();
  }

 private:
  template <class T>
  void report(const Submission& task, Future<T> future) {
    auto settled = future.then([this, task](Future<T> ended) {
      done(line_, *this, task, outcome(task, std::move(ended)));
    });
    const std::lock_guard lock(mutex_);
    futures_[task.place.task] = std::move(settled);
  }

  template <class T>
  static json outcome(const Submission& task, Future<T> ended) {
    const TaskId id = ended.id();
    try {
      if constexpr (std::is_same_v<T, std::string>) {
        std::string text = ended.get();  // the letters of `large`; JSON for all other bodies
        return value(task.body == "large" ? json(std::move(text)) : value_in(text));
      } else {
        return value(value_in(ended.get()));
      }
    } catch (...) {
      return outcome_of(std::current_exception(), task.place.task, id);
    }
  }

  const Line& line_;
  const OnDeath on_death_;
  std::mutex mutex_;                             // because a done-callback also submits
  std::map<std::string, Future<void>> futures_;  // for cancel
  std::unique_ptr<Executor> executor_;
};

Hello facts(OnDeath on_death) {
  const bool breaks = on_death == OnDeath::kBreakPool;
  return {
      .pool = breaks ? "poolproof::Executor, OnDeath::kBreakPool" : "poolproof::Executor",
      .version = POOLPROOF_VERSION,
      .language = "C++",
      .capabilities = {words::kCapabilities.begin(), words::kCapabilities.end()},  // every one
      .recovers = breaks ? "breaks" : "replaces",
      .longest_wait_s = 2,
      .longest_wait_source =
          "executor/include/poolproof/options.h, stop_grace; nothing polls "
          "(executor/README.md)",
  };
}

}  // namespace
}  // namespace poolproof::adapter

int main(int argc, char** argv) {
  const poolproof::adapter::Line line;  // must be first
  const std::string_view mode = argc > 1 ? argv[1] : "replaces";
  if (argc > 2 || (mode != "replaces" && mode != "breaks")) {
    std::cerr << "reference_adapter: say `replaces` or `breaks`, or nothing for `replaces`\n";
    return 2;
  }
  const auto on_death =
      mode == "breaks" ? poolproof::OnDeath::kBreakPool : poolproof::OnDeath::kReplace;
  poolproof::adapter::ReferencePool pool(line, on_death);
  poolproof::adapter::serve(line, poolproof::adapter::facts(on_death), pool);
  return 0;
}
