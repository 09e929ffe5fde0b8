// Any sequence of events keeps the invariants: of the life-cycle table alone, and of the whole
// supervisor with misbehaving workers, failing spawns, deadlines, cancels and shutdowns.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <signal.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "executor/supervise/lifecycle.h"
#include "executor/supervise/supervisor.h"
#include "fuzz/property.h"
#include "fuzz/supervisor_model.h"

namespace poolproof::supervise {
namespace {

using namespace std::chrono_literals;
using transport::Frame;
using transport::FrameKind;

// What one worker's life may contain, described by the actions of its rows.
struct Life {
  State state = State::kStarting;
  bool holds = false, claimed = false, killed = false, reaped = false, deaf = false;
  bool kill_failed = false;

  void live(Event event) {
    const Row& row = row_for(state, event);
    RC_ASSERT(is_ours(event) || row.action != Action::kBug);
    if (row.action == Action::kBug) return;  // our side never makes this event
    check(row, event);
    state = row.next;
  }

  void check(const Row& row, Event event) {
    const Action does = row.action;
    RC_ASSERT((does == Action::kReap) == (event == Event::kExit && !reaped));
    RC_ASSERT((row.next == State::kReaped) == (reaped || does == Action::kReap));
    if (does == Action::kAbandon) RC_ASSERT(killed && kill_failed);
    if (does == Action::kSendOffer) RC_ASSERT(!holds && !killed);
    if (does == Action::kSendWithdraw) RC_ASSERT(holds && !claimed && !killed);
    if (does == Action::kSendStop) RC_ASSERT(!holds && !killed);
    if (does == Action::kSettle) RC_ASSERT(holds && claimed);
    if (does == Action::kTimeTaking || does == Action::kTimeRun) RC_ASSERT(!killed && !reaped);
    if (does == Action::kTakeBack) RC_ASSERT(holds && !claimed);
    if (does == Action::kNoteClaim && !killed) RC_ASSERT(holds && !claimed);
    const bool kills = does == Action::kKill || does == Action::kKillLost ||
                       does == Action::kKillOverdue || does == Action::kKillLate ||
                       does == Action::kRefuse || does == Action::kKillOverrun ||
                       does == Action::kKillViolator;
    if (kills) RC_ASSERT(!killed && !reaped);
    if (deaf)
      RC_ASSERT(does == Action::kNothing || does == Action::kNoteClaim || does == Action::kReap ||
                does == Action::kNoteKillFailed || does == Action::kAbandon ||
                // This action checks for a violation itself.
                (does == Action::kSettleLate && state == State::kUnkilled));
    note(does, kills);
  }

  void note(Action does, bool kills) {
    if (does == Action::kSendOffer) holds = true;
    if (does == Action::kNoteClaim) claimed = true;
    if (does == Action::kSettle || does == Action::kTakeBack) holds = claimed = false;
    killed |= kills;
    deaf |= does == Action::kKillViolator;
    kill_failed |= does == Action::kNoteKillFailed;
    reaped |= does == Action::kReap;
  }
};

TEST(LifecycleProperty, any_sequence_of_events_is_a_life_that_the_laws_allow) {
  fuzz::holds("life", 5000, [] {
    const auto events =
        *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, static_cast<int>(kEvents)));
    Life life;
    for (const int event : events) life.live(static_cast<Event>(event));
  });
}

// A step of a script: what happens, to which worker or task, and how.
using Step = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>;

class Script {
 public:
  explicit Script(const SupervisorOptions& options)
      : supervisor_(options), model_(options.workers) {}

