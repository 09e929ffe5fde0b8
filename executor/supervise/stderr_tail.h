// The last lines that a worker wrote to its stderr, of which we hold the reading end.
#pragma once

#include <string>

#include "executor/os/os.h"

namespace poolproof::supervise {

class StderrTail {
 public:
  static constexpr std::size_t kMostBytes = 4096;

  // `fd` stays owned by the caller.
  StderrTail(os::Os& os, int fd) : os_(os), fd_(fd) {}

  // What there is now. A flood is read in parts, so that it does not keep the supervisor.
  void read();
  void forget() { text_.clear(); }  // what an earlier task wrote is not the next one's
  bool open() const { return open_; }
  int fd() const { return fd_; }
  std::string lines() const;  // whole ones, unless there is but one that is longer

 private:
  os::Os& os_;
  int fd_;
  bool open_ = true;
  std::string text_;
};

}  // namespace poolproof::supervise
