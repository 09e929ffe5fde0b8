#include "faults/call_strike.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "faults/fault.h"

namespace poolproof::faults {
namespace {

using nlohmann::json;
using std::string_view;

constexpr std::array<std::pair<Moment, string_view>, 5> kMoments = {
    {{Moment::kBefore, "before"},
     {Moment::kAfter, "after"},
     {Moment::kTornByte, "torn-byte"},
     {Moment::kTornHalf, "torn-half"},
     {Moment::kTornLast, "torn-last"}}};

constexpr string_view kTask = "task-", kSince = "after-", kIn = " in ", kSymbol = "symbol:";

// Only canonical decimal numbers: every label has one spelling.
std::optional<int> parse_count(string_view text, int low, int high) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool canonical = !text.empty() && (text.front() != '0' || text.size() == 1);
  if (error != std::errc{} || end != text.data() + text.size() || !canonical) return std::nullopt;
  return number >= low && number <= high ? std::optional(number) : std::nullopt;
}

std::optional<int> after_prefix(string_view text, string_view prefix, int low, int high) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  return parse_count(text.substr(prefix.size()), low, high);
}

constexpr int kMost = 1'000'000'000;
constexpr int kHighestErrno = 133;

std::optional<int> errno_of(string_view name) {
  for (int number = 1; number <= kHighestErrno; ++number) {
    const char* known = strerrorname_np(number);
    if (known != nullptr && known == name) return number;
  }
  return std::nullopt;
}

template <typename T, typename Parse>
T word_at(const json& in, const char* key, const Parse& parse) {
  const auto found = in.find(key);
  if (found != in.end() && found->is_string())
    if (const std::optional<T> value = parse(found->get<std::string>())) return *value;
  throw std::runtime_error(std::string(key) + ": expected a word of faults/call_strike.h, found " +
                           (found == in.end() ? "nothing" : found->dump()));
}

std::vector<std::string> texts_at(const json& in, const char* key) {
  const auto found = in.find(key);
  const auto is_text = [](const json& each) { return each.is_string(); };
  if (found == in.end() || !found->is_array() ||
      !std::all_of(found->begin(), found->end(), is_text))
    throw std::runtime_error(std::string(key) + ": expected a list of texts, found " +
                             (found == in.end() ? "nothing" : found->dump()));
  return found->get<std::vector<std::string>>();
}

}  // namespace

bool is_torn(Moment moment) { return moment != Moment::kBefore && moment != Moment::kAfter; }

bool ends_process(const CallEffect& effect) {
  return effect.kind == CallEffect::Kind::kSignal || effect.kind == CallEffect::Kind::kExit;
}

std::string why_impossible(const CallStrike& strike) {
  using Kind = CallEffect::Kind;
  const Kind kind = strike.effect.kind;
  const bool only_before = kind == Kind::kExit || kind == Kind::kErrno || kind == Kind::kShort;
  if (only_before && strike.moment != Moment::kBefore)
    return "`" + to_string(strike.effect) +
           "` stands in the place of a call: it can only come before";
  if ((is_torn(strike.moment) || kind == Kind::kShort) && !moves_bytes_out(strike.at.call) &&
      !(kind == Kind::kShort && strike.at.call == "read"))
    return "`" + strike.at.call + "` moves no bytes that could be torn";
  return "";
}

std::string to_string(const Segment& segment) {
  switch (segment.kind) {
    case Segment::Kind::kStart:
      return "start";
    case Segment::Kind::kTask:
      return std::string(kTask) + std::to_string(segment.task);
    case Segment::Kind::kAfter:
      return std::string(kSince) + std::to_string(segment.task);
    case Segment::Kind::kShutdown:
      return "shutdown";
  }
  return "?";
}

std::optional<Segment> parse_segment(string_view text) {
  if (text == "start") return Segment{Segment::Kind::kStart, 0};
  if (text == "shutdown") return Segment{Segment::Kind::kShutdown, 0};
  if (const auto task = after_prefix(text, kTask, 1, kMost))
    return Segment{Segment::Kind::kTask, *task};
  if (const auto task = after_prefix(text, kSince, 1, kMost))
    return Segment{Segment::Kind::kAfter, *task};
  return std::nullopt;
}

std::string to_string(const CallLabel& label) {
  return label.call + ":" + label.object + "#" + std::to_string(label.nth) + std::string(kIn) +
         to_string(label.segment);
}

std::optional<CallLabel> parse_call_label(string_view text) {
  const auto colon = text.find(':');
  const auto hash = text.find('#');
  const auto in = text.find(kIn);
  if (colon == string_view::npos || hash == string_view::npos || in == string_view::npos ||
      colon == 0 || hash < colon + 2 || in < hash)
    return std::nullopt;
  const auto nth = parse_count(text.substr(hash + 1, in - hash - 1), 1, kMost);
  const auto segment = parse_segment(text.substr(in + kIn.size()));
  const std::string call(text.substr(0, colon));
  if (!nth || !segment || !knows_call(call)) return std::nullopt;
  return CallLabel{*segment, call, std::string(text.substr(colon + 1, hash - colon - 1)), *nth};
}

std::string to_string(const Place& place) {
  return place.call ? to_string(*place.call) : std::string(kSymbol) + place.symbol;
}

std::optional<Place> parse_place(string_view text) {
  if (text.substr(0, kSymbol.size()) != kSymbol) {
    const auto call = parse_call_label(text);
    return call ? std::optional(Place{call, ""}) : std::nullopt;
  }
  const std::string symbol(text.substr(kSymbol.size()));
  return symbol.empty() ? std::nullopt : std::optional(Place{std::nullopt, symbol});
}

