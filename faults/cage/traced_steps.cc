// What the tracer does between two places of a program. It lets one thread make one step, looks at
// the memory that the process shares with others, and repeats this until the store to strike.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include <sstream>

#include "faults/cage/tracing.h"

namespace poolproof::faults {

using nlohmann::json;

namespace {

std::string hexadecimal(std::uint64_t address) {
  std::ostringstream text;
  text << "0x" << std::hex << address;
  return text.str();
}

// Also writes where the program itself may not. False: the process is gone.
bool write_code(pid_t pid, std::uint64_t address, const std::string& bytes) {
  const Fd memory(::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_WRONLY | O_CLOEXEC));
  return memory && ::pwrite(memory.get(), bytes.data(), bytes.size(),
                            static_cast<off_t>(address)) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

bool Tracing::steps_in(const Traced& process) const {
  return trace_.store && process.counts && process.is_one_of(trace_.store->lineages);
}

void Tracing::set_breakpoint(const Traced& process) {
  if (!steps_in(process) || trace_.store->from.call || claimed_) return;
  const pid_t pid = process.who.pid;
  const std::uint64_t address = address_of_symbol(pid, trace_.store->from.symbol);
  if (address == 0) return;
  Breakpoint breakpoint{address, read_memory(pid, address, kBreakpoint.size())};
  if (breakpoint.was.size() == kBreakpoint.size() && write_code(pid, address, kBreakpoint))
    breakpoints_[pid] = std::move(breakpoint);
}

// The thread is at a breakpoint that we set: the program continues as if there were none.
bool Tracing::ran_into_breakpoint(pid_t tid) {
  const pid_t pid = thread_of(tid).process;
  const auto found = breakpoints_.find(pid);
  if (found == breakpoints_.end()) return false;
  const std::uint64_t address = found->second.address;
  if (instruction_pointer(tid) != address + kBehindBreakpoint) return false;
  write_code(pid, address, found->second.was);
  set_instruction_pointer(tid, address);
  breakpoints_.erase(found);
  return true;
}

void Tracing::begin_steps(pid_t tid) {
  const Traced& process = process_of(tid);
  if (!steps_) {
    claimed_ = true;
    const Place& to = trace_.store->to;
    steps_.emplace(Steps{tid, SharedMemory(process.who.pid),
                         to.call ? 0 : address_of_symbol(process.who.pid, to.symbol)});
  }
  go_on(tid);
}

void Tracing::on_step(pid_t tid) {
  Traced& process = process_of(tid);
  ++steps_->steps;
  const std::uint64_t changed = steps_->memory.first_change();
  if (changed != 0 && ++steps_->stores == trace_.store->nth) {
    json fields = identity_of(process);
    fields["tid"] = tid;
    fields["lineage"] = process.lineage;
    fields["nth"] = steps_->stores;
    fields["steps"] = steps_->steps;
    fields["address"] = hexadecimal(changed);
    fields["effect"] = to_string(trace_.store->effect);
    fields["seen"] = trace_.store->effect.kind == CallEffect::Kind::kFreeze;
    post("store-struck", std::move(fields));
    const bool goes_on = apply(tid, process, trace_.store->effect);
    end_steps();
    if (goes_on) go_on(tid);
    return;
  }
  if (steps_->until != 0 && instruction_pointer(tid) == steps_->until) end_steps();
  go_on(tid);
}

void Tracing::end_steps() {
  const Traced& process = process_of(steps_->tid);
  json fields = identity_of(process);
  fields["steps"] = steps_->steps;
  fields["stores"] = steps_->stores;
  post("stepped", std::move(fields));
  steps_.reset();
}

}  // namespace poolproof::faults
