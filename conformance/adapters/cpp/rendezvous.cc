#include "conformance/adapters/cpp/rendezvous.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "conformance/adapters/cpp/exhaust.h"
#include "conformance/adapters/cpp/garbage.h"
#include "conformance/adapters/cpp/line.h"

namespace poolproof::adapter {
namespace {

class Meeting {
 public:
  explicit Meeting(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
      ::close(fd_);
      throw std::length_error("a rendezvous address of over 107 bytes: " + path);
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      const int error = errno;
      ::close(fd_);
      throw std::system_error(error, std::generic_category(), "connect to " + path);
    }
  }
  ~Meeting() { ::close(fd_); }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  std::string ask(const std::string& line) {
    for (std::size_t done = 0; done < line.size();) {
      const ssize_t sent = ::send(fd_, line.data() + done, line.size() - done, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) std::_Exit(1);
      done += static_cast<std::size_t>(sent);
    }
    std::string answer;
    while (answer.find('\n') == std::string::npos) {
      char buffer[4096];
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) std::_Exit(1);
      answer.append(buffer, static_cast<std::size_t>(got));
    }
    return answer.substr(0, answer.find('\n'));
  }

 private:
  int fd_;
};

int signal_of(const std::string& name) {
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  throw std::runtime_error("the rendezvous told an unknown signal: " + name);
}

void raise_in_itself(int signal) {
  ::signal(signal, SIG_DFL);  // KILL and STOP cannot be set, and need not be
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(signal);
}

// The volatile keeps the loop: C++ allows the compiler to remove a loop without an effect.
[[noreturn]] void loop_for_ever() {
  volatile bool told_to_stop = false;
  while (!told_to_stop) {
  }
  std::abort();  // never reached
}

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

// It holds everything that its parent held, and does nothing.
int child_that_keeps_everything() {
  const pid_t child = ::fork();
  if (child == 0) sleep_for_ever();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  return child;
}

// Errors are ignored, because most of these numbers are not open.
void close_everything() { ::syscall(SYS_close_range, 3U, ~0U, 0U); }

// Throws what C++ throws for it: for memory, what `new` threw.
[[noreturn]] void be_refused(const Place& place, const std::string& refusal) {
  write_ledger(place, Entry::kStruck);
  if (refusal.empty()) throw std::bad_alloc();
  throw std::runtime_error(refusal);
}

struct NoException {  // C++ lets anything be thrown
  std::string text;
};

}  // namespace

void stand_at(const Place& place, const std::string& point) {
  const std::string where = text_of({{"task", place.task}, {"point", point}});
  const auto answer = nlohmann::json::parse(Meeting(place.rendezvous).ask(where + "\n"));
  const std::string deed = answer.at("do").get<std::string>();
  if (deed == "go") return;
  if (deed == "exit") ::_exit(answer.at("code").get<int>());
  if (deed == "raise") return raise_in_itself(signal_of(answer.at("signal").get<std::string>()));
  if (deed == "loop") loop_for_ever();
  if (deed == "sleep") sleep_for_ever();
  if (deed == "throw") {
    write_ledger(place, Entry::kStruck);
    throw std::runtime_error(answer.at("text").get<std::string>());
  }
  if (deed == "throw-undecodable") {
    write_ledger(place, Entry::kStruck);
    throw NoException{answer.at("text").get<std::string>()};
  }
  if (deed == "fork") {
    write_ledger(place, Entry::kStruck, child_that_keeps_everything());
    return stand_at(place, point);
  }
  if (deed == "garbage") {
    write_ledger(place, Entry::kStruck);  // first: the pool may end us as soon as it reads it
    return write_garbage();
  }
  if (deed == "exhaust")
    be_refused(place, exhaust(answer.at("what").get<std::string>(),
                              answer.at("at_most").get<long long>()));
  if (deed == "close-fds") {
    write_ledger(place, Entry::kStruck);
    return close_everything();
  }
  throw std::runtime_error("the rendezvous told an unknown deed: " + deed);
}

}  // namespace poolproof::adapter
