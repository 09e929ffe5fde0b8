#include "conformance/run/scene.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "conformance/protocol/protocol.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t kStderrKept = 64U << 10;  // bytes, of its beginning and of its end
constexpr auto kLastWords = 300ms;
constexpr auto kEndsAfterItsLine =
    // The line of a dying adapter may be gone before its exit is reported.
    1s;
// A snapshot, a ping, the end: our own work, never the pool's fault.
constexpr auto kCageAnswers = 10s;

std::int64_t since(Clock::time_point epoch, Clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at - epoch).count();
}

// Messages that the keeper sends without a request; all others answer a request.
bool is_news(const std::string& ev) {
  return ev == "met" || ev == "met-invalid" || ev == "left" || ev == "ledger" ||
         ev == "ledger-invalid" || ev == "exit" || ev == "call-struck";
}

}  // namespace

void Journal::write(const std::string& kind, json fields,
                    std::optional<std::int64_t> monotonic_ns) {
  const auto at =
      monotonic_ns ? Clock::time_point(std::chrono::nanoseconds(*monotonic_ns)) : Clock::now();
  Observation observation{0, since(epoch_, at), run_, attempt_, kind, std::move(fields)};
  if (headed_) {
    record_.append(std::move(observation));
  } else {
    kept_back_.push_back(std::move(observation));
  }
}

void Journal::head(const std::string& kind, json fields) {
  record_.append({0, since(epoch_, Clock::now()), run_, attempt_, kind, std::move(fields)});
  headed_ = true;
  for (Observation& observation : kept_back_) record_.append(std::move(observation));
  kept_back_.clear();
}

Scene::Scene(const faults::CageOptions& options, Journal& journal, int stop_fd)
    : journal_(journal), stop_fd_(stop_fd), cage_(options), line_(cage_.line_fd()) {}

bool Scene::wait(const std::function<bool()>& done, Clock::time_point limit) {
  for (;;) {
    if (done()) return true;
    if (over_) throw AttemptOver(*over_);
    if (seen_.adapter_ended && !adapter_may_end_)
      throw AttemptOver{seen_.opened > 0 ? "adapter-died" : "harness-error",
                        seen_.opened > 0
                            ? "the adapter's process ended, and we did not end it"
                            : "the adapter ended before its first `open` was answered"};
    const auto now = Clock::now();
    if (line_.ended() && !line_ended_at_) line_ended_at_ = now;
    const bool silent = line_.ended() && !adapter_may_end_ && !seen_.adapter_ended;
    if (silent && now > *line_ended_at_ + kEndsAfterItsLine)
      throw AttemptOver{"harness-error", "the adapter closed its line, and lives on"};
    if (silent) limit = std::min(limit, *line_ended_at_ + 2 * kEndsAfterItsLine);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - now);
    if (left <= 0ms) return false;
    take_in(static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
  }
}

void Scene::take_in(int timeout_ms) {
  std::array<pollfd, 4> fds = {{{stop_fd_, POLLIN, 0},
                                {cage_gone_ ? -1 : cage_.fd(), POLLIN, 0},
                                {line_.ended() ? -1 : cage_.line_fd(), POLLIN, 0},
                                {stderr_open_ ? cage_.stderr_fd() : -1, POLLIN, 0}}};
  if (line_.wants_to_write()) fds[2].events |= POLLOUT;
  const int ready = ::poll(fds.data(), fds.size(), timeout_ms);
  if (ready < 0 && errno == EINTR) return;
  if (fds[0].revents != 0) over_ = AttemptOver{"interrupted", "interrupted"};
  // stderr first, so that what a program wrote before its death is there when the death is
  // reported.
  if (fds[3].revents != 0) from_stderr();
  if ((fds[2].revents & POLLOUT) != 0) line_.flush();
  // Messages before the cage's news: what an adapter sent before its end counts (as L7 for our own
  // pool).
  if ((fds[2].revents & ~POLLOUT) != 0) from_adapter();
  if (fds[1].revents != 0) {
    from_cage();
    from_adapter();  // what it sent just before the exit that the cage reported
  }
}

