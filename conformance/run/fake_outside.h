// For the runner's tests: a cage, an adapter and a pool that exist only as values, in virtual time.
//
// The pool is a correct one. A test changes one thing: an event never comes
// (`lost`), comes late (`late`), or the test adds its own (`at`). The adapter is process 10, the
// workers are 11, 12 ...; the start time of a process is 1000 + its pid.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "conformance/run/outside.h"
#include "scenarios/plan.h"

namespace poolproof::conformance {

class FakeOutside final : public Outside {
 public:
  explicit FakeOutside(scenarios::Recovery recovers = scenarios::Recovery::kReplaces);

  // By name: the adapter's event with its id ("opened", "settled t5"), or the keeper's with its
  // task, point or pid ("met t5", "exit 11", "snapshot"). The first word alone means all of them.
  std::set<std::string> lost;
  std::map<std::string, Clock::duration> late;
  Clock::duration adapter_reads_after{0};  // a command, after it was sent
  Clock::duration ping_takes = std::chrono::microseconds(100);
  hang::Verdict proof = hang::Verdict::quiet;
  Clock::duration longest_time_limit{0};              // of a thread, as the proof's look reports it
  int more_threads = 0;                               // of the adapter, in a snapshot
  int cpu_ticks = 3, io_bytes = 100;                  // of each process, in a snapshot
  std::function<bool()> rests = [] { return true; };  // what `activity` says
  std::set<std::string> no_limits;                    // limits that this machine cannot set
  std::function<void(const std::string& command)> on_command;  // before it is carried out
  scenarios::PoolFacts facts;                                  // of its hello

  // What the run has commanded, in order: "open", "submit t5", "answer t5 go", "signal 11 KILL",
  // "close drain", "mark armed", "end" ...
  const std::vector<std::string>& commands() const { return commands_; }
  int questions = 0;  // how often the hang proof was asked for
  std::function<void()> on_question;

  void at(Clock::duration from_now, std::function<void()> what);
  void event(const std::string& name, Event event, Clock::duration after = kSoon);
  void adapter_says(nlohmann::json message, Clock::duration after = kSoon);
  void cage_says(const std::string& ev, nlohmann::json fields, const std::string& about = "",
                 Clock::duration after = kSoon);
  void adapter_ends(const nlohmann::json& status);
  void kill_worker(int pid, const nlohmann::json& status);
  void meets(const std::string& task, const std::string& point, int pid);
  void add_process() { children_.insert(++last_pid_); }

  Clock::time_point now() override { return now_; }
  std::vector<Event> next(Clock::time_point limit) override;
  void send(const nlohmann::json& command) override;
  bool all_is_written() override { return true; }
  bool adapter_has_read_all() override { return now_ >= read_at_ && adapter_alive_; }
  void answer(int conn, const nlohmann::json& what_to_do) override;
  void signal(Identity process, const std::string& signal) override;
  void signal_group(const std::string& signal) override;
  void limit(int number, Identity process, const std::string& what, bool room) override;
  void lift() override;
  void snapshot(int number) override;
  void activity(int number) override;
  void ping(int number) override;
  void mark(const std::string& word) override;
  void end() override;
  std::optional<HangAnswer> examine(bool names_are_private,
                                    const std::function<bool()>& pause) override;

  static constexpr int kAdapter = 10;
  static constexpr Clock::duration kSoon = std::chrono::milliseconds(1);

 private:
  struct Task {
    std::string id, body, stage;
    nlohmann::json value, on_done;
    std::optional<int> deadline_ms{};
    int worker = 0;        // pid; 0: it waits
    bool sending = false;  // its result is on its way to a stopped adapter
  };
  struct Meeting {
    std::string task, point;
    int pid = 0;
  };

  // fake_pool.cc: what the pool does
  void open(const nlohmann::json& command);
  void submit(const nlohmann::json& command);
  void cancel(const std::string& id);
  void resize(int workers);
  void close(const std::string& how);
  void bye();
  void spawn_worker();
  void hand_out();
  void begin(Task& task);
  void body(Task& task);
  void go_on(const std::string& id, const std::string& point);
  void obey(const std::string& id, const std::string& point, int pid, const nlohmann::json& order);
  void return_value(Task& task);
  void settle(std::string id, nlohmann::json outcome);
  void lose(const std::string& id, const std::string& cause, int pid);
  void break_pool(const std::string& cause, int pid);
  void tell_exit(int pid, const nlohmann::json& status);
  void close_if_done();
  void ledger(const std::string& ev, const std::string& task, int pid, int child = 0);
  Task* find(const std::string& id);

  void note(std::string command);

  std::multimap<Clock::time_point, std::function<void()>> agenda_;
  std::vector<Event> coming_;
  Clock::time_point now_ = Clock::time_point(std::chrono::hours(1));
  Clock::time_point read_at_ = now_;
  std::vector<std::string> commands_;

  bool adapter_alive_ = true, adapter_stopped_ = false, pool_open_ = false, broken_ = false;
  std::string closing_;  // how; empty: it is not being closed
  int workers_wanted_ = 0, last_pid_ = kAdapter, last_conn_ = 0;
  std::set<int> workers_, children_, exits_told_;
  std::list<Task> tasks_;  // in the order of their submits; ended ones are gone
  std::map<int, Meeting> meetings_;
  std::map<int, std::string> limited_;  // by pid: the kind
  std::vector<int> limits_;
};

}  // namespace poolproof::conformance
