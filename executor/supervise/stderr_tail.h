// The last lines that a worker wrote to its stderr. We hold the read end.
#pragma once

#include <string>

#include "executor/os/os.h"

namespace poolproof::supervise {

class StderrTail {
 public:
  static constexpr std::size_t kMostBytes = 4096;

  // The caller still owns `fd`.
  StderrTail(os::Os& os, int fd) : os_(os), fd_(fd) {}

  // Reads what is there now. A flood is read in parts, so that it does not delay the supervisor.
  void read();
  void forget() { text_.clear(); }  // text of an earlier task does not belong to the next one
  bool open() const { return open_; }
  int fd() const { return fd_; }
  std::string lines() const;  // whole lines, or the end of a line that is too long

 private:
  os::Os& os_;
  int fd_;
  bool open_ = true;
  std::string text_;
};

}  // namespace poolproof::supervise
