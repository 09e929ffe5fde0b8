// An owned descriptor, and the exception for a failed call.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace poolproof::faults {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }  // the caller closes it
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

inline std::string errno_text(int error) {
  const char* name = strerrorname_np(error);
  return std::string(name != nullptr ? name : "E?") + " " + ::strerror(error);
}

// Says which call failed, on what, and why; uses the current errno.
class CallFailed : public std::runtime_error {
 public:
  explicit CallFailed(const std::string& call)
      : std::runtime_error(call + ": " + errno_text(errno)) {}
};

inline int checked(int result, const std::string& call) {
  if (result < 0) throw CallFailed(call);
  return result;
}

}  // namespace poolproof::faults
