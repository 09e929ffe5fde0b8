// Where bodies meet the harness: a Unix stream socket. One connection is one meeting: the body
// sends a line, gets the answer, and closes (conformance/protocol/protocol.md, "Rendezvous").
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "faults/cage/fd.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

class Rendezvous {
 public:
  explicit Rendezvous(const std::string& path);  // makes the socket; the path must not exist

  struct Meeting {
    int conn = 0;
    Identity who;
    Fd pidfd;  // taken once
    std::string task;
    std::string point;
  };
  struct Invalid {
    int conn = 0;
    int pid = 0;
    std::string why;
    std::string text;  // what it sent, unchanged
  };
  struct Left {
    int conn = 0;
    int pid = 0;
    bool read = false;  // it got its instruction, and has read all of it
  };
  struct News {
    std::vector<Meeting> met;
    std::vector<Invalid> invalid;
    std::vector<Left> left;
  };

  int fd() const { return listener_.get(); }

  // Accepts waiting connections, up to a limit. The caller polls `fd_of(conn)` of each one and
  // calls on_readable.
  std::vector<int> accept_some(News& news);
  int fd_of(int conn) const;  // -1 once it is closed
  void on_readable(int conn, News& news);

  // "" if it was written; otherwise why not.
  std::string answer(int conn, const nlohmann::json& what_to_do);

  bool owes_an_answer() const;  // a process has come, and has not got its instruction

  // The process has ended: its open meetings are over, even if a child of it holds a copy of the
  // connection.
  void ended(const Identity& who, News& news);

 private:
  struct Open {
    Fd socket;
    int pid = 0;
    Identity who;
    Fd pidfd;
    std::string line;
    bool met = false;
    bool answered = false;
  };
  void on_line(int conn, Open& open, News& news);
  void refuse(int conn, const std::string& why, News& news);

  Fd listener_;
  int next_conn_ = 1;
  std::map<int, Open> open_;
};

}  // namespace poolproof::faults
