#include "faults/fault.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>

namespace poolproof::faults {
namespace {

using std::string_view;

std::optional<Resource> resource_in(words::WordList allowed, string_view word) {
  if (std::find(allowed.begin(), allowed.end(), word) == allowed.end()) return std::nullopt;
  return words::find<Resource>(word);
}

// Only canonical decimal numbers, so that every word has one spelling: no sign, no leading zero.
std::optional<int> parse_number(string_view text, int low, int high) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text.front() == '-' || number < low || number > high) return std::nullopt;
  return number;
}

std::optional<string_view> after_prefix(string_view text, string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  return text.substr(prefix.size());
}

}  // namespace

bool strikes_program(const Fault& fault) {
  return fault.target == Target::kParent || fault.target == Target::kGroup;
}

std::string meets_at(Point point) {
  return to_string(point == Point::kSending ? Point::kRunning : point);
}

Door door_of(const Effect& effect) {
  if (effect.kind == EffectKind::kSignal || effect.kind == EffectKind::kReturn)
    return Door::kProcess;
  if (effect.kind == EffectKind::kDeny) return Door::kLimit;
  const bool limited = effect.kind == EffectKind::kExhaust && effect.resource != Resource::kStack;
  return limited ? Door::kLimit : Door::kTask;
}

bool ends_process(const Effect& effect) {
  return effect.kind == EffectKind::kSignal || effect.kind == EffectKind::kRaise ||
         effect.kind == EffectKind::kExit ||
         (effect.kind == EffectKind::kExhaust && effect.resource == Resource::kMemory);
}

bool ends_process_or_is_written(const Effect& effect) {
  return effect.kind == EffectKind::kExhaust && !ends_process(effect);
}

bool is_written_by_task(const Effect& effect) {
  return effect.kind == EffectKind::kThrow || effect.kind == EffectKind::kThrowUndecodable ||
         effect.kind == EffectKind::kFork || effect.kind == EffectKind::kCloseFds ||
         effect.kind == EffectKind::kGarbage;
}

std::string to_string(Point point) { return std::string(words::word_of(point)); }
std::string to_string(Target target) { return std::string(words::word_of(target)); }
std::string to_string(Door door) {
  return door == Door::kTask ? "task" : door == Door::kProcess ? "process" : "limit";
}
std::string to_string(Resource resource) { return std::string(words::word_of(resource)); }

std::string to_string(const Effect& effect) {
  switch (effect.kind) {
    case EffectKind::kSignal:
      return effect.signal == SIGKILL ? "kill" : "signal:" + signal_name(effect.signal);
    case EffectKind::kRaise:
      return "raise:" + signal_name(effect.signal);
    case EffectKind::kExit:
      return "exit:" + std::to_string(effect.code);
    case EffectKind::kExhaust:
      return "exhaust:" + to_string(effect.resource);
    case EffectKind::kDeny:
      return "deny:" + to_string(effect.resource);
    case EffectKind::kLoop:
    case EffectKind::kSleep:
    case EffectKind::kThrow:
    case EffectKind::kThrowUndecodable:
    case EffectKind::kFork:
    case EffectKind::kCloseFds:
    case EffectKind::kGarbage:
    case EffectKind::kReturn:
      break;
  }
  return std::string(words::word_of(effect.kind));
}

std::optional<Point> parse_point(string_view text) { return words::find<Point>(text); }
std::optional<Target> parse_target(string_view text) { return words::find<Target>(text); }

std::optional<Effect> parse_effect(string_view text) {
  if (text == "kill") return Effect{EffectKind::kSignal, SIGKILL, 0};
  if (text.find(':') == string_view::npos) {
    const auto kind = words::find<EffectKind>(text);
    return kind ? std::optional(Effect{*kind, 0, 0}) : std::nullopt;
  }
  if (const auto name = after_prefix(text, "signal:")) {
    const auto signal = parse_signal(*name);
    return signal ? std::optional(Effect{EffectKind::kSignal, *signal, 0}) : std::nullopt;
  }
  if (const auto name = after_prefix(text, "raise:")) {
    const auto signal = parse_signal(*name);
    return signal ? std::optional(Effect{EffectKind::kRaise, *signal, 0}) : std::nullopt;
  }
  if (const auto number = after_prefix(text, "exit:")) {
    const auto code = parse_number(*number, 0, 255);
    return code ? std::optional(Effect{EffectKind::kExit, 0, *code}) : std::nullopt;
  }
  if (const auto name = after_prefix(text, "exhaust:")) {
    const auto resource = resource_in(words::kExhaustible, *name);
    return resource ? std::optional(Effect{EffectKind::kExhaust, 0, 0, *resource}) : std::nullopt;
  }
  if (const auto name = after_prefix(text, "deny:")) {
    const auto resource = resource_in(words::kDeniable, *name);
    return resource ? std::optional(Effect{EffectKind::kDeny, 0, 0, *resource}) : std::nullopt;
  }
  return std::nullopt;
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? name : std::to_string(signal);
}

std::optional<int> parse_signal(string_view name) {
  if (const auto number = parse_number(name, 1, NSIG - 1)) return number;
  const string_view bare = after_prefix(name, "SIG").value_or(name);
  if (bare.empty()) return std::nullopt;
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && bare == known) return signal;
  }
  return std::nullopt;
}

}  // namespace poolproof::faults