  void play(const Step& step) {
    const auto [what, whom, how] = step;
    switch (what % 16) {
      case 0:
      case 1:
        submit(how);
        break;
      case 2:
        inputs_.push_back(CancelAsked{1 + whom % (last_task_ + 1),
                                      how % 4 < 2 ? Running::kFinish : Running::kKill});
        break;
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        behave(whom, how);
        break;
      case 8:
        misbehave(whom, how);
        break;
      case 9:
        with(whom, [&](WorkerId id, auto&) { inputs_.push_back(GarbageCame{id, "noise"}); });
        break;
      case 10:
        with(whom, [&](WorkerId id, auto& worker) {
          worker.hung_up = true;
          inputs_.push_back(ChannelEnded{id});
        });
        break;
      case 11:
        end(whom, how);
        break;
      case 12:
        fail_spawns_ = how % 4;
        fail_kills_ = how >= 128;
        break;
      case 13:
        now_ += std::chrono::milliseconds(how * 8);
        break;
      case 14:
        if (how < 16) shut_down(how);
        break;
      default:
        if (how < 64) inputs_.push_back(ResizeAsked{1 + how % 5});
        if (how % 2 == 0) inputs_.push_back(HealthAsked{1});
        if (how % 4 == 1) {
          with(whom, [&](WorkerId id, auto&) {
            inputs_.push_back(PayloadMoved{id, how % 8 == 1});
          });
        }
        break;
    }
    if (how % 3 != 0) flush();  // otherwise it happens together with the next step
  }

  // In every case: once the pool is killed and every process has ended, every future has ended.
  void finish() {
    flush();
    inputs_.push_back(ShutdownAsked{.pending = Pending::kDrain, .running = Running::kKill});
    flush();
    for (int rounds = 0; rounds < 3 && !model_.finished(); ++rounds) {
      for (const auto& [id, worker] : model_.workers()) {
        inputs_.push_back(WorkerExited{id, Signaled{SIGKILL, false}});
      }
      flush();
    }
    RC_ASSERT(model_.finished());
    for (const auto& [id, task] : model_.tasks()) RC_ASSERT(task.ended);
    RC_ASSERT(!supervisor_.next_deadline());
  }

 private:
  void submit(std::uint8_t how) {
    if (closed_) return;
    TaskSubmitted task{++last_task_, std::make_shared<const transport::Payload>(Bytes(1))};
    if (how % 8 == 1) task.run_limit = std::chrono::milliseconds(how * 4);
    if (how % 8 == 2) task.retries = how / 64;
    if (how % 4 == 0) task.deadline = now_ + std::chrono::milliseconds(how * 4);
    inputs_.push_back(std::move(task));
  }

  // The `whom`th worker that can still send something, if there is one.
  template <class Do>
  void with(std::uint8_t whom, Do act) {
    std::vector<WorkerId> able;
    for (const auto& [id, worker] : model_.workers()) {
      if (!worker.hung_up && !ending_.contains(id)) able.push_back(id);
    }
    if (able.empty()) return;
    const WorkerId id = able[whom % able.size()];
    act(id, model_.worker(id));
  }

  // It sends what a correct worker would send next.
  void behave(std::uint8_t whom, std::uint8_t how) {
    with(whom, [&](WorkerId id, const SupervisorModel::Worker& worker) {
      Frame frame{FrameKind::kHello, worker.task, {}};
      if (worker.said_hello && worker.task == 0) return;
      if (!worker.said_hello && worker.was_sent_initializer) {
        if (!worker.began_initializer) frame.kind = FrameKind::kInitBegun;
        if (worker.began_initializer && how % 16 == 0) {
          frame = {FrameKind::kFailed, 0,
                   transport::to_bytes(Failure{.text = "no", .type_name = "Refusal"})};
        }
      }
      if (worker.said_hello) frame.kind = worker.claimed ? FrameKind::kValue : FrameKind::kClaim;
      if (worker.asked_back && !worker.claimed && how % 2 == 0) frame.kind = FrameKind::kWithdrawn;
      if (frame.kind == FrameKind::kValue && how % 8 == 3) {
        inputs_.push_back(FrameCame{id, {FrameKind::kMemory, TaskId{how} << 16, {}}});
      }
      inputs_.push_back(FrameCame{id, frame});
      flush();
    });
  }

  void misbehave(std::uint8_t whom, std::uint8_t how) {
    with(whom, [&](WorkerId id, const SupervisorModel::Worker& worker) {
      const TaskId task = how % 2 == 0 ? worker.task : whom % (last_task_ + 2);
      inputs_.push_back(
          FrameCame{id, {static_cast<FrameKind>(1 + how % 12), task, Bytes(how % 3)}});
    });
  }

