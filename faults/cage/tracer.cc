#include "faults/cage/tracer.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>

namespace poolproof::faults {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestMessage = std::size_t{1} << 20;

}  // namespace

Tracer::Tracer(const TracerOptions& options) {
  std::array<int, 2> pair;
  checked(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()),
          "socketpair for the tracer");
  socket_ = Fd(pair[0]);
  Fd theirs(pair[1]);
  const pid_t keeper = ::getpid();
  pid_ = checked(::fork(), "fork of the tracer");
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) ::_exit(0);
  // Closes the keeper's descriptors in the tracer: other processes wait for the EOF of each.
  const auto kept = static_cast<unsigned>(theirs.get());
  ::syscall(SYS_close_range, 3U, kept - 1, 0U);
  ::syscall(SYS_close_range, kept + 1, ~0U, 0U);
  live_as_tracer(options, std::move(theirs));
}

void Tracer::seize(pid_t pid) {
  const std::string command = json({{"seize", pid}}).dump();
  if (::send(socket_.get(), command.data(), command.size(), MSG_NOSIGNAL) < 0)
    throw CallFailed("send to the tracer");
  for (json message = next(true); !message.is_null(); message = next(true)) {
    if (message.at("ev") != "seized") {
      early_.push_back(std::move(message));
      continue;
    }
    const std::string error = message.at("error");
    if (error.empty()) return;
    throw std::runtime_error(error);
  }
  throw std::runtime_error("the tracer ended before it could trace anything");
}

void Tracer::mark(const std::string& word) {
  const std::string command = json({{"mark", word}}).dump();
  if (::send(socket_.get(), command.data(), command.size(), MSG_NOSIGNAL) < 0)
    throw CallFailed("send to the tracer");
}

std::vector<json> Tracer::take() {
  std::vector<json> messages = std::exchange(early_, {});
  for (json message = next(false); !message.is_null(); message = next(false))
    messages.push_back(std::move(message));
  return messages;
}

json Tracer::next(bool wait) {
  // Not cleared: of this mebibyte, a message touches only the pages that it needs.
  static const auto buffer = std::make_unique_for_overwrite<char[]>(kLargestMessage);
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), buffer.get(), kLargestMessage, wait ? 0 : MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return nullptr;
  return json::parse(buffer.get(), buffer.get() + got);
}

void Tracer::end() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);  // it is a zombie at worst, because only the keeper reaps it
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

}  // namespace poolproof::faults
