// Decides what happens to the pool after each event: step(inputs, now) -> orders.
//
// It has its own state, but makes no system call, and has no clock and no thread; loop.h calls it
// and carries its orders out. Only this class holds what is known about workers and unfinished
// tasks.
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
  std::size_t memory_growth = 0;  // 0: any growth
  std::chrono::nanoseconds start_limit = std::chrono::seconds(30);
  std::chrono::nanoseconds channel_grace = std::chrono::milliseconds(500);
  std::chrono::nanoseconds stop_grace = std::chrono::seconds(2);
};

class Supervisor {
 public:
  // A task is given up after so many workers died with it unclaimed. The pool is given up after so
  // many fresh workers in a row died unclaimed (law L6).
  static constexpr int kLossLimit = 3;
  // So many failed spawns in a row, while no other worker lives, also end the pool.
  static constexpr int kSpawnTries = 6;
  // After the first loss or failure the next attempt follows at once. Then this pause comes before
  // the next attempt, and it doubles each time.
  static constexpr std::chrono::nanoseconds kFirstPause = std::chrono::milliseconds(100);
  static constexpr std::chrono::nanoseconds kLongestPause = std::chrono::seconds(5);

  explicit Supervisor(const SupervisorOptions& options)
      : options_(options), wanted_(options.workers) {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  std::vector<Order> step(std::vector<Input> inputs, Instant now);
  // When step must be called even if nothing happens; nullopt: never.
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
    TaskId task = 0;       // what it was given; 0: nothing
    bool sending = false;  // a payload that is sent in parts
    bool in_initializer = false;
    bool said_hello = false;
    bool outdated = false;  // the program's rights have changed since it was started
    bool ever_claimed = false;
    int tasks_done = 0;
    std::optional<std::size_t> memory_at_first;  // in bytes, after its first task
    std::size_t memory = 0;                      // as it last reported
    std::optional<Instant> grace_until;
    Notes notes;
  };
  // The data of an event that the action of its row needs.
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
  void settle_unrun();  // waiting tasks, in a shutdown that kills
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
  std::vector<int> free_places(std::size_t count) const;
  void tell_health();
  Health health() const;

  const SupervisorOptions options_;
  int wanted_;                // at most so many workers, in places 0 to wanted_ - 1
  std::size_t prestart_ = 0;  // start so many once, before tasks need them
  Instant now_;
  std::vector<Order> orders_;
  Health counters_;                     // the counters; the rest is filled in when it is reported
  std::vector<std::uint64_t> tickets_;  // of the callers that have asked for it
  Tasks tasks_;
  std::map<WorkerId, Worker> workers_;  // in order of age
  WorkerId last_worker_ = 0;
  int fresh_losses_ = 0;     // in a row, with no claim by any worker in between
  int losses_to_pause_ = 0;  // the same, but only a claim by a fresh worker ends this row
  int spawn_failures_ = 0;   // in a row
  int spawn_round_ = 0;      // workers ordered together share one number
  int failed_round_ = 0;     // the last round for which a failure was counted
  std::optional<Instant> spawn_after_;     // spawn nothing before this, after losses or failures
  std::optional<Failure> ended_;           // the pool cannot go on
  std::optional<ShutdownAsked> shutdown_;  // the strongest request so far
  std::optional<Instant> shutdown_until_;
  bool finished_ = false;
};

}  // namespace poolproof::supervise
