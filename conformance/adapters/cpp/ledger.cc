#include "conformance/adapters/cpp/ledger.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "conformance/adapters/cpp/line.h"

namespace poolproof::adapter {
namespace {

constexpr std::size_t kLineBytes = 512;  // one write of this much to a FIFO is never torn

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

const char* word_of(Entry entry) {
  switch (entry) {
    case Entry::kStart:
      return "start";
    case Entry::kEnd:
      return "end";
    case Entry::kStruck:
      return "struck";
    case Entry::kInit:
      return "init";
  }
  return "";
}

}  // namespace

void write_ledger(const Place& place, Entry entry, int child) {
  nlohmann::json fields = {{"ev", word_of(entry)}, {"pid", ::getpid()}, {"t_ns", monotonic_ns()}};
  if (entry != Entry::kInit) fields["task"] = place.task;
  if (child != 0) fields["child"] = child;
  const std::string line = text_of(fields) + "\n";
  if (line.size() > kLineBytes) throw std::length_error("ledger line over 512 bytes: " + line);

  int fd = -1;
  do {
    fd = ::open(place.ledger.c_str(), O_WRONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "open " + place.ledger);
  const ssize_t written = ::write(fd, line.data(), line.size());
  const int error = errno;
  ::close(fd);
  if (written != static_cast<ssize_t>(line.size())) {
    throw std::system_error(error, std::generic_category(), "write to " + place.ledger);
  }
}

}  // namespace poolproof::adapter
