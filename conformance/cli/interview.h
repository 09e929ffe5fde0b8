// One conversation with an adapter, in its own cage. It is for `adapter test`, which judges how an
// adapter communicates, and not its pool.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "conformance/run/live_outside.h"

namespace poolproof::cli {

// A line of the ledger was written before its task settled, but comes by another way.
inline constexpr std::chrono::seconds kLedgerComes{2};

// What is wrong, where it showed, and what to do instead.
struct Finding {
  std::string where;
  std::string what;
  std::string instead;
  bool operator==(const Finding&) const = default;
};

class Findings {
 public:
  void add(std::string where, std::string what, std::string instead);  // each only once
  const std::vector<Finding>& all() const { return all_; }

 private:
  std::vector<Finding> all_;
};

struct Interrupted {};  // thrown: Ctrl-C
// Thrown: the adapter cannot be asked anything more; a finding says why.
struct ConversationOver {};

struct Standing {  // a body that waits at a rendezvous
  int conn = 0;
  int pid = 0;
  std::string task, point;
  bool answered = false;
};

class Interview {
 public:
  struct Options {
    std::vector<std::string> command;
    std::filesystem::path cage_program;
    int stop_fd = -1;
  };
  // Starts the adapter. `about` names this conversation in findings; change it for each part.
  Interview(const Options& options, Findings& findings, std::string about);
  Interview(const Interview&) = delete;
  Interview& operator=(const Interview&) = delete;

  std::string where;

  void begin();  // call first: waits for the cage; a quick adapter may end before it is ready

  // Reads messages until `done` or the limit; true if done. A message that breaks a rule of
  // protocol.md becomes a finding. Throws Interrupted, or ConversationOver if the adapter ended
  // although it may not.
  bool wait(const std::function<bool()>& done, std::chrono::milliseconds limit = kAnswers);
  void may_end() { may_end_ = true; }
  void must_live() { may_end_ = false; }

  void send(const nlohmann::json& command);
  void send_text(const std::string& text);  // one message, unchanged
  void hang_up();                           // the adapter then reads the end of its line

  // Sends a command and waits for the event of that name (for `refused`: with the command's word).
  // Returns the event; or nullopt, after a finding that says which event should have come.
  std::optional<nlohmann::json> ask(const nlohmann::json& command, const std::string& event);
  std::optional<nlohmann::json> await(const std::string& event, const std::string& cmd,
                                      const std::string& after);

  // Submits a body with its addresses; `more` is added beside `args`. Returns the task's id.
  std::string submit(const std::string& body, nlohmann::json args,
                     const nlohmann::json& more = nlohmann::json::object());
  std::string next_id() const;                                 // the id of the next submit
  const nlohmann::json* outcome(const std::string& id) const;  // null: not settled yet
  bool refused(const std::string& id) const;                   // its submit was refused

  Standing* standing(const std::string& id, const std::string& point);  // null: none, unanswered
  void answer(Standing& meeting, const nlohmann::json& what_to_do);
  int written(const std::string& id, const std::string& ev) const;  // lines in the ledger
  const nlohmann::json* entry(const std::string& id, const std::string& ev) const;
  const std::vector<nlohmann::json>& ledger() const { return ledger_; }  // in the order of arrival

  std::vector<nlohmann::json> processes();  // a snapshot, as described in faults/cage/protocol.md
  std::optional<int> outer_pid(
      int pid) const;  // of a process inside; nothing if it cannot be found

  const nlohmann::json& hello() const { return hello_; }
  const std::string& refusal_of_hello() const { return refusal_of_hello_; }  // why; empty: none
  bool can(const std::string& capability) const;
  const nlohmann::json& ready() const { return ready_; }
  const std::optional<nlohmann::json>& exit() const { return exit_; }
  nlohmann::json addresses() const;  // `ledger` and `rendezvous`
  std::string last_words() const;    // the last lines of the adapter's stderr
  int messages() const { return messages_; }

  void find(const std::string& what, const std::string& instead) {
    findings_.add(where, what, instead);
  }

  static constexpr std::chrono::milliseconds kAnswers{10'000};

 private:
  void take(const conformance::CageSaid& said);
  void take(const conformance::CageGone& gone);
  void take(const conformance::AdapterSaid& said);
  void take(const conformance::LineEnded&) {}
  void take(const conformance::StderrCame& came);
  void take(const conformance::StderrEnded&) {}
  void take(const conformance::Interrupted&) { throw Interrupted{}; }
  void on_event(const nlohmann::json& event);

  Findings& findings_;
  conformance::LiveOutside outside_;
  nlohmann::json ready_, hello_;
  std::optional<nlohmann::json> exit_;
  std::vector<nlohmann::json> unheard_;  // events that no call has waited for yet
  std::map<std::string, nlohmann::json> outcomes_;
  std::set<std::string> submitted_, refused_;
  std::vector<Standing> meetings_;
  std::vector<nlohmann::json> ledger_;
  std::map<int, std::vector<nlohmann::json>> snapshots_;
  std::set<int> snapshots_whole_;
  std::string stderr_, refusal_of_hello_;
  int next_id_ = 1, messages_ = 0, snapshots_asked_ = 0;
  bool may_end_ = false;
};

}  // namespace poolproof::cli
