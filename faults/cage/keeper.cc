#include "faults/cage/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iterator>
#include <memory>
#include <utility>

namespace poolproof::faults {

using nlohmann::json;

KeeperLoop::KeeperLoop(Standing standing)
    : standing_(std::move(standing)),
      outbox_(kHarnessFd),
      watch_([this](const Exit& exit) { on_exit(exit); }),
      limits_(standing_.containment, [this](const std::string& path) {
        groups_.are_ours(path);
        tell(standing_.tie, kTieGroup + path);
      }) {
  // Each meeting holds two descriptors here. The adapter gets the original limit (adapter.cc).
  rlimit files{};
  checked(::getrlimit(RLIMIT_NOFILE, &files), "getrlimit NOFILE");
  command_.open_files = files;
  files.rlim_cur = files.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));  // on failure the limit stays as it is
  epoll_ = Fd(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  child_ended_ = Fd(checked(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
  deadline_ =
      Fd(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create"));
  harness_events_ = EPOLLIN | EPOLLRDHUP;
  listen_to(Source::kHarness, 0, kHarnessFd, harness_events_);
  listen_to(Source::kTie, 0, standing_.tie.get(), EPOLLIN | EPOLLRDHUP);
  listen_to(Source::kChild, 0, child_ended_.get(), EPOLLIN);
  listen_to(Source::kDeadline, 0, deadline_.get(), EPOLLIN);
}

void KeeperLoop::listen_to(Source source, int number, int fd, unsigned events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = (static_cast<std::uint64_t>(source) << 32) | static_cast<unsigned>(number);
  checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl ADD");
}

void KeeperLoop::mind_the_outbox() {
  const auto change = [this](Source source, int fd, unsigned events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = static_cast<std::uint64_t>(source) << 32;
    checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event), "epoll_ctl MOD");
  };
  const unsigned wanted = EPOLLIN | EPOLLRDHUP | (outbox_.waiting() ? unsigned{EPOLLOUT} : 0U);
  if (wanted != harness_events_) change(Source::kHarness, kHarnessFd, harness_events_ = wanted);
  if (ledger_ && rendezvous_ && taking_in_ == outbox_.crowded()) {
    taking_in_ = !outbox_.crowded();
    change(Source::kLedger, ledger_->fd(), taking_in_ ? unsigned{EPOLLIN} : 0U);
    change(Source::kMeeting, rendezvous_->fd(), taking_in_ ? unsigned{EPOLLIN} : 0U);
    if (tracer_) change(Source::kTracer, tracer_->fd(), taking_in_ ? unsigned{EPOLLIN} : 0U);
  }
}

void KeeperLoop::run() {
  while (!over_) {
    mind_the_outbox();
    take_turn();
  }
  outbox_.send_all();
}

// The order of a turn is defined here only: messages of bodies, then meetings, then exits, then the
// harness's commands, then the deadline. So in the record a line or a meeting always comes before
// the death of its writer.
void KeeperLoop::take_turn() {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
  if (count < 0 && errno == EINTR) return;
  checked(count, "epoll_wait");
  std::vector<int> conns;
  std::vector<int> pids;
  std::array<bool, 9> due{};
  bool commanded = false;
  for (int i = 0; i < count; ++i) {
    const auto& event = events.at(static_cast<std::size_t>(i));
    const auto source = static_cast<Source>(event.data.u64 >> 32);
    const int number = static_cast<int>(event.data.u64 & 0xffffffffU);
    if (source == Source::kConn) conns.push_back(number);
    if (source == Source::kPid) pids.push_back(number);
    due.at(static_cast<std::size_t>(source)) = true;
    if (source == Source::kHarness) commanded = (event.events & ~unsigned{EPOLLOUT}) != 0;
  }
  const auto is_due = [&due](Source source) { return due.at(static_cast<std::size_t>(source)); };

  if (is_due(Source::kHarness)) outbox_.send_waiting();
  const bool exits = is_due(Source::kChild) || is_due(Source::kTracer) || !pids.empty();
  if (ledger_ && rendezvous_) {
    const bool meetings = is_due(Source::kMeeting) || !conns.empty();
    if (is_due(Source::kLedger) || meetings || exits)
      take_ledger(meetings || exits ? Ledger::Take::kAllThatCanWait : Ledger::Take::kSome);
    take_meetings(is_due(Source::kMeeting) || exits, conns);
  }
  if (is_due(Source::kTracer)) take_traced();  // first, because it knows of each exit first
  take_exits(pids, is_due(Source::kChild));
  if (commanded) take_command();
  if (is_due(Source::kTie) && !over_)
    heal();  // the guard never sends: it has ended, or wants us to end
  if (is_due(Source::kDeadline) && !over_) {
    outbox_.post("deadline", json::object());
    heal();
  }
}

void KeeperLoop::take_ledger(Ledger::Take take) {
  ledger_->drain(
      take,
      [this](json entry) {
        outbox_.post("ledger", {{"entry", std::move(entry)}});
      },
      [this](const Ledger::Invalid& invalid) {
        outbox_.post("ledger-invalid",
                     {{"text", escaped(invalid.first)}, {"lines", invalid.lines}});
      });
}

void KeeperLoop::take_meetings(bool accept, const std::vector<int>& conns) {
  Rendezvous::News news;
  for (const int conn : conns) rendezvous_->on_readable(conn, news);
  if (accept && taking_in_) {
    for (const int conn : rendezvous_->accept_some(news)) {
      listen_to(Source::kConn, conn, rendezvous_->fd_of(conn), EPOLLIN | EPOLLRDHUP);
      rendezvous_->on_readable(conn, news);
    }
  }
  tell_meetings(std::move(news));
}

void KeeperLoop::tell_meetings(Rendezvous::News news) {
  for (Rendezvous::Meeting& meeting : news.met) {
    groups_.look_at(meeting.who.pid);
    const int pidfd = watch_.add(meeting.who, std::move(meeting.pidfd));
    if (pidfd >= 0) listen_to(Source::kPid, meeting.who.pid, pidfd, EPOLLIN);
    outbox_.post("met", {{"conn", meeting.conn},
                         {"pid", meeting.who.pid},
                         {"start", meeting.who.start},
                         {"task", meeting.task},
                         {"point", meeting.point}});
  }
  for (const auto& invalid : news.invalid)
    outbox_.post("met-invalid", {{"conn", invalid.conn},
                                 {"pid", invalid.pid},
                                 {"why", invalid.why},
                                 {"text", escaped(invalid.text)}});
  for (const auto& left : news.left)
    outbox_.post("left", {{"conn", left.conn}, {"pid", left.pid}, {"read", left.read}});
}

void KeeperLoop::take_exits(const std::vector<int>& pids, bool child) {
  for (const int pid : pids) watch_.on_pidfd_ready(pid);
  if (!child) return;
  std::array<signalfd_siginfo, 16> told;
  while (::read(child_ended_.get(), told.data(), sizeof told) > 0) {
  }
  watch_.reap();
}

void KeeperLoop::take_traced() {
  for (json& message : tracer_->take()) {
    const std::string ev = message.at("ev");
    if (ev == "exit")
      watch_.ended({message.at("pid"), message.at("start")}, message.at("status"));
    else
      outbox_.post(ev.c_str(), std::move(message));
  }
}

void KeeperLoop::on_exit(const Exit& exit) {
  if (rendezvous_) {
    Rendezvous::News news;
    rendezvous_->ended(exit.who, news);
    tell_meetings(std::move(news));
  }
  tell_what_was_counted(exit.who);  // the evidence comes before the end that it explains
  outbox_.post("exit", {{"pid", exit.who.pid},
                        {"start", exit.who.start},
                        {"status", exit.status},
                        {"adapter", exit.adapter},
                        {"source", exit.source}});
}

// One command in each turn, and none that came after the turn's events. So every end that could be
// seen when a command was sent is reported before the answer.
void KeeperLoop::take_command() {
  // Not cleared, so that a command touches only the pages that it needs.
  static const auto buffer = std::make_unique_for_overwrite<char[]>(kLargestPacket);
  const ssize_t got = ::recv(kHarnessFd, buffer.get(), kLargestPacket, MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return heal();  // the harness is gone
  const auto command = json::parse(buffer.get(), buffer.get() + got, nullptr, false);
  try {
    on_command(command);
  } catch (const json::exception& error) {
    outbox_.post("refused", {{"why", error.what()}});
  }
}

int live_as_keeper(Standing standing) {
  try {
    KeeperLoop(std::move(standing)).run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "poolproof_cage: the keeper failed: %s\n", error.what());
    return 70;  // the guard, or the end of the namespace, kills what is left
  }
}

}  // namespace poolproof::faults
