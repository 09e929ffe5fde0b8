// What happens to the pool when something happens: step(inputs, now) -> orders.
//
// Pure but for its own memory: no system call, no clock, no thread; loop.h feeds it and carries its
// orders out. It is the only owner of what is known about workers and unfinished tasks.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "executor/supervise/death.h"
#include "executor/supervise/lifecycle.h"
#include "executor/supervise/messages.h"
#include "executor/supervise/scheduling.h"

namespace poolproof::supervise {

struct SupervisorOptions {
  int workers = 1;
  OnDeath on_death = OnDeath::kReplace;
  transport::SharedPayload initializer = nullptr;  // null: none
  std::chrono::nanoseconds initializer_limit = std::chrono::seconds(60);
  std::optional<std::chrono::nanoseconds> idle_timeout = {};
  int tasks_per_worker = 0;       // 0: any number
  std::size_t memory_growth = 0;  // 0: any
  std::chrono::nanoseconds start_limit = std::chrono::seconds(30);
  std::chrono::nanoseconds channel_grace = std::chrono::milliseconds(500);
  std::chrono::nanoseconds stop_grace = std::chrono::seconds(2);
};

class Supervisor {
 public:
  // A task is given up after so many workers died with it unclaimed; the pool, after so many fresh
  // workers in a row died unclaimed (law L6).
  static constexpr int kLossLimit = 3;
  // So many spawns in a row that fail while no other worker lives end the pool, too.
  static constexpr int kSpawnTries = 6;
  // After the first loss or failure the next try follows at once, then after this pause, which
  // doubles each time.
  static constexpr std::chrono::nanoseconds kFirstPause = std::chrono::milliseconds(100);
  static constexpr std::chrono::nanoseconds kLongestPause = std::chrono::seconds(5);

  explicit Supervisor(const SupervisorOptions& options)
      : options_(options), wanted_(options.workers) {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  std::vector<Order> step(std::vector<Input> inputs, Instant now);
  // When step must be called though nothing happened; nullopt: never.
  std::optional<Instant> next_deadline() const;
  std::size_t waiting() const { return tasks_.waiting(); }  // tasks that no worker has
  // False as soon as a worker may have begun it, or if nothing is known of it (any more).
  bool has_certainly_not_run(TaskId id);

 private:
  struct Worker {
    WorkerId id = 0;
    WorkerRef ref;
    int spawn_round = 0;
    State state = State::kStarting;
    TaskId task = 0;       // what it was handed; 0: nothing
    bool sending = false;  // a payload, which does not go out in one piece
    bool in_initializer = false;
    bool said_hello = false;
    bool outdated = false;  // the program's rights have changed since it was started
    bool ever_claimed = false;
    int tasks_done = 0;
    std::optional<std::size_t> memory_at_first;  // in bytes, after its first task
    std::size_t memory = 0;                      // as it told last
    std::optional<Instant> grace_until;
    Notes notes;
  };
  // What an event brings along for the action of its row.
  struct Details {
    WantedEnd wanted_end = WantedEnd::kNone;
    std::string nonsense = {};
    std::optional<Outcome> reply = {};
    ExitStatus exit = {};
    TaskId offered = 0;
    std::size_t bytes = 0;
    std::string text = {};
  };

  void take(PayloadMoved& input);
  void take(FrameCame& input);
  void take(GarbageCame& input);
  void take(ChannelEnded& input);
  void take(WorkerExited& input);
  void take(TaskSubmitted& input);
  void take(CancelAsked& input);
  void take(ShutdownAsked& input);
  void take(ResizeAsked& input);
  void take(PrestartAsked& input);
  void take(HealthAsked& input);
  void take(WorkerSpawned& input);
  void take(SpawnFailed& input);
  void take(KillFailed& input);
  void take(RightsChanged& input);
  void take(DescriptorsLost& input);
  void withdraw(Task& task);
  Worker* find(WorkerId id);

  // supervisor_actions.cc: the life-cycle table
  void apply(Worker& worker, Event event, Details details);
  void act(Worker& worker, const Row& row, Details& details);
  void act_on_end(Worker& worker, const Row& row, Details& details);
  std::string missed_limit(const Worker& worker, State in) const;
  void rest(Worker& worker);
  void stop(Worker& worker, WantedEnd wanted_end);
  void note_claim(Worker& worker);
  void time_run(Worker& worker);
  void settle_reply(Worker& worker, Outcome reply);
  void note_why(Worker& worker, const Row& row, const Details& details);

  // supervisor_ends.cc
  void reap(Worker& worker, const ExitStatus& exit);
  PoolAfter pool_after(const Death& death, bool counts) const;
  bool is_hopeless(const Death& death) const;
  void settle_or_requeue(Task& task, const Death& death);
  bool may_run_again(Task& task, const Death& death);
  void break_pool(const Death& death);
  void end_pool(const Failure& why);
  void finish();
  void settle(TaskId task, Outcome outcome);
  void fail(TaskId task, Failure why);
  void cancel_waiting(TaskId task);
  void settle_waiting(const Failure& why);
  void settle_unrun();  // what waits, in a shutdown that kills
  void kill_everything();

  // supervisor_policy.cc
  void expire();
  void end_grace(Worker& worker);
  void pump();
  void hand_out();
  void retire();
  bool is_coming(const Worker& worker) const;
  WantedEnd wish_to_retire(const Worker& worker) const;
  void pause_spawning(int losses);
  std::size_t missing(std::size_t starting) const;
  void spawn_as_needed();
  void tell_health();
  Health health() const;

  const SupervisorOptions options_;
  int wanted_;                // at most so many workers, in places 0 to wanted_ - 1
  std::size_t prestart_ = 0;  // so many are to live once, before tasks need them
  Instant now_;
  std::vector<Order> orders_;
  Health counters_;                     // what is counted; the rest is filled in when it is told
  std::vector<std::uint64_t> tickets_;  // of those that have asked for it
  Tasks tasks_;
  std::map<WorkerId, Worker> workers_;  // in order of age
  WorkerId last_worker_ = 0;
  int fresh_losses_ = 0;     // in a row, without a claim by anybody in between
  int losses_to_pause_ = 0;  // the same, but only a fresh worker that claims ends this row
  int spawn_failures_ = 0;   // in a row
  int spawn_round_ = 0;      // those that were ordered together
  int failed_round_ = 0;     // the last of which a failure was counted
  std::optional<Instant> spawn_after_;     // not before, after losses or failures
  std::optional<Failure> ended_;           // the pool cannot go on
  std::optional<ShutdownAsked> shutdown_;  // the strongest that was asked
  std::optional<Instant> shutdown_until_;
  bool finished_ = false;
};

}  // namespace poolproof::supervise
