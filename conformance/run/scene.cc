#include "conformance/run/scene.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "conformance/run/limits.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::size_t kStderrKept = 64U << 10;  // bytes, of its beginning and of its end

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
      monotonic_ns ? Clock::time_point(std::chrono::nanoseconds(*monotonic_ns)) : now_();
  Observation observation{0, since(epoch_, at), run_, attempt_, kind, std::move(fields)};
  if (headed_) {
    append_(std::move(observation));
  } else {
    kept_back_.push_back(std::move(observation));
  }
}

void Journal::head(const std::string& kind, json fields) {
  append_({0, since(epoch_, now_()), run_, attempt_, kind, std::move(fields)});
  headed_ = true;
  for (Observation& observation : kept_back_) append_(std::move(observation));
  kept_back_.clear();
}

bool Scene::wait(const std::function<bool()>& done, Clock::time_point limit) {
  for (;;) {
    if (done()) return true;
    throw_if_over();
    const auto now = outside_.now();
    const bool silent = line_ended_at_ && !adapter_may_end_ && !seen_.adapter_ended;
    if (silent && now > *line_ended_at_ + limits::kEndsAfterItsLine)
      throw AttemptOver{"harness-error", "the adapter closed its line, and lives on"};
    if (silent) limit = std::min(limit, *line_ended_at_ + 2 * limits::kEndsAfterItsLine);
    if (now >= limit) return false;
    for (Event& event : outside_.next(limit)) take(event);
  }
}

void Scene::throw_if_over() {
  if (over_) throw AttemptOver(*over_);
  if (!seen_.adapter_ended || adapter_may_end_) return;
  if (seen_.opened > 0)
    throw AttemptOver{"adapter-died", "the adapter's process ended, and we did not end it"};
  throw AttemptOver{"harness-error", "the adapter ended before its first `open` was answered"};
}

void Scene::pause(std::chrono::nanoseconds time) {
  wait([] { return false; }, outside_.now() + time);
}

void Scene::take(Event& event) {
  std::visit([this](auto& each) { take(each); }, event);
}

void Scene::take(LineEnded&) { line_ended_at_ = outside_.now(); }

void Scene::take(AdapterSaid& said) {
  if (over_) return;
  ++seen_.messages;
  note_arrival();
  const AdapterLine::Received& received = said.received;
  if (received.wrong) {
    journal_.write("invalid", {{"text", received.text.substr(0, 2000)}, {"why", *received.wrong}});
    over_ = AttemptOver{"harness-error", "the adapter sent what is no message: " + *received.wrong};
    return;
  }
  journal_.write("received", {{"message", received.message}});
  on_adapter_event(received.message["event"].get_ref<const std::string&>(), received.message);
}

void Scene::on_adapter_event(const std::string& event, const json& message) {
  if (event == "hello") {
    seen_.hello = message;
  } else if (seen_.hello.is_null()) {
    if (event == "refused" && message["cmd"] == "hello")
      over_ = AttemptOver{"unavailable", message["why"]};
    else
      over_ = AttemptOver{"harness-error",
                          "the adapter's first message is `" + event + "`, not `hello`"};
  } else if (event == "opened") {
    ++seen_.opened;
  } else if (event == "resized") {
    ++seen_.resized;
  } else if (event == "closed") {
    ++seen_.closed;
  } else if (event == "settled") {
    seen_.outcomes.emplace(message["id"], message["outcome"]);
  } else if (event == "refused") {
    over_ =
        AttemptOver{"harness-error", "the adapter refused `" + message["cmd"].get<std::string>() +
                                         "`: " + message["why"].get<std::string>()};
  }
}

void Scene::take(StderrCame& came) {
  note_arrival();
  const std::string& bytes = came.bytes;
  stderr_bytes_ += bytes.size();
  const std::size_t to_head = std::min(kStderrKept - stderr_head_.size(), bytes.size());
  stderr_head_.append(bytes, 0, to_head);
  stderr_tail_.append(bytes, to_head, std::string::npos);
  if (stderr_tail_.size() > kStderrKept) stderr_tail_.erase(0, stderr_tail_.size() - kStderrKept);
}

void Scene::note_arrival() {
  ++seen_.arrivals;
  seen_.last_arrival = outside_.now();
}

void Scene::take(CageGone& gone) {
  cage_gone_ = true;
  if (!seen_.healed) over_ = AttemptOver{"harness-error", gone.why};
}

