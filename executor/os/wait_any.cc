#include "executor/os/wait_any.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <vector>

namespace poolproof::os {
namespace {

timespec left_until(Instant until) {
  const std::chrono::nanoseconds ns = time_left(std::chrono::steady_clock::now(), until);
  return {static_cast<time_t>(ns.count() / 1'000'000'000),
          static_cast<long>(ns.count() % 1'000'000'000)};
}

// In the kernel's form; the C library's fd_set ends at 1024.
class DescriptorSet {
 public:
  explicit DescriptorSet(int highest) : words_(static_cast<std::size_t>(highest) / kBits + 1) {}
  void add(int fd) { word(fd) |= 1UL << (static_cast<unsigned>(fd) % kBits); }
  bool has(int fd) { return (word(fd) >> (static_cast<unsigned>(fd) % kBits) & 1) != 0; }
  unsigned long* words() { return words_.data(); }

 private:
  static constexpr unsigned kBits = sizeof(unsigned long) * CHAR_BIT;
  unsigned long& word(int fd) { return words_[static_cast<unsigned>(fd) / kBits]; }
  std::vector<unsigned long> words_;
};

int tell_closed(std::span<pollfd> polled) {
  int closed = 0;
  for (pollfd& each : polled) {
    each.revents = fcntl(each.fd, F_GETFD) < 0 ? POLLNVAL : 0;
    if (each.revents != 0) ++closed;
  }
  return closed;
}

int select_any(std::span<pollfd> polled, timespec* left) {
  int highest = 0;
  for (const pollfd& each : polled) highest = std::max(highest, each.fd);
  DescriptorSet readable(highest), writable(highest);
  for (const pollfd& each : polled) {
    if ((each.events & POLLIN) != 0) readable.add(each.fd);
    if ((each.events & POLLOUT) != 0) writable.add(each.fd);
  }
  const long answer = syscall(SYS_pselect6, highest + 1, readable.words(), writable.words(),
                              nullptr, left, nullptr);
  if (answer < 0 && errno == EBADF) {
    if (const int closed = tell_closed(polled); closed > 0) return closed;
    errno = EINTR;  // it has been opened again in the meantime
    return -1;
  }
  if (answer <= 0) return static_cast<int>(answer);
  int ready = 0;
  for (pollfd& each : polled) {
    each.revents = static_cast<short>((readable.has(each.fd) ? each.events & POLLIN : 0) |
                                      (writable.has(each.fd) ? each.events & POLLOUT : 0));
    if (each.revents == 0) continue;
    ++ready;
    const short seen = each.revents;
    // Is it an end of file? poll may be called for one descriptor, unless the limit is 0.
    if (poll(&each, 1, 0) <= 0) each.revents = seen;
  }
  return ready;
}

}  // namespace

int poll_any(std::span<pollfd> polled, std::optional<Instant> until) {
  timespec left = until ? left_until(*until) : timespec{};
  const int ready = ppoll(polled.data(), polled.size(), until ? &left : nullptr, nullptr);
  if (ready >= 0 || errno != EINVAL) return ready;
  return select_any(polled, until ? &left : nullptr);
}

}  // namespace poolproof::os