std::string to_string(Moment moment) {
  for (const auto& [value, word] : kMoments)
    if (value == moment) return std::string(word);
  return "?";
}

std::optional<Moment> parse_moment(string_view text) {
  for (const auto& [value, word] : kMoments)
    if (word == text) return value;
  return std::nullopt;
}

std::string to_string(const CallEffect& effect) {
  using Kind = CallEffect::Kind;
  const char* const name = effect.kind == Kind::kErrno ? strerrorname_np(effect.number) : nullptr;
  switch (effect.kind) {
    case Kind::kSignal:
      return "signal:" + signal_name(effect.number);
    case Kind::kExit:
      return "exit:" + std::to_string(effect.number);
    case Kind::kFreeze:
      return "freeze";
    case Kind::kErrno:
      return "errno:" + std::string(name == nullptr ? "?" : name);
    case Kind::kShort:
      return "short";
  }
  return "?";
}

std::optional<CallEffect> parse_call_effect(string_view text) {
  using Kind = CallEffect::Kind;
  if (text == "freeze") return CallEffect{Kind::kFreeze, 0};
  if (text == "short") return CallEffect{Kind::kShort, 0};
  if (const auto code = after_prefix(text, "exit:", 0, 255)) return CallEffect{Kind::kExit, *code};
  const auto colon = text.find(':');
  if (colon == string_view::npos) return std::nullopt;
  const string_view kind = text.substr(0, colon), word = text.substr(colon + 1);
  if (kind == "errno")
    if (const auto number = errno_of(word)) return CallEffect{Kind::kErrno, *number};
  if (kind == "signal")
    if (const auto number = parse_signal(word)) return CallEffect{Kind::kSignal, *number};
  return std::nullopt;
}

void to_json(json& out, const CallStrike& strike) {
  out = {{"lineages", strike.lineages},
         {"at", to_string(strike.at)},
         {"moment", to_string(strike.moment)},
         {"effect", to_string(strike.effect)}};
}

void from_json(const json& in, CallStrike& strike) {
  strike.lineages = texts_at(in, "lineages");
  strike.at = word_at<CallLabel>(in, "at", parse_call_label);
  strike.moment = word_at<Moment>(in, "moment", parse_moment);
  strike.effect = word_at<CallEffect>(in, "effect", parse_call_effect);
  if (const std::string why = why_impossible(strike); !why.empty())
    throw std::runtime_error("effect: " + why);
}

void to_json(json& out, const StoreStrike& strike) {
  out = {{"lineages", strike.lineages},
         {"from", to_string(strike.from)},
         {"to", to_string(strike.to)},
         {"nth", strike.nth},
         {"effect", to_string(strike.effect)}};
}

void from_json(const json& in, StoreStrike& strike) {
  strike.lineages = texts_at(in, "lineages");
  strike.from = word_at<Place>(in, "from", parse_place);
  strike.to = word_at<Place>(in, "to", parse_place);
  strike.effect = word_at<CallEffect>(in, "effect", parse_call_effect);
  const auto nth = in.find("nth");
  if (nth == in.end() || !nth->is_number_integer() || nth->get<int>() < 1)
    throw std::runtime_error("nth: expected a number, 1 or more");
  strike.nth = *nth;
  const auto kind = strike.effect.kind;
  if (kind != CallEffect::Kind::kSignal && kind != CallEffect::Kind::kFreeze)
    throw std::runtime_error("effect: a store can be followed by a signal or by freeze only");
}

void to_json(json& out, const Trace& trace) {
  out = {{"calls", trace.calls}, {"tells_calls", trace.tells_calls}};
  if (trace.parent_too) out["parent_too"] = true;
  if (trace.strike) out["strike"] = *trace.strike;
  if (trace.store) out["store"] = *trace.store;
}

void from_json(const json& in, Trace& trace) {
  trace.calls = texts_at(in, "calls");
  for (const std::string& call : trace.calls)
    if (!knows_call(call))
      throw std::runtime_error("calls: `" + call + "` is no call that can be struck");
  trace.tells_calls = in.value("tells_calls", false);
  trace.parent_too = in.value("parent_too", false);
  trace.strike.reset();
  if (const auto strike = in.find("strike"); strike != in.end())
    trace.strike = strike->get<CallStrike>();
  trace.store.reset();
  if (const auto store = in.find("store"); store != in.end())
    trace.store = store->get<StoreStrike>();
  if (trace.store && (trace.strike || trace.tells_calls))
    throw std::runtime_error("store: what runs step by step is not struck or told at calls, too");
}

const std::vector<std::string>& calls_of_a_sweep() {
  static const std::vector<std::string> kCalls = {
      "read",    "write", "readv",  "writev",     "recvfrom",    "sendto", "recvmsg",
      "sendmsg", "poll",  "ppoll",  "epoll_wait", "epoll_pwait", "select", "pselect6",
      "futex",   "close", "execve", "exit_group", "wait4",       "waitid"};
  return kCalls;
}

bool knows_call(string_view name) {
  // Besides those of a sweep: the calls by which a pool's program makes what its workers need.
  static const std::vector<std::string> kMakers = {
      "openat", "pipe2",  "socketpair", "eventfd2", "memfd_create", "ftruncate", "mmap",
      "fork",   "vfork",  "clone",      "clone3",   "dup2",         "dup3",      "fsync",
      "unlink", "socket", "connect",    "accept4",  "epoll_create1"};
  const auto has = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  return has(calls_of_a_sweep()) || has(kMakers);
}

bool moves_bytes_out(string_view call) {
  return call == "write" || call == "writev" || call == "sendto" || call == "sendmsg";
}

}  // namespace poolproof::faults
