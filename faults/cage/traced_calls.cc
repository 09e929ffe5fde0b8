// What the tracer does before a call and after it: names it, reports it, strikes.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "faults/cage/outbox.h"
#include "faults/cage/tracing.h"

namespace poolproof::faults {

using nlohmann::json;

namespace {

constexpr std::size_t kLongestLine = 512;  // of the ledger

// Results that no program sees: the call will be made again after a signal.
bool is_to_be_made_again(long result) { return result <= -512 && result >= -516; }

}  // namespace

// The call that is about to be made, with its name; nullopt if processes do not communicate by it.
std::optional<TracedCall> Tracing::named(pid_t tid, Traced& process, const Syscall& syscall) {
  TracedCall call;
  const std::string name = name_of_call(syscall.number);
  if (!knows_call(name)) return std::nullopt;  // stopped by a filter of the pool's own
  std::string object = "-";
  if (first_argument_is_descriptor(name)) {
    call.fd = static_cast<int>(syscall.arguments[0]);
    call.to = link_target("/proc/" + std::to_string(tid) + "/fd/" + std::to_string(call.fd));
    if (name == "write" && call.to == ledger_) {
      process.life.on_ledger_line(read_memory(
          process.who.pid, syscall.arguments[1],
          std::min<std::size_t>(kLongestLine, static_cast<std::size_t>(syscall.arguments[2]))));
      return std::nullopt;
    }
    object = kind_of_object(call.to);
    if (object.empty() || call.to == errors_) return std::nullopt;
  }
  call.label = process.life.name_call(name, object, shutdown_);
  call.bytes = bytes_of(process.who.pid, name, syscall);
  call.t_ns = monotonic_ns();
  return call;
}

bool Tracing::is_due(const Traced& process, const TracedCall& call) const {
  if (!trace_.strike || claimed_ || call.label != trace_.strike->at) return false;
  return process.is_one_of(trace_.strike->lineages);
}

void Tracing::on_call(pid_t tid) {
  Traced& process = process_of(tid);
  if (!process.counts || (struck_ && !trace_.tells_calls)) return go_on(tid);
  const Syscall syscall = read_syscall(tid);
  std::optional<TracedCall> call = named(tid, process, syscall);
  if (!call) return go_on(tid);
  call->told = trace_.tells_calls;
  bool goes_on = true;
  if (is_due(process, *call)) goes_on = strike_before(tid, process, *call, syscall);
  if (!goes_on) return;
  if (steps_ && steps_->tid == tid && trace_.store->to.call == call->label) end_steps();
  call->to_step = steps_in(process) && !claimed_ && trace_.store->from.call == call->label;
  claimed_ = claimed_ || call->to_step;
  if (call->told || call->to_strike || call->to_step || call->cut)
    threads_.at(tid).call = std::move(call);
  go_on(tid);
}

// At the entry of a call: strikes now, or prepares a strike at the return.
bool Tracing::strike_before(pid_t tid, Traced& process, TracedCall& call, const Syscall& syscall) {
  using Kind = CallEffect::Kind;
  const CallStrike& strike_to_be = *trace_.strike;
  const CallEffect& effect = strike_to_be.effect;
  const bool shortens = effect.kind == Kind::kShort || is_torn(strike_to_be.moment);
  if (shortens) {
    const long kept = bytes_kept(strike_to_be.moment, call.bytes.value_or(0));
    if (kept <= 0) return true;  // too few bytes to tear: this strike is not possible here
    call.cut = cut_call(tid, process.who.pid, call.label.call, syscall, kept);
  }
  claimed_ = true;
  if (strike_to_be.moment != Moment::kBefore || shortens) {
    call.to_strike = true;
    return true;
  }
  if (effect.kind == Kind::kErrno) {
    call.to_strike = true;  // its return is the receipt
    skip_syscall(tid, -effect.number);
    return true;
  }
  if (effect.kind == Kind::kExit) {
    tell_strike(tid, process, call, std::nullopt, false);
    Syscall exit = syscall;
    exit.number = SYS_exit_group;
    exit.arguments[0] = static_cast<std::uint64_t>(effect.number);
    replace_syscall(tid, exit);
    return true;
  }
  // The call is not made, whatever the signal does.
  if (effect.kind == Kind::kSignal && effect.number != SIGKILL) skip_syscall(tid, -EINTR);
  return strike(tid, process, call, std::nullopt);
}

bool Tracing::strike(pid_t tid, Traced& process, const TracedCall& call,
                     std::optional<long> moved) {
  const CallEffect& effect = trace_.strike->effect;
  const bool freezes = effect.kind == CallEffect::Kind::kFreeze;
  if (!freezes) tell_strike(tid, process, call, moved, false);
  const bool goes_on = apply(tid, process, effect);
  if (freezes) tell_strike(tid, process, call, moved, true);
  return goes_on;
}

bool Tracing::apply(pid_t tid, Traced& process, const CallEffect& effect) {
  send();  // before the effect of the call can be seen
  if (effect.kind == CallEffect::Kind::kFreeze) {
    process.frozen = true;
    ::kill(process.who.pid, SIGSTOP);  // stops the other threads; this one is never continued
    return false;
  }
  if (effect.number == SIGKILL) {
    ::kill(process.who.pid, SIGKILL);
    return false;
  }
  ::syscall(SYS_tgkill, process.who.pid, tid, effect.number);
  return true;
}

void Tracing::on_return(pid_t tid) {
  Traced& process = process_of(tid);
  TracedThread& thread = threads_.at(tid);
  if (!thread.call) return go_on(tid);
  TracedCall call = std::move(*thread.call);
  thread.call.reset();
  const long result = read_result(tid);
  if (call.cut) restore(*call.cut, tid, process.who.pid);
  if (is_to_be_made_again(result)) {
    process.life.take_back(call.label);
    if (call.to_strike || call.to_step) claimed_ = false;
    return go_on(tid);
  }
  if (call.to_step) return begin_steps(tid);
  if (call.told) tell_call(tid, process, call, result);
  if (!call.to_strike) return go_on(tid);
  const CallEffect::Kind kind = trace_.strike->effect.kind;
  if (kind == CallEffect::Kind::kErrno || kind == CallEffect::Kind::kShort) {
    tell_strike(tid, process, call, result, true);
    return go_on(tid);
  }
  if (strike(tid, process, call, result)) go_on(tid);
}

void Tracing::tell_strike(pid_t tid, const Traced& process, const TracedCall& call,
                          std::optional<long> moved, bool seen) {
  json fields = identity_of(process);
  fields["tid"] = tid;
  fields["lineage"] = process.lineage;
  fields["at"] = to_string(call.label);
  fields["moment"] = to_string(trace_.strike->moment);
  fields["effect"] = to_string(trace_.strike->effect);
  fields["fd"] = call.fd;
  fields["to"] = call.to;
  fields["seen"] = seen;
  if (call.bytes) fields["bytes"] = *call.bytes;
  if (moved) fields["moved"] = *moved;
  post("call-struck", std::move(fields));
  struck_ = true;
}

void Tracing::tell_call(pid_t tid, const Traced& process, const TracedCall& call,
                        std::optional<long> result) {
  json fields = identity_of(process);
  fields["t_ns"] = call.t_ns;
  fields["tid"] = tid;
  fields["lineage"] = process.lineage;
  fields["at"] = to_string(call.label);
  fields["fd"] = call.fd;
  fields["to"] = call.to;
  if (call.bytes) fields["bytes"] = *call.bytes;
  if (result) fields["result"] = *result;
  post("call", std::move(fields));
}

}  // namespace poolproof::faults