void Scene::from_adapter() {
  while (!line_.ended() && !over_) {
    auto received = line_.receive();
    if (!received) return;
    ++seen_.messages;
    note_arrival();
    if (received->wrong) {
      journal_.write("invalid",
                     {{"text", received->text.substr(0, 2000)}, {"why", *received->wrong}});
      over_ =
          AttemptOver{"harness-error", "the adapter sent what is no message: " + *received->wrong};
      return;
    }
    const json& message = received->message;
    journal_.write("received", {{"message", message}});
    const auto& event = message["event"].get_ref<const std::string&>();
    if (seen_.hello.is_null() && event == "refused" && message["cmd"] == "hello") {
      over_ = AttemptOver{"unavailable", message["why"]};
      return;
    }
    if (seen_.hello.is_null() && event != "hello")
      over_ = AttemptOver{"harness-error",
                          "the adapter's first message is `" + event + "`, not `hello`"};
    if (event == "hello") seen_.hello = message;
    if (event == "opened") ++seen_.opened;
    if (event == "resized") ++seen_.resized;
    if (event == "closed") ++seen_.closed;
    if (event == "settled") seen_.outcomes.emplace(message["id"], message["outcome"]);
    if (event == "refused")
      over_ =
          AttemptOver{"harness-error", "the adapter refused `" + message["cmd"].get<std::string>() +
                                           "`: " + message["why"].get<std::string>()};
  }
}

void Scene::from_stderr() {
  std::array<char, (16U << 10)> buffer;
  const ssize_t size = ::read(cage_.stderr_fd(), buffer.data(), buffer.size());
  if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) stderr_open_ = false;
  if (size <= 0) return;
  note_arrival();
  keep_stderr(buffer.data(), static_cast<std::size_t>(size));
}

void Scene::note_arrival() {
  ++seen_.arrivals;
  seen_.last_arrival = Clock::now();
}

void Scene::keep_stderr(const char* bytes, std::size_t size) {
  stderr_bytes_ += size;
  const std::size_t room = kStderrKept - stderr_head_.size();
  const std::size_t to_head = std::min(room, size);
  stderr_head_.append(bytes, to_head);
  stderr_tail_.append(bytes + to_head, size - to_head);
  if (stderr_tail_.size() > kStderrKept) stderr_tail_.erase(0, stderr_tail_.size() - kStderrKept);
}

void Scene::from_cage() {
  try {
    while (auto message = cage_.receive()) {
      const std::string ev = message->at("ev");
      const std::int64_t t_ns = message->at("t_ns");
      message->erase("ev");
      message->erase("t_ns");
      // The cage's `ready` is in the record as `cage`, after the plan: the code that runs the
      // attempt writes it.
      if (ev != "ready" && ev != "pong" && ev != "activity") journal_.write(ev, *message, t_ns);
      on_cage_message(ev, *message);
    }
  } catch (const faults::CageError& error) {
    cage_gone_ = true;
    if (!seen_.healed) over_ = AttemptOver{"harness-error", error.what()};
  }
}

void Scene::on_cage_message(const std::string& ev, const json& message) {
  if (is_news(ev)) note_arrival();
  if (ev == "ready") seen_.ready = message;
  if (ev == "failed") over_ = AttemptOver{"harness-error", message.at("why")};
  if (ev == "deadline")
    over_ = AttemptOver{"harness-error", "the cage's own deadline ended the attempt"};
  if (ev == "pong") seen_.pongs[message.at("n")] = Clock::now();
  if (ev == "activity") seen_.activities[message.at("n")] = message;
  if (ev == "healed") seen_.healed = true;
  if (ev == "call-struck") ++seen_.call_strikes;
  if (ev == "marked") seen_.marked.insert(message.at("word"));
  if (ev == "limited") seen_.limited[message.at("limit")] = message;
  if (ev == "lifted") ++seen_.lifts;
  if (ev == "process") seen_.snapshots[message.at("snap")].processes.push_back(message);
  if (ev == "snapshot") seen_.snapshots[message.at("snap")].whole = message;
  if (ev == "ledger") {
    ++seen_.ledger_lines;
    const json& entry = message.at("entry");
    if (entry.value("ev", "") == "struck") ++seen_.struck[entry.value("task", "")];
    if (const auto child = entry.find("child"); child != entry.end() && child->is_number_integer())
      seen_.made.insert(child->get<int>());
    if (entry.value("ev", "") == "end") seen_.ended.insert(entry.value("task", ""));
  }
  if (ev == "exit") {
    ++seen_.exits_seen;
    seen_.exits[{message.at("pid"), message.at("start")}] = message.at("status");
    if (message.at("adapter").get<bool>()) seen_.adapter_ended = true;
  }
  if (ev == "signalled" && message.value("group", false)) seen_.group_signalled = true;
  if (ev == "left") {
    for (Meeting& meeting : seen_.meetings)
      if (meeting.conn == message.at("conn")) meeting.left = true;
  }
  if (ev == "met") {
    seen_.meetings.push_back({message.at("conn"), message.at("pid"), message.at("start"),
                              message.at("task"), message.at("point")});
    if (!hold(seen_.meetings.back())) answer(seen_.meetings.back(), {{"do", "go"}});
  }
}

