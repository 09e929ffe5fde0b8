#include "faults/cage/life.h"

#include <cctype>
#include <nlohmann/json.hpp>

namespace poolproof::faults {
namespace {

constexpr std::size_t kLongestLineage = 400;

}  // namespace

std::string lineage_of_fork(const std::string& parent) {
  return (parent + ">fork").substr(0, kLongestLineage);
}

std::string lineage_of_exec(const std::string& parent, std::string_view arguments) {
  std::string lineage = parent + ">exec:";
  if (!arguments.empty() && arguments.back() == '\0') arguments.remove_suffix(1);
  bool in_number = false;
  for (const char byte : arguments) {
    const bool digit = std::isdigit(static_cast<unsigned char>(byte)) != 0;
    if (digit && !in_number) lineage += '#';
    if (!digit) lineage += byte == '\0' || byte == '\n' ? ' ' : byte;
    in_number = digit;
  }
  return lineage.substr(0, kLongestLineage);
}

std::string kind_of_object(std::string_view target) {
  const auto begins = [&](std::string_view with) { return target.substr(0, with.size()) == with; };
  if (begins("pipe:[")) return "pipe";
  if (begins("socket:[")) return "socket";
  if (begins("anon_inode:[eventfd")) return "eventfd";
  if (begins("anon_inode:[pidfd]") || begins("pidfd:")) return "pidfd";
  if (begins("anon_inode:[eventpoll]")) return "epoll";
  if (begins("/memfd:") || begins("/dev/shm/")) return "memory";
  return "";
}

void Life::on_ledger_line(std::string_view line) {
  const auto entry = nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
  if (!entry.is_object()) return;
  const auto ev = entry.find("ev");
  if (ev == entry.end() || !ev->is_string()) return;
  if (*ev == "start") {
    ++begun_;
    in_body_ = true;
  } else if (*ev == "end") {
    in_body_ = false;
  }
}

Segment Life::segment(bool shutdown) const {
  if (shutdown) return {Segment::Kind::kShutdown, 0};
  if (begun_ == 0) return {Segment::Kind::kStart, 0};
  return {in_body_ ? Segment::Kind::kTask : Segment::Kind::kAfter, begun_};
}

CallLabel Life::name_call(const std::string& call, const std::string& object, bool shutdown) {
  const Segment now = segment(shutdown);
  if (now != counted_in_) counts_.clear();
  counted_in_ = now;
  return {now, call, object, ++counts_[{call, object}]};
}

void Life::take_back(const CallLabel& label) {
  if (label.segment == counted_in_) --counts_[{label.call, label.object}];
}

}  // namespace poolproof::faults
