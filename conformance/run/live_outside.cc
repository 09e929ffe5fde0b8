#include "conformance/run/live_outside.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace poolproof::conformance {
namespace {

using namespace std::chrono_literals;

constexpr auto kLongestPoll = 60'000ms;
constexpr int kHolders = 2;  // guard and keeper: they only hold what is inside

int poll_timeout(Clock::duration left) {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left);
  return static_cast<int>(std::clamp<std::chrono::milliseconds>(whole, 0ms, kLongestPoll).count());
}

}  // namespace

std::map<std::string, std::string> our_environment() {
  std::map<std::string, std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return env;
}

LiveOutside::LiveOutside(const faults::CageOptions& options, int stop_fd)
    : stop_fd_(stop_fd), cage_(options), line_(cage_.line_fd()) {}

std::vector<Event> LiveOutside::next(Clock::time_point limit) {
  std::array<pollfd, 4> fds = {{{stop_fd_, POLLIN, 0},
                                {cage_gone_ ? -1 : cage_.fd(), POLLIN, 0},
                                {line_.ended() ? -1 : cage_.line_fd(), POLLIN, 0},
                                {stderr_open_ ? cage_.stderr_fd() : -1, POLLIN, 0}}};
  if (line_.wants_to_write()) fds[2].events |= POLLOUT;
  std::vector<Event> events;
  if (::poll(fds.data(), fds.size(), poll_timeout(limit - now())) <= 0) return events;
  if (fds[0].revents != 0) {
    events.emplace_back(Interrupted{});
    stop_fd_ = -1;
  }
  // stderr first, so that what a program wrote before its death is there when the death is
  // reported.
  if (fds[3].revents != 0) read_stderr(events);
  if ((fds[2].revents & POLLOUT) != 0) line_.flush();
  // Messages before the cage's news: what an adapter sent before its end counts (as L7 for our own
  // pool).
  if ((fds[2].revents & ~POLLOUT) != 0) read_line(events);
  if (fds[1].revents != 0) {
    read_cage(events);
    // What it sent and wrote just before the exit that the cage reported.
    read_line(events);
    if (stderr_open_) read_stderr(events);
  }
  return events;
}

void LiveOutside::read_stderr(std::vector<Event>& events) {
  std::string bytes(std::size_t{16} << 10, '\0');
  const ssize_t size = ::read(cage_.stderr_fd(), bytes.data(), bytes.size());
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
    stderr_open_ = false;
    events.emplace_back(StderrEnded{});
  }
  if (size <= 0) return;
  bytes.resize(static_cast<std::size_t>(size));
  events.emplace_back(StderrCame{std::move(bytes)});
}

void LiveOutside::read_line(std::vector<Event>& events) {
  if (line_.ended()) return;
  while (auto received = line_.receive()) events.emplace_back(AdapterSaid{std::move(*received)});
  if (line_.ended()) events.emplace_back(LineEnded{});
}

void LiveOutside::read_cage(std::vector<Event>& events) {
  try {
    while (auto message = cage_.receive()) events.emplace_back(CageSaid{std::move(*message)});
  } catch (const faults::CageError& error) {
    cage_gone_ = true;
    events.emplace_back(CageGone{error.what()});
  }
}

void LiveOutside::send_text(const std::string& text) {
  while (line_.wants_to_write()) {
    pollfd one = {cage_.line_fd(), POLLOUT, 0};
    if (::poll(&one, 1, poll_timeout(kLongestPoll)) > 0) line_.flush();
  }
  [[maybe_unused]] const ssize_t sent =
      ::send(cage_.line_fd(), text.data(), text.size(), MSG_NOSIGNAL);
}

void LiveOutside::hang_up() { ::shutdown(cage_.line_fd(), SHUT_WR); }

void LiveOutside::answer(int conn, const nlohmann::json& what_to_do) {
  cage_.answer(conn, what_to_do);
}

void LiveOutside::signal(Identity process, const std::string& signal) {
  cage_.signal(process.pid, process.start, signal);
}

void LiveOutside::limit(int number, Identity process, const std::string& what, bool room) {
  cage_.limit(number, process.pid, process.start, what, room);
}

std::optional<Outside::HangAnswer> LiveOutside::examine(bool names_are_private,
                                                        const std::function<bool()>& pause) {
  HangAnswer answer;
  answer.line = hang::object_behind(::getpid(), cage_.line_fd());
  if (answer.line.empty()) return std::nullopt;
  hang::Question question;
  question.tree = {cage_.guard(), kHolders};
  question.world.silent_objects = {answer.line};
  question.world.names_are_private = names_are_private;
  // The keeper sends signals only when we command it, and no other process knows the processes
  // inside.
  question.world.no_signals = true;
  question.numbers_inside = true;
  question.pause = pause;
  auto examination = hang::examine(question);
  if (!examination) return std::nullopt;
  answer.examination = std::move(*examination);
  return answer;
}

}  // namespace poolproof::conformance