void Scene::send(const json& command) {
  journal_.write("sent", {{"message", command}});
  line_.send(command);
}

void Scene::answer(Meeting& meeting, const json& what_to_do) {
  meeting.answered = true;
  journal_.write(
      "answered",
      {{"conn", meeting.conn}, {"pid", meeting.pid}, {"task", meeting.task}, {"do", what_to_do}});
  cage_.answer(meeting.conn, what_to_do);
}

const Snapshot& Scene::snapshot() {
  const int number = ++snapshots_asked_;
  cage_.snapshot(number);
  const bool came =
      wait([&] { return !seen_.snapshots[number].whole.is_null(); }, Clock::now() + kCageAnswers);
  if (!came) throw AttemptOver{"harness-error", "the cage took no snapshot within 10 s"};
  return seen_.snapshots[number];
}

json Scene::limit(int pid, std::uint64_t start, const std::string& what, bool room) {
  const int number = ++limits_asked_;
  cage_.limit(number, pid, start, what, room);
  const bool came =
      wait([&] { return seen_.limited.count(number) > 0; }, Clock::now() + kCageAnswers);
  if (!came) throw AttemptOver{"harness-error", "the cage limited nothing within 10 s"};
  return seen_.limited[number];
}

void Scene::lift() {
  const int before = seen_.lifts;
  if (limits_asked_ == 0) return;
  cage_.lift();
  if (!wait([&] { return seen_.lifts > before; }, Clock::now() + kCageAnswers))
    throw AttemptOver{"harness-error", "the cage lifted no limit within 10 s"};
}

json Scene::activity() {
  const int number = ++activities_asked_;
  cage_.activity(number);
  if (!wait([&] { return seen_.activities.count(number) > 0; }, Clock::now() + kCageAnswers))
    throw AttemptOver{"harness-error", "the cage did not say within 10 s who moves"};
  return std::exchange(seen_.activities[number], json());
}

std::chrono::nanoseconds Scene::ping() {
  const int number = ++pings_sent_;
  const auto sent = Clock::now();
  cage_.ping(number);
  if (!wait([&] { return seen_.pongs.count(number) > 0; }, sent + kCageAnswers))
    throw AttemptOver{"harness-error", "the cage answered no ping within 10 s"};
  return seen_.pongs[number] - sent;
}

void Scene::finish() {
  stop_fd_ = -1;  // interrupted or not, the cage is emptied in order
  if (over_ && over_->how == "harness-error") {
    // The last output of an adapter that broke the rules is what its author needs most.
    const auto last_word = Clock::now() + kLastWords;
    while (!seen_.adapter_ended && !cage_gone_ && Clock::now() < last_word) take_in(50);
  }
  if (!cage_gone_) cage_.end();
  const auto limit = Clock::now() + kCageAnswers;
  while (!seen_.healed && !cage_gone_ && Clock::now() < limit) take_in(100);
  while (stderr_open_ && Clock::now() < limit) {  // every writer is dead, so the rest ends with EOF
    from_stderr();
    pollfd one = {cage_.stderr_fd(), POLLIN, 0};
    if (stderr_open_ && ::poll(&one, 1, 100) < 0 && errno != EINTR) break;
  }
  journal_.write("stderr",
                 {{"bytes", stderr_bytes_}, {"head", stderr_head_}, {"tail", stderr_tail_}});
  if (!seen_.healed)
    throw AttemptOver{"harness-error", "the cage could not be emptied within 10 s"};
}

std::string Scene::last_stderr_lines() const {
  std::string text = stderr_tail_.empty() ? stderr_head_ : stderr_tail_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t from = text.size();
  for (int lines = 0; lines < 5 && from != 0 && from != std::string::npos; ++lines)
    from = text.rfind('\n', from - 1);
  return text.substr(from == std::string::npos ? 0 : from);
}

}  // namespace poolproof::conformance