void Scene::take(CageSaid& said) {
  json& message = said.message;
  const std::string ev = message.at("ev");
  const std::int64_t t_ns = message.at("t_ns");
  message.erase("ev");
  message.erase("t_ns");
  // The cage's `ready` is in the record as `cage`, after the plan: the code that runs the attempt
  // writes it.
  if (ev != "ready" && ev != "pong" && ev != "activity") journal_.write(ev, message, t_ns);
  if (is_news(ev)) {
    note_arrival();
    on_news(ev, message);
  } else {
    on_answer(ev, message);
  }
}

void Scene::on_answer(const std::string& ev, const json& message) {
  if (ev == "ready") seen_.ready = message;
  if (ev == "failed") over_ = AttemptOver{"harness-error", message.at("why")};
  if (ev == "deadline")
    over_ = AttemptOver{"harness-error", "the cage's own deadline ended the attempt"};
  if (ev == "pong") seen_.pongs[message.at("n")] = outside_.now();
  if (ev == "activity") seen_.activities[message.at("n")] = message;
  if (ev == "healed") seen_.healed = true;
  if (ev == "marked") seen_.marked.insert(message.at("word"));
  if (ev == "limited") seen_.limited[message.at("limit")] = message;
  if (ev == "lifted") ++seen_.lifts;
  if (ev == "process") seen_.snapshots[message.at("snap")].processes.push_back(message);
  if (ev == "snapshot") seen_.snapshots[message.at("snap")].whole = message;
  if (ev == "signalled" && message.value("group", false)) seen_.group_signalled = true;
}

void Scene::on_news(const std::string& ev, const json& message) {
  if (ev == "call-struck") ++seen_.call_strikes;
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
  if (ev == "left") {
    for (Meeting& meeting : seen_.meetings)
      if (meeting.conn == message.at("conn")) meeting.left = true;
  }
  if (ev == "met") {
    seen_.meetings.push_back({message.at("conn"),
                              {message.at("pid"), message.at("start")},
                              message.at("task"),
                              message.at("point")});
    if (!hold(seen_.meetings.back())) answer(seen_.meetings.back(), {{"do", "go"}});
  }
}

void Scene::send(const json& command) {
  journal_.write("sent", {{"message", command}});
  outside_.send(command);
}

void Scene::answer(Meeting& meeting, const json& what_to_do) {
  meeting.answered = true;
  journal_.write("answered", {{"conn", meeting.conn},
                              {"pid", meeting.process.pid},
                              {"task", meeting.task},
                              {"do", what_to_do}});
  outside_.answer(meeting.conn, what_to_do);
}

void Scene::await_cage(const std::function<bool()>& done, const char* failure) {
  if (!wait(done, outside_.now() + limits::kCageAnswers))
    throw AttemptOver{"harness-error", std::string("the cage ") + failure + " within 10 s"};
}

const Snapshot& Scene::snapshot() {
  const int number = ++snapshots_asked_;
  outside_.snapshot(number);
  await_cage([&] { return !seen_.snapshots[number].whole.is_null(); }, "took no snapshot");
  return seen_.snapshots[number];
}

json Scene::limit(Identity process, const std::string& what, bool room) {
  const int number = ++limits_asked_;
  outside_.limit(number, process, what, room);
  await_cage([&] { return seen_.limited.count(number) > 0; }, "limited nothing");
  return seen_.limited[number];
}

void Scene::lift() {
  const int before = seen_.lifts;
  if (limits_asked_ == 0) return;
  outside_.lift();
  await_cage([&] { return seen_.lifts > before; }, "lifted no limit");
}

json Scene::activity() {
  const int number = ++activities_asked_;
  outside_.activity(number);
  await_cage([&] { return seen_.activities.count(number) > 0; }, "did not say who moves");
  return std::exchange(seen_.activities[number], json());
}

std::chrono::nanoseconds Scene::ping() {
  const int number = ++pings_sent_;
  const auto sent = outside_.now();
  outside_.ping(number);
  await_cage([&] { return seen_.pongs.count(number) > 0; }, "answered no ping");
  return seen_.pongs[number] - sent;
}

void Scene::finish() {
  const auto take_until = [&](Clock::time_point limit, const auto& done) {
    while (!done() && outside_.now() < limit)
      for (Event& event : outside_.next(limit)) take(event);
  };
  // The last output of an adapter that broke the rules is what its author needs most.
  if (over_ && over_->how == "harness-error")
    take_until(outside_.now() + limits::kLastWords,
               [&] { return seen_.adapter_ended || cage_gone_; });
  if (!cage_gone_) outside_.end();
  const auto limit = outside_.now() + limits::kCageAnswers;
  take_until(limit, [&] { return seen_.healed || cage_gone_; });
  take_until(limit, [&] { return !stderr_open_; });  // every writer is dead, so it ends
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
