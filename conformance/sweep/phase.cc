#include "conformance/sweep/phase.h"

#include <algorithm>
#include <array>
#include <utility>

namespace poolproof::conformance::sweep {
namespace {

using faults::CallLabel;
using faults::Segment;
using Calls = std::vector<CallLabel>;

constexpr std::array<std::pair<Phase, std::string_view>, 10> kWords = {
    {{Phase::kSpawn, "spawn"},
     {Phase::kInit, "init"},
     {Phase::kFetch, "fetch"},
     {Phase::kDecode, "decode"},
     {Phase::kRun, "run"},
     {Phase::kEncode, "encode"},
     {Phase::kSend, "send"},
     {Phase::kIdle, "idle"},
     {Phase::kRecycle, "recycle"},
     {Phase::kShutdown, "shutdown"}}};

template <std::size_t N>
bool is_one_of(const std::string& word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool reads(const CallLabel& label) {
  static constexpr std::array<std::string_view, 4> kReads = {"read", "readv", "recvfrom",
                                                             "recvmsg"};
  return is_one_of(label.call, kReads) && (label.object == "pipe" || label.object == "socket");
}

bool waits_for_events(const CallLabel& label) {
  static constexpr std::array<std::string_view, 6> kWaits = {"poll",        "ppoll",  "epoll_wait",
                                                             "epoll_pwait", "select", "pselect6"};
  return is_one_of(label.call, kWaits);
}

bool waits(const CallLabel& label) {
  return waits_for_events(label) || label.call == "futex" || reads(label);
}

// The calls of one segment, `begin` to `end`. `body_follows`: its next action is a task. `exits`:
// it ends in this segment, by itself.
class Stretch {
 public:
  Stretch(const Calls& calls, std::vector<Phase>& phases, std::size_t begin, std::size_t end)
      : calls_(calls), phases_(phases), begin_(begin), end_(end) {}

  bool exits() const {
    return std::any_of(at(begin_), at(end_),
                       [](const CallLabel& label) { return label.call == "exit_group"; });
  }

  // A worker that ends without a task ends when it is told to: after its last wait.
  void in_start(bool body_follows) {
    const auto [fetch, decode] = fetch_from(begin_, body_follows);
    for (std::size_t i = begin_; i < fetch; ++i)
      phases_[i] = waits(calls_[i]) ? Phase::kIdle : Phase::kInit;
    for (std::size_t i = end_; exits() && i > begin_ && !waits(calls_[i - 1]); --i)
      phases_[i - 1] = Phase::kRecycle;
    fill(fetch, decode, Phase::kFetch);
    fill(decode, end_, Phase::kDecode);
  }

  void after_body(bool body_follows) {
    const std::size_t send = first_write();
    const std::size_t sent = last_write_from(send);
    const auto [fetch, decode] = fetch_from(sent, body_follows);
    fill(begin_, send, Phase::kEncode);
    fill(send, sent, Phase::kSend);
    fill(sent, fetch, exits() ? Phase::kRecycle : Phase::kIdle);
    fill(fetch, decode, Phase::kFetch);
    fill(decode, end_, Phase::kDecode);
  }

  void all(Phase phase) { fill(begin_, end_, phase); }

 private:
  Calls::const_iterator at(std::size_t i) const {
    return calls_.begin() + static_cast<std::ptrdiff_t>(i);
  }

  void fill(std::size_t from, std::size_t to, Phase phase) {
    for (std::size_t i = from; i < to; ++i) phases_[i] = phase;
  }

  // The last read before the body. A message may come in pieces (its length, then the rest), so
  // reads directly before it belong to it.
  std::pair<std::size_t, std::size_t> fetch_from(std::size_t from, bool body_follows) const {
    if (!body_follows) return {end_, end_};
    std::size_t past = end_;
    while (past > from && !reads(calls_[past - 1])) --past;
    std::size_t first = past;
    while (first > from && reads(calls_[first - 1])) --first;
    if (past > from) return {first, past};
    for (past = end_; past > from && !waits(calls_[past - 1]);) --past;
    return {past, past};  // its tasks do not come by a call that reads
  }

  std::size_t first_write() const {
    std::size_t i = begin_;
    while (i < end_ && !faults::moves_bytes_out(calls_[i].call)) ++i;
    return i;
  }

  // After the last write before it looks for a message again.
  std::size_t last_write_from(std::size_t send) const {
    std::size_t past = send;
    for (std::size_t i = send; i < end_ && !reads(calls_[i]) && !waits_for_events(calls_[i]); ++i)
      if (faults::moves_bytes_out(calls_[i].call)) past = i + 1;
    return past;
  }

  const Calls& calls_;
  std::vector<Phase>& phases_;
  std::size_t begin_, end_;
};

}  // namespace

std::vector<Phase> phases_of(const Calls& calls) {
  std::vector<Phase> phases(calls.size(), Phase::kIdle);
  for (std::size_t begin = 0; begin < calls.size();) {
    std::size_t end = begin;
    while (end < calls.size() && calls[end].segment == calls[begin].segment) ++end;
    // A body may make no traced call: then the segment after it shows that there was one.
    const bool body_follows =
        end < calls.size() && calls[end].segment.kind != Segment::Kind::kShutdown;
    Stretch stretch(calls, phases, begin, end);
    switch (calls[begin].segment.kind) {
      case Segment::Kind::kStart:
        stretch.in_start(body_follows);
        break;
      case Segment::Kind::kTask:
        stretch.all(Phase::kRun);
        break;
      case Segment::Kind::kAfter:
        stretch.after_body(body_follows);
        break;
      case Segment::Kind::kShutdown:
        stretch.all(Phase::kShutdown);
        break;
    }
    begin = end;
  }
  return phases;
}

const std::vector<Phase>& all_phases() {
  static const std::vector<Phase> kAll = [] {
    std::vector<Phase> all;
    for (const auto& [phase, word] : kWords) all.push_back(phase);
    return all;
  }();
  return kAll;
}

std::string to_string(Phase phase) {
  for (const auto& [value, word] : kWords)
    if (value == phase) return std::string(word);
  return "?";
}

std::optional<Phase> parse_phase(std::string_view text) {
  for (const auto& [value, word] : kWords)
    if (word == text) return value;
  return std::nullopt;
}

}  // namespace poolproof::conformance::sweep
