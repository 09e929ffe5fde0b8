#include "fuzz/model/commands.h"

#include <signal.h>

#include <chrono>
#include <numeric>
#include <ostream>
#include <thread>
#include <vector>

#include "poolproof/map.h"

namespace poolproof::fuzz::model {
namespace {

using namespace std::chrono_literals;
namespace gen = rc::gen;

std::size_t one_of(const std::vector<std::size_t>& tasks) {
  RC_PRE(!tasks.empty());
  return *gen::elementOf(tasks);
}

bool runs(const Pool& model, std::size_t task) {
  return task < model.tasks.size() && model.tasks[task].state == State::kRunning;
}

Task any_task() {
  Task task;
  task.body = *gen::weightedElement<Body>({{3, Body::kReturns},
                                           {1, Body::kThrows},
                                           {1, Body::kRaises},
                                           {1, Body::kExits},
                                           {1, Body::kFreezes},
                                           {6, Body::kHeld}});
  task.number = task.body == Body::kRaises ? *gen::element(SIGKILL, SIGSEGV, SIGABRT, SIGTERM)
                                           : *gen::inRange(0, 100);
  task.retries = *gen::weightedElement<int>({{1, 0}, {1, 1}, {1, 2}});
  task.by_callback = *gen::arbitrary<bool>();
  return task;
}

std::ostream& operator<<(std::ostream& out, const Task& task) {
  const char* bodies[] = {"returns", "throws", "raises", "exits", "freezes", "is held, returns"};
  out << "one that " << bodies[static_cast<int>(task.body)] << " " << task.number;
  if (task.retries > 0) out << ", with " << task.retries << " retries";
  if (task.by_callback) out << ", seen through a callback";
  return out;
}

struct Submit : Command {
  explicit Submit(const Pool&) : task(any_task()) {}
  void apply(Pool& model) const override {
    if (!model.refusal()) model.submit(task);
  }
  void run(const Pool& before, Stage& stage) const override {
    RC_ASSERT((stage.refusal_of(task) == before.refusal()));
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override { out << "submit " << task; }
  Task task;
};

struct LetGo : Command {
  explicit LetGo(const Pool& model) : task(one_of(model.running())) {}
  void checkPreconditions(const Pool& model) const override { RC_PRE(runs(model, task)); }
  void apply(Pool& model) const override { model.finish(task); }
  void run(const Pool& before, Stage& stage) const override {
    stage.let_go(task);
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override { out << "let go task " << task; }
  std::size_t task;
};

// A task that was cancelled while it ran must not run again.
struct KillBusy : Command {
  explicit KillBusy(const Pool& model) : task(one_of(model.running())) {}
  void checkPreconditions(const Pool& model) const override { RC_PRE(runs(model, task)); }
  void apply(Pool& model) const override {
    if (cancelled) model.cancel(task, false);
    model.dies(task);
  }
  void run(const Pool& before, Stage& stage) const override {
    if (cancelled) stage.future(task).cancel();
    stage.heard();
    stage.strike(task, SIGKILL);
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override {
    out << (cancelled ? "cancel, and then " : "") << "kill the worker of task " << task;
  }
  std::size_t task;
  bool cancelled = *gen::arbitrary<bool>();
};

// Kills the worker that has just run a task. If workers are recycled, it may already be ending, and
// then this is not a death.
struct KillIdle : Command {
  void checkPreconditions(const Pool& model) const override {
    RC_PRE(model.has_room() && !model.refusal());
    RC_PRE(model.tasks_per_worker == 0 && !model.idle_workers_end);
  }
  void apply(Pool& model) const override {
    model.submit({});
    model.loses_a_worker();
  }
  void run(const Pool& before, Stage& stage) const override {
    Pool model = before;
    model.submit({});
    stage.submit({});
    stage.follow(model);
    stage.strike_at_rest(before.tasks.size());
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override { out << "submit, and kill the idle worker"; }
};

// The one idle worker is stopped, so that it gets an offer and cannot begin. Then it dies.
struct KillOffered : Command {
  explicit KillOffered(const Pool&) {}
  void checkPreconditions(const Pool& model) const override {
    RC_PRE((static_cast<int>(model.running().size()) == model.workers - 1 && !model.refusal()));
    RC_PRE(model.tasks_per_worker == 0 && !model.idle_workers_end);
  }
  void apply(Pool& model) const override {
    model.submit({});
    model.tasks.push_back(task);
    if (cancelled) model.cancel(model.tasks.size() - 1, false);
    model.loses_a_worker();
  }
  void run(const Pool& before, Stage& stage) const override {
    const std::size_t first = before.tasks.size();
    Pool model = before;
    model.submit({});
    stage.submit({});
    stage.follow(model);
    stage.freeze(first);
    stage.submit(task);
    stage.heard();  // it has the offer by now; an earlier cancel would end it in the queue
    if (cancelled) stage.future(first + 1).cancel();
    stage.heard();
    stage.strike(first, SIGKILL);
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override {
    out << "offer " << task << (cancelled ? ", cancel it," : "") << " to a worker that dies";
  }
  Task task = any_task();
  bool cancelled = *gen::arbitrary<bool>();
};

// This alone changes nothing. Whatever the model does next to the task, it does to a frozen one.
struct Freeze : Command {
  explicit Freeze(const Pool& model) : task(one_of(model.running())) {}
  void checkPreconditions(const Pool& model) const override { RC_PRE(runs(model, task)); }
  void apply(Pool&) const override {}
  void run(const Pool& before, Stage& stage) const override {
    stage.freeze(task);
    stage.follow(before);
  }
  void show(std::ostream& out) const override { out << "freeze the worker of task " << task; }
  std::size_t task;
};

struct Cancel : Command {
  explicit Cancel(const Pool& model) {
    std::vector<std::size_t> open = model.running();
    for (const std::size_t each : model.queued()) open.push_back(each);
    task = one_of(open);
    kill = *gen::arbitrary<bool>();
  }
  void checkPreconditions(const Pool& model) const override {
    // In its own parentheses: the macro would evaluate both sides.
    RC_PRE((task < model.tasks.size() && model.tasks[task].state != State::kEnded));
  }
  void apply(Pool& model) const override { model.cancel(task, kill); }
  void run(const Pool& before, Stage& stage) const override {
    stage.future(task).cancel({.running = kill ? Running::kKill : Running::kFinish});
    // If nothing ends, there is no answer to wait for: then this waits until the request was heard.
    stage.heard();
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override {
    out << "cancel task " << task << (kill ? ", kill it if it runs" : "");
  }
  std::size_t task = 0;
  bool kill = false;
};

// It ends at its deadline and harms no other task.
struct OverdueInQueue : Command {
  void checkPreconditions(const Pool& model) const override {
    RC_PRE(!model.refusal() && !model.has_room());
  }
  void run(const Pool& before, Stage& stage) const override {
    Future<int> late = stage.executor().submit(
        TaskOptions{.deadline = 1ms}, [](int x) { return x; }, 1);
    const Ended ended = end_of(late);
    RC_ASSERT((ended.end == End::kDeadline && !ended.failure.started));
    stage.follow(before);
  }
  void show(std::ostream& out) const override { out << "submit one that is overdue in the queue"; }
};

struct Resize : Command {
  explicit Resize(const Pool& model) {
    // If a death breaks the pool, a task that begins together with one that dies may end in either
    // way.
    to = model.a_death_breaks_it ? model.workers + 1 : *gen::inRange(1, 5);
  }
  void checkPreconditions(const Pool& model) const override {
    RC_PRE(to <= 6 && (!model.a_death_breaks_it || to == model.workers + 1));
  }
  void apply(Pool& model) const override {
    if (model.refusal()) return;
    // Only the pool knows which running tasks are in the places that go. So none is left running.
    std::vector<std::size_t> old;
    if (to < model.workers) old = model.running();
    model.resize(to);
    for (const std::size_t task : old) model.finish(task);
  }
  void run(const Pool& before, Stage& stage) const override {
    std::optional<End> refusal;
    try {
      stage.executor().resize(to);
    } catch (const ShutdownExecutorError&) {
      refusal = End::kShutdown;
    } catch (const BrokenProcessPool&) {
      refusal = End::kPoolBroken;
    }
    RC_ASSERT((refusal == before.refusal()));
    const Pool after = nextState(before);
    if (!refusal && to < before.workers) {
      for (const std::size_t task : before.running()) {
        stage.let_go(task);
        stage.follow_end(after, task);
      }
    }
    stage.follow(after);
  }
  void show(std::ostream& out) const override {
    out << "resize to " << to << "; if that is fewer, let go what runs";
  }
  int to = 1;
};

// Elements of a map, one of which may fail: the others have their values, in their order.
struct Map : Command {
  explicit Map(const Pool& model) {
    size = *gen::inRange(1, 8);
    bad = *gen::inRange(-1, size);
    crashes = !model.a_death_breaks_it && *gen::arbitrary<bool>();
  }
  void checkPreconditions(const Pool& model) const override {
    RC_PRE(!model.refusal() && model.has_room() && !(crashes && model.a_death_breaks_it));
  }
  void run(const Pool& before, Stage& stage) const override {
    std::vector<int> input(static_cast<std::size_t>(size));
    std::iota(input.begin(), input.end(), 0);
    auto results = map(stage.executor(),
                       [bad = bad, crashes = crashes](int x) {
                         if (x == bad && crashes) raise(SIGKILL);
                         if (x == bad) throw std::out_of_range("bad");
                         return 2 * x;
                       },
                       input, {.chunk = 1, .timeout = 60s});
    for (int i = 0; i < size; ++i) {
      try {
        const std::optional<int> value = results.next();
        RC_ASSERT(value.has_value() && *value == 2 * i && i != bad);
      } catch (const TerminatedWorkerError&) {
        RC_ASSERT(crashes && i == bad);
      } catch (const TaskError&) {
        RC_ASSERT(!crashes && i == bad);
      }
    }
    RC_ASSERT(!results.next().has_value());
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override {
    out << "map " << size << " elements";
    if (bad >= 0) out << ", of which number " << bad << (crashes ? " crashes" : " throws");
  }
  int size = 1, bad = -1;
  bool crashes = false;
};

struct SubmitInCallback : Command {
  void checkPreconditions(const Pool& model) const override {
    RC_PRE(!model.refusal() && model.has_room());
  }
  void run(const Pool& before, Stage& stage) const override {
    Executor& pool = stage.executor();
    const auto next = [](int x) { return x + 1; };
    Future<int> second;
    Future<int> first = pool.submit(next, 1).then([&](int x) {
      second = pool.submit(next, x);      // waited for outside the callback
      return pool.submit(next, x).get();  // and inside it
    });
    const Ended ended = end_of(first);
    RC_ASSERT((ended.end == End::kValue && ended.value == 3));
    RC_ASSERT(end_of(second).value == 3);
    stage.follow(nextState(before));
  }
  void show(std::ostream& out) const override { out << "submit in a callback"; }
};

struct Shutdown : Command {
  Shutdown() = default;
  explicit Shutdown(const Pool&) {
    cancel = *gen::arbitrary<bool>();
    kill = *gen::arbitrary<bool>();
  }
  void apply(Pool& model) const override {
    model.shut_down(cancel, kill);
    for (std::vector<std::size_t> left; !(left = model.running()).empty();) {
      model.finish(left.front());
    }
  }
  void run(const Pool& before, Stage& stage) const override {
    Pool model = before;
    model.shut_down(cancel, kill);
    std::thread caller([&] {
      stage.executor().shutdown({.pending = cancel ? Pending::kCancel : Pending::kDrain,
                                 .running = kill ? Running::kKill : Running::kFinish});
    });
    struct Join {  // also if a claim does not hold: the kill then lets the caller return
      ~Join() {
        if (failed) executor.shutdown({.running = Running::kKill});
        caller.join();
      }
      Executor& executor;
      std::thread& caller;
      bool failed = true;
    } join{stage.executor(), caller};
    stage.follow(model);
    for (std::vector<std::size_t> left; !(left = model.running()).empty();) {
      stage.let_go(left.front());
      model.finish(left.front());
      stage.follow(model);
    }
    join.failed = false;
  }
  void show(std::ostream& out) const override {
    out << "shut down; " << (cancel ? "cancel" : "drain") << " the queue, "
        << (kill ? "kill" : "let go") << " what runs";
  }
  bool cancel = false, kill = false;
};

}  // namespace

rc::Gen<Commands> commands_for(const Pool& begin) {
  // A command that is named more than once is chosen more often. A shutdown leaves little to do, so
  // it is rare.
  const auto next = rc::state::gen::execOneOfWithArgs<
      Submit, Submit, Submit, Submit, Submit, Submit, Submit, Submit, LetGo, LetGo, LetGo, LetGo,
      KillBusy, KillBusy, KillBusy, KillBusy, KillIdle, KillOffered, KillOffered, Freeze, Cancel,
      Cancel, Resize, Map, SubmitInCallback, OverdueInQueue, Shutdown>();
  return rc::state::gen::commands(begin, next);
}

std::shared_ptr<const Command> last_command() { return std::make_shared<Shutdown>(); }

}  // namespace poolproof::fuzz::model
