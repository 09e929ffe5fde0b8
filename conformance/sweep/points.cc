#include "conformance/sweep/points.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace poolproof::conformance::sweep {
namespace {

using faults::CallEffect;
using faults::Moment;
using Kind = CallEffect::Kind;

template <typename T>
bool lets_pass(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// One byte, half, and all but one: those that are different and leave some bytes unsent.
bool can_be_torn(const RecordedCall& call, Moment moment) {
  if (!faults::moves_bytes_out(call.label.at.call)) return false;
  if (moment == Moment::kTornByte) return call.bytes >= 2;
  if (moment == Moment::kTornLast) return call.bytes >= 3;
  return call.bytes >= 4;
}

bool is_possible(const RecordedCall& call, Moment moment, const CallEffect& effect) {
  if (moment == Moment::kAfter && !call.returns) return false;
  if (faults::is_torn(moment) && !can_be_torn(call, moment)) return false;
  return faults::why_impossible({{}, call.label.at, moment, effect}).empty();
}

constexpr std::array<Moment, 5> kMoments = {Moment::kBefore, Moment::kTornByte, Moment::kTornHalf,
                                            Moment::kTornLast, Moment::kAfter};

}  // namespace

std::string scenario_of(const Point& point) {
  return "sweep/" + point.workload + "/" + to_string(point.label) + "@" +
         faults::to_string(point.moment) + ":" + faults::to_string(point.effect);
}

std::string recording_of(const std::string& workload, int run) {
  return "sweep/" + workload + "/record-" + std::to_string(run);
}

std::vector<Point> points_of(const std::string& workload, const Recording& recording,
                             const Wanted& wanted, bool freezable) {
  std::vector<Point> points;
  for (const CallEffect& effect : wanted.effects)
    for (const RecordedCall& call : recording.calls) {
      if (!lets_pass(wanted.phases, call.phase) || !lets_pass(wanted.roles, call.label.role))
        continue;
      if (wanted.at && *wanted.at != call.label) continue;
      if (effect.kind == Kind::kFreeze && (!freezable || call.label.role == Role::kNewborn))
        continue;
      for (const Moment moment : kMoments)
        if (lets_pass(wanted.moments, moment) && is_possible(call, moment, effect))
          points.push_back({workload, call.label, call.phase, moment, effect});
    }
  return points;
}

faults::CallStrike strike_at(const Point& point, const Recording& recording) {
  return {recording.lineages(point.label.role), point.label.at, point.moment, point.effect};
}

std::vector<CallEffect> parse_effects(std::string_view word) {
  if (word == "kill") return {{Kind::kSignal, SIGKILL}};
  if (word == "segv") return {{Kind::kSignal, SIGSEGV}};
  if (word == "abrt") return {{Kind::kSignal, SIGABRT}};
  if (word == "exit") return {{Kind::kExit, 0}, {Kind::kExit, 3}};
  if (word == "errno") return {{Kind::kErrno, EINTR}, {Kind::kErrno, EAGAIN}, {Kind::kErrno, EIO}};
  if (const auto effect = faults::parse_call_effect(word)) return {*effect};
  return {};
}

}  // namespace poolproof::conformance::sweep
