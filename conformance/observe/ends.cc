#include "conformance/observe/ends.h"

#include <linux/kcmp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace poolproof::hang {
namespace {

class Held {  // a descriptor of ours, closed at the end
 public:
  explicit Held(int fd) : fd_(fd) {}
  ~Held() {
    if (fd_ >= 0) ::close(fd_);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

void take_socket(const nlmsghdr& head, std::map<std::uint64_t, UnixSocket>& sockets) {
  unix_diag_msg message{};
  if (head.nlmsg_len < NLMSG_LENGTH(sizeof message)) return;
  const auto* bytes = reinterpret_cast<const std::byte*>(&head);
  std::memcpy(&message, bytes + NLMSG_HDRLEN, sizeof message);
  UnixSocket& entry = sockets[message.udiag_ino];
  entry.listening = message.udiag_state == TCP_LISTEN;
  entry.datagram = message.udiag_type == SOCK_DGRAM;
  entry.whole = message.udiag_type != SOCK_STREAM;
  std::size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof message);
  while (at + sizeof(rtattr) <= head.nlmsg_len) {
    rtattr attribute{};
    std::memcpy(&attribute, bytes + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute) return;
    if (attribute.rta_type == UNIX_DIAG_PEER) {
      std::uint32_t peer = 0;
      std::memcpy(&peer, bytes + at + RTA_LENGTH(0), sizeof peer);
      entry.peer = peer;
    }
    if (attribute.rta_type == UNIX_DIAG_NAME) entry.named = true;
    at += RTA_ALIGN(attribute.rta_len);
  }
}

bool ask_for_sockets(int fd) {
  struct {
    nlmsghdr head;
    unix_diag_req body;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = ~0U;
  request.body.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_NAME;
  return ::send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request);
}

void ask_socket(int copy, Wish& wish, bool in) {
  int domain = 0;
  socklen_t size = sizeof domain;
  ::getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  if (domain == AF_UNIX && wish.object.kind == Object::Kind::socket)
    wish.not_understood = "its other end cannot be seen from here";
  timeval limit{};
  size = sizeof limit;
  if (::getsockopt(copy, SOL_SOCKET, in ? SO_RCVTIMEO : SO_SNDTIMEO, &limit, &size) != 0)
    wish.not_understood = "its time limit cannot be asked";
  wish.limited = limit.tv_sec != 0 || limit.tv_usec != 0;
}

// A copy costs the process nothing. But a copy is made only of descriptors that carry bytes or
// events, because others could notice it.
bool may_copy(Object::Kind kind) {
  using Kind = Object::Kind;
  return kind == Kind::pipe || kind == Kind::unix_socket || kind == Kind::socket ||
         kind == Kind::eventfd || kind == Kind::timerfd || kind == Kind::pidfd;
}

void ask_copy(int copy, Wish& wish, bool direct) {
  pollfd entry{copy, 0, 0};
  if (wish.in) entry.events |= POLLIN | POLLPRI | POLLRDHUP;
  if (wish.out) entry.events |= POLLOUT;
  const int count = ::poll(&entry, 1, 0);
  if (count >= 0) wish.ready = count > 0;
  int queued = 0;
  if (wish.object.kind == Object::Kind::pipe || wish.object.kind == Object::Kind::unix_socket)
    if (::ioctl(copy, FIONREAD, &queued) == 0) wish.queued = queued;
  if (wish.object.kind == Object::Kind::socket || wish.object.kind == Object::Kind::unix_socket) {
    Wish asked = wish;
    ask_socket(copy, asked, wish.in);
    if (wish.not_understood.empty()) wish.not_understood = asked.not_understood;
    wish.limited = direct && asked.limited;  // poll ignores a socket's own time limit
  }
}

// Does the epoll descriptor really watch the file that has this number now?
bool watches(pid_t pid, const Wish& wish) {
  kcmp_epoll_slot slot{static_cast<__u32>(wish.epoll), static_cast<__u32>(wish.fd), 0};
  return ::syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD, wish.fd, &slot) == 0;
}

void ask_file(pid_t pid, Wish& wish) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(wish.fd);
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return;
  if (S_ISFIFO(file.st_mode)) wish.object.kind = Object::Kind::fifo;
}

}  // namespace

std::map<std::uint64_t, UnixSocket> unix_sockets() {
  std::map<std::uint64_t, UnixSocket> sockets;
  const Held link(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (link.fd() < 0 || !ask_for_sockets(link.fd())) return sockets;
  alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
  for (;;) {
    const ssize_t got = ::recv(link.fd(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return {};  // an incomplete list would be wrong
    std::size_t at = 0;
    while (at + sizeof(nlmsghdr) <= static_cast<std::size_t>(got)) {
      const auto* head = reinterpret_cast<const nlmsghdr*>(buffer.data() + at);
      if (head->nlmsg_len < sizeof *head || at + head->nlmsg_len > static_cast<std::size_t>(got))
        return {};
      if (head->nlmsg_type == NLMSG_DONE) return sockets;
      if (head->nlmsg_type == NLMSG_ERROR) return {};
      if (head->nlmsg_type == SOCK_DIAG_BY_FAMILY) take_socket(*head, sockets);
      at += NLMSG_ALIGN(head->nlmsg_len);
    }
  }
}

std::uint64_t inode_in(const std::string& name) {
  std::uint64_t inode = 0;
  const std::size_t open = name.find('[');
  if (open != std::string::npos)
    std::from_chars(name.data() + open + 1, name.data() + name.size(), inode);
  return inode;
}

void ask_ends(pid_t pid, Wait& wait, const std::map<std::uint64_t, UnixSocket>& sockets) {
  if (wait.wishes.empty()) return;
  const Held process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const bool direct =
      wait.call.find("poll") == std::string::npos && wait.call.find("select") == std::string::npos;
  for (Wish& wish : wait.wishes) {
    if (!wish.not_understood.empty()) continue;
    if (wish.epoll >= 0 && !watches(pid, wish)) {
      wish.not_understood = "what epoll watches there cannot be told";
      continue;
    }
    if (wish.object.kind == Object::Kind::file) ask_file(pid, wish);
    if (wish.object.kind == Object::Kind::socket) {
      const auto found = sockets.find(inode_in(wish.object.name));
      if (found != sockets.end()) {
        wish.object.kind = Object::Kind::unix_socket;
        wish.listening = found->second.listening;
        wish.whole = found->second.whole;
        wish.named = found->second.datagram && found->second.named;
        if (found->second.peer != 0)
          wish.peer = {Object::Kind::unix_socket,
                       "socket:[" + std::to_string(found->second.peer) + "]"};
      }
    }
    if (!may_copy(wish.object.kind)) continue;
    const Held copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process.fd(), wish.fd, 0)));
    if (copy.fd() >= 0)
      ask_copy(copy.fd(), wish, direct);
    else
      wish.not_understood = std::string("its state cannot be asked: ") + ::strerror(errno);
  }
}

}  // namespace poolproof::hang
