#include "faults/cage/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace poolproof::faults {
namespace {

constexpr std::size_t kLongestLine = 4096;  // PIPE_BUF: a longer write may be torn anyway
constexpr std::size_t kSome = 16384;

}  // namespace

Ledger::Ledger(const std::string& path) {
  checked(::mkfifo(path.c_str(), 0600), "mkfifo " + path);
  fifo_ = Fd(checked(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC), "open " + path));
  room_ = static_cast<std::size_t>(checked(::fcntl(fifo_.get(), F_GETPIPE_SZ), "F_GETPIPE_SZ"));
}

void Ledger::drain(Take take, const std::function<void(nlohmann::json)>& on_entry,
                   const std::function<void(Invalid)>& on_invalid) {
  std::array<char, kSome> buffer;
  const std::size_t at_most = take == Take::kSome ? kSome : room_;
  Invalid invalid;
  for (std::size_t taken = 0; taken < at_most;) {
    const ssize_t got = ::read(fifo_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0) throw CallFailed("read of the ledger");
    taken += static_cast<std::size_t>(got);
    rest_.append(buffer.data(), static_cast<std::size_t>(got));
    take_lines(on_entry, invalid);
  }
  if (invalid.lines > 0) on_invalid(std::move(invalid));
}

void Ledger::take_lines(const std::function<void(nlohmann::json)>& on_entry, Invalid& invalid) {
  const auto reject = [&invalid](std::string text) {
    if (invalid.lines++ == 0) invalid.first = std::move(text);
  };
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos;
       end = rest_.find('\n', begin)) {
    std::string line = rest_.substr(begin, end - begin);
    begin = end + 1;
    auto entry = nlohmann::json::parse(line, nullptr, false);
    if (entry.is_object() && line.size() <= kLongestLine)
      on_entry(std::move(entry));
    else
      reject(std::move(line));
  }
  rest_.erase(0, begin);
  if (rest_.size() > kLongestLine) reject(std::exchange(rest_, ""));  // it must not fill our memory
}

}  // namespace poolproof::faults
