// The keeper: the first process inside. It starts the adapter, runs the rendezvous and the ledger,
// sends signals, takes snapshots, watches exits, and kills what is left. It is one loop; its only
// timer is the deadline.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "faults/cage/contain.h"
#include "faults/cage/groups_seen.h"
#include "faults/cage/ledger.h"
#include "faults/cage/limit.h"
#include "faults/cage/outbox.h"
#include "faults/cage/places.h"
#include "faults/cage/rendezvous.h"
#include "faults/cage/tracer.h"
#include "faults/cage/visible.h"
#include "faults/cage/watch.h"

namespace poolproof::faults {

// Descriptors with which guard and keeper start.
inline constexpr int kHarnessFd = 3;  // the SEQPACKET pair
inline constexpr int kLineFd = 4;     // the adapter's line
inline constexpr int kErrorsFd = 5;   // write end of the adapter's stderr

// Runs until the harness sends `end`, the harness is gone, the deadline passes, or the guard is
// gone. After that, everything inside is dead. Returns the keeper's exit status.
int live_as_keeper(Standing standing);

class KeeperLoop {
 public:
  explicit KeeperLoop(Standing standing);
  KeeperLoop(const KeeperLoop&) = delete;
  KeeperLoop& operator=(const KeeperLoop&) = delete;

  void run();

 private:
  // The reason for a wake-up, as it is stored in epoll's data: kind and number.
  enum class Source : unsigned {
    kHarness,
    kTie,
    kChild,
    kDeadline,
    kLedger,
    kMeeting,
    kConn,
    kPid,
    kTracer
  };
  void listen_to(Source source, int number, int fd, unsigned events);
  void mind_the_outbox();  // asks for room to send, and reads nothing while too much waits
  void take_turn();

  void take_ledger(Ledger::Take take);
  void take_meetings(bool accept, const std::vector<int>& conns);
  void tell_meetings(Rendezvous::News news);
  void take_exits(const std::vector<int>& pids, bool child);
  void take_traced();
  void on_exit(const Exit& exit);
  void take_command();

  void on_command(const nlohmann::json& command);
  void start(const nlohmann::json& command);
  void make_folder();
  void take_env(const nlohmann::json& env);
  void start_tracer(const nlohmann::json& trace);
  void arm_deadline(long long ms);
  void signal(const nlohmann::json& command);
  void watch_from_now_on(const Identity& who);  // its exit is reported
  bool takes_to_limiter(const nlohmann::json& command);
  void limit(const nlohmann::json& command);
  void tell_what_was_counted(const Identity& who);  // what its limits counted; pid 0: all limits
  void signal_group(const std::string& name);
  void snapshot(int number);
  void activity(int number);
  void heal();  // kills what is left and reports it
  void remove_folder();

  Standing standing_;
  Fd epoll_;
  Fd child_ended_;  // signalfd of SIGCHLD
  Fd deadline_;
  Outbox outbox_;
  Watch watch_;
  GroupsSeen groups_;
  Limits limits_;
  std::optional<Ledger> ledger_;
  std::optional<Rendezvous> rendezvous_;
  std::unique_ptr<Tracer> tracer_;
  AdapterCommand command_;
  Places places_;
  std::string folder_;
  std::string tmp_;
  Identity adapter_;
  bool started_ = false;
  bool over_ = false;
  unsigned harness_events_ = 0;  // as epoll has them now
  bool taking_in_ = true;
};

}  // namespace poolproof::faults
