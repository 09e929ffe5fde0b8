#include "executor/supervise/stderr_tail.h"

#include <array>
#include <span>

namespace poolproof::supervise {

void StderrTail::read() {
  std::array<std::byte, 4096> some;
  constexpr std::size_t kPipe = std::size_t{64} << 10;  // the default capacity of a pipe
  for (std::size_t most = kPipe; open_ && most > 0;) {
    const os::IoResult result = os_.read(fd_, some);
    if (result.kind == os::IoResult::Kind::kWouldBlock) return;
    if (result.kind == os::IoResult::Kind::kGone) {
      open_ = false;
      return;
    }
    text_.append(reinterpret_cast<const char*>(some.data()), result.bytes);
    // One more byte than is shown, to know whether the first line is whole.
    if (text_.size() > kMostBytes + 1) text_.erase(0, text_.size() - kMostBytes - 1);
    most -= std::min(most, result.bytes);
  }
}

std::string StderrTail::lines() const {
  if (text_.size() <= kMostBytes) return text_;
  const std::size_t first_end = text_.find('\n');
  if (first_end == std::string::npos || first_end + 1 == text_.size()) return text_.substr(1);
  return text_.substr(first_end + 1);
}

}  // namespace poolproof::supervise
