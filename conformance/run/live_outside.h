// A real cage, with a real adapter in it. The only code of the runner that calls poll.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "conformance/run/outside.h"
#include "faults/cage/cage.h"

namespace poolproof::conformance {

// All of our environment, for a program in a cage.
std::map<std::string, std::string> our_environment();

// As for a Cage: use it from the thread that constructed it, which must outlive it.
class LiveOutside final : public Outside {
 public:
  // Starts the cage. `stop_fd` becomes readable when the user interrupts; -1: never. Throws
  // faults::CageError.
  LiveOutside(const faults::CageOptions& options, int stop_fd);
  LiveOutside(const LiveOutside&) = delete;
  LiveOutside& operator=(const LiveOutside&) = delete;

  Clock::time_point now() override { return Clock::now(); }
  std::vector<Event> next(Clock::time_point limit) override;

  void send(const nlohmann::json& command) override { line_.send(command); }
  void send_text(const std::string& text);  // one message, unchanged; may block
  void hang_up();                           // ends our side of the line
  bool all_is_written() override { return !line_.wants_to_write(); }
  bool adapter_has_read_all() override { return line_.other_side_has_read_all(); }

  void answer(int conn, const nlohmann::json& what_to_do) override;
  void signal(Identity process, const std::string& signal) override;
  void signal_group(const std::string& signal) override { cage_.signal_group(signal); }
  void limit(int number, Identity process, const std::string& what, bool room) override;
  void lift() override { cage_.lift(); }
  void snapshot(int number) override { cage_.snapshot(number); }
  void activity(int number) override { cage_.activity(number); }
  void ping(int number) override { cage_.ping(number); }
  void mark(const std::string& word) override { cage_.mark(word); }
  void end() override { cage_.end(); }

  std::optional<HangAnswer> examine(bool names_are_private,
                                    const std::function<bool()>& pause) override;

 private:
  void read_stderr(std::vector<Event>& events);
  void read_line(std::vector<Event>& events);
  void read_cage(std::vector<Event>& events);

  int stop_fd_;  // -1 once the interruption was told
  faults::Cage cage_;
  AdapterLine line_;
  bool stderr_open_ = true;
  bool cage_gone_ = false;
};

}  // namespace poolproof::conformance
