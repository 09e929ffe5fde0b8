#include "faults/cage/rendezvous.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "faults/cage/watch.h"

namespace poolproof::faults {
namespace {

constexpr std::size_t kLongestLine = 4096;
constexpr std::size_t kLongestWord = 256;  // of a task's id or a point's name
constexpr int kBacklog = 1024;
constexpr int kAcceptedInOneTurn = 256;

#ifndef SO_PEERPIDFD
constexpr int SO_PEERPIDFD = 77;  // Linux 6.5
#endif

// A pidfd that certainly belongs to the process at the other end: from the socket if the kernel
// supports that, otherwise by pid.
Fd pidfd_of_peer(int socket, int pid) {
  int pidfd = -1;
  socklen_t size = sizeof pidfd;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0) return Fd(pidfd);
  return open_pidfd(pid);
}

}  // namespace

Rendezvous::Rendezvous(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    throw CallFailed("bind " + path);
  }
  path.copy(address.sun_path, path.size());
  listener_ = Fd(checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                         "socket for the rendezvous"));
  checked(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "bind " + path);
  checked(::listen(listener_.get(), kBacklog), "listen on " + path);
}

std::vector<int> Rendezvous::accept_some(News& news) {
  std::vector<int> accepted;
  for (int i = 0; i < kAcceptedInOneTurn; ++i) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!socket && errno == EAGAIN) return accepted;
    if (!socket) throw CallFailed("accept at the rendezvous");
    ucred peer{};
    socklen_t size = sizeof peer;
    checked(::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size), "SO_PEERCRED");
    const int conn = next_conn_++;
    Open& open = open_[conn];
    open.pid = peer.pid;
    open.pidfd = pidfd_of_peer(socket.get(), peer.pid);
    open.socket = std::move(socket);
    const auto stat = read_stat(peer.pid);
    // Signal 0 proves that the process of the pidfd has not been reaped. So the pid was its own
    // when the start time was read.
    if (!open.pidfd || !stat || !still_there(open.pidfd.get())) {
      refuse(conn, "the process was gone before it could be identified", news);
      continue;
    }
    open.who = stat->identity();
    accepted.push_back(conn);
  }
  return accepted;
}

int Rendezvous::fd_of(int conn) const {
  const auto found = open_.find(conn);
  return found == open_.end() ? -1 : found->second.socket.get();
}

void Rendezvous::on_readable(int conn, News& news) {
  const auto found = open_.find(conn);
  if (found == open_.end()) return;
  Open& open = found->second;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t got = ::recv(open.socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      // ECONNRESET: it closed without reading our answer. EOF: it had read everything.
      if (open.met)
        news.left.push_back({conn, open.pid, open.answered && got == 0});
      else
        news.invalid.push_back({conn, open.pid, "closed before its line was whole", open.line});
      open_.erase(found);
      return;
    }
    if (open.met) {
      refuse(conn, "said more than one line", news);
      return;
    }
    open.line.append(buffer.data(), static_cast<std::size_t>(got));
    if (open.line.find('\n') != std::string::npos) {
      on_line(conn, open, news);
      if (fd_of(conn) < 0) return;
    } else if (open.line.size() > kLongestLine) {
      refuse(conn, "a line of more than 4096 bytes", news);
      return;
    }
  }
}

void Rendezvous::on_line(int conn, Open& open, News& news) {
  const auto end = open.line.find('\n');
  if (end + 1 != open.line.size()) return refuse(conn, "said more than one line", news);
  const auto said = nlohmann::json::parse(open.line.substr(0, end), nullptr, false);
  if (!said.is_object()) return refuse(conn, "not a JSON object", news);
  const auto task = said.find("task");
  const auto point = said.find("point");
  if (task == said.end() || !task->is_string() || point == said.end() || !point->is_string())
    return refuse(conn, "`task` and `point` must be strings", news);
  Meeting meeting;
  meeting.conn = conn;
  meeting.who = open.who;
  meeting.task = *task;
  meeting.point = *point;
  if (meeting.task.size() > kLongestWord || meeting.point.size() > kLongestWord)
    return refuse(conn, "`task` or `point` is longer than 256 bytes", news);
  meeting.pidfd = std::move(open.pidfd);
  open.met = true;
  news.met.push_back(std::move(meeting));
}

void Rendezvous::refuse(int conn, const std::string& why, News& news) {
  const auto found = open_.find(conn);
  news.invalid.push_back({conn, found->second.pid, why, found->second.line});
  // If the meeting was reported to the harness, its end is reported too.
  if (found->second.met) news.left.push_back({conn, found->second.pid, false});
  open_.erase(found);
}

std::string Rendezvous::answer(int conn, const nlohmann::json& what_to_do) {
  const auto found = open_.find(conn);
  if (found == open_.end()) return "no such meeting: it is over";
  if (!found->second.met) return "it has not said its line yet";
  if (found->second.answered) return "it was answered already";
  const std::string line = what_to_do.dump() + "\n";
  const ssize_t sent =
      ::send(found->second.socket.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return "send: " + errno_text(errno);  // its end is closed: `left` follows
  if (static_cast<std::size_t>(sent) != line.size()) return "the answer is too long";
  found->second.answered = true;
  return "";
}

bool Rendezvous::owes_an_answer() const {
  return std::any_of(open_.begin(), open_.end(),
                     [](const auto& open) { return !open.second.answered; });
}

void Rendezvous::ended(const Identity& who, News& news) {
  std::vector<int> over;
  for (const auto& [conn, open] : open_)
    if (open.who == who) over.push_back(conn);
  for (const int conn : over) {
    on_readable(conn,
                news);  // read what it sent before its end; its own close says more
    const auto found = open_.find(conn);
    if (found == open_.end()) continue;
    if (found->second.met) news.left.push_back({conn, who.pid, false});
    open_.erase(found);
  }
}

}  // namespace poolproof::faults