  void end(std::uint8_t whom, std::uint8_t how) {
    std::vector<WorkerId> alive;
    for (const auto& [id, worker] : model_.workers()) {
      if (!ending_.contains(id)) alive.push_back(id);
    }
    if (alive.empty()) return;
    const WorkerId id = alive[whom % alive.size()];
    ending_.insert(id);
    const ExitStatus statuses[] = {Exited{how}, Signaled{SIGKILL, false}, Signaled{SIGSEGV, true},
                                   Unseen{}};
    inputs_.push_back(WorkerExited{id, statuses[how % 4], how % 5 == 0});
  }

  void shut_down(std::uint8_t how) {
    closed_ = true;
    ShutdownAsked asked;
    asked.pending = how % 2 == 0 ? Pending::kDrain : Pending::kCancel;
    asked.running = how % 8 == 1 ? Running::kKill : Running::kFinish;
    if (how % 3 == 0) asked.until = now_ + 2s;
    inputs_.push_back(asked);
  }

  void flush() {
    do {
      // The model must get the inputs in the supervisor's order: messages first.
      std::stable_partition(inputs_.begin(), inputs_.end(), [](const Input& input) {
        return std::holds_alternative<FrameCame>(input);
      });
      for (const Input& input : inputs_) model_.told(input);
      std::vector<Order> orders = supervisor_.step(std::exchange(inputs_, {}), now_);
      for (const Order& order : orders) {
        const auto broken = model_.ordered(order);
        if (broken) RC_FAIL(*broken);
        answer(order);
      }
    } while (!inputs_.empty());
  }

  void answer(const Order& order) {
    if (const auto* kill = std::get_if<KillWorker>(&order); kill != nullptr && fail_kills_) {
      inputs_.push_back(KillFailed{kill->worker, {"pidfd_send_signal", EPERM}});
    }
    if (const auto* abandoned = std::get_if<AbandonWorker>(&order)) {
      inputs_.push_back(
          WorkerExited{.worker = abandoned->worker, .exit = Unseen{}, .abandoned = true});
    }
    const auto* spawn = std::get_if<SpawnWorker>(&order);
    if (spawn == nullptr) return;
    if (fail_spawns_ > 0) {
      --fail_spawns_;
      inputs_.push_back(SpawnFailed{spawn->worker, {"posix_spawn", EAGAIN}});
    } else {
      inputs_.push_back(WorkerSpawned{spawn->worker, static_cast<int>(1000 + spawn->worker)});
    }
  }

  Supervisor supervisor_;
  SupervisorModel model_;
  std::vector<Input> inputs_;
  std::set<WorkerId> ending_;
  Instant now_ = Instant() + 1h;
  TaskId last_task_ = 0;
  int fail_spawns_ = 0;
  bool fail_kills_ = false;
  bool closed_ = false;
};

TEST(SupervisorProperty, any_sequence_of_happenings_keeps_the_laws_and_ends_every_future) {
  fuzz::holds("pool", 3000, [] {
    SupervisorOptions options{.workers = 3,
                              .initializer_limit = 1s,
                              .start_limit = 2s,
                              .channel_grace = 500ms,
                              .stop_grace = 1s};
    if (*rc::gen::arbitrary<bool>()) options.on_death = OnDeath::kBreakPool;
    if (*rc::gen::arbitrary<bool>()) options.idle_timeout = 300ms * *rc::gen::inRange(0, 2);
    if (*rc::gen::arbitrary<bool>()) options.tasks_per_worker = 2;
    if (*rc::gen::arbitrary<bool>()) options.memory_growth = 1 << 20;
    if (*rc::gen::arbitrary<bool>()) {
      options.initializer = std::make_shared<const transport::Payload>(Bytes(1));
    }
    Script script(options);
    for (const Step& step : *rc::gen::arbitrary<std::vector<Step>>()) script.play(step);
    script.finish();
  });
}

}  // namespace
}  // namespace poolproof::supervise
