#include "faults/cage/ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace poolproof::faults {
namespace {

constexpr std::size_t kLongestLine = 4096;  // PIPE_BUF: a longer write could be torn anyway
constexpr int kRoom = 1 << 20;

}  // namespace

Ledger::Ledger(const std::string& path) {
  checked(::mkfifo(path.c_str(), 0600), "mkfifo " + path);
  fifo_ = Fd(checked(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC), "open " + path));
  // More room only spares writers a wait while the keeper is busy; the default would do.
  static_cast<void>(::fcntl(fifo_.get(), F_SETPIPE_SZ, kRoom));
}

void Ledger::drain(const std::function<void(nlohmann::json)>& on_entry,
                   const std::function<void(std::string)>& on_invalid) {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(fifo_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) throw CallFailed("read of the ledger");
    rest_.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos;
         end = rest_.find('\n', begin)) {
      const std::string line = rest_.substr(begin, end - begin);
      begin = end + 1;
      auto entry = nlohmann::json::parse(line, nullptr, false);
      if (entry.is_object() && line.size() <= kLongestLine)
        on_entry(std::move(entry));
      else
        on_invalid(line);
    }
    rest_.erase(0, begin);
    if (rest_.size() > kLongestLine) {  // a line that never ends may not fill our memory
      on_invalid(rest_);
      rest_.clear();
    }
  }
}

}  // namespace poolproof::faults
