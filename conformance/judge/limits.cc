#include "conformance/judge/limits.h"

#include <algorithm>

namespace poolproof::conformance::judging {

using Counters = std::map<std::string, std::int64_t>;

void LimitHistory::take(const Observation& line) {
  const auto& fields = line.fields;
  if (line.kind == "limited") {
    set_.push_back(
        {fields.at("limit"), fields.at("what"), fields.at("by"), fields.at("error"), line.t_ns});
    return;
  }
  seen_.push_back({fields.at("limit"), fields.at("pid"), fields.at("start"),
                   fields.at("before").get<Counters>(), fields.at("now").get<Counters>()});
}

const LimitHistory::Set* LimitHistory::find(int number) const {
  const auto found = std::find_if(set_.begin(), set_.end(),
                                  [&](const Set& each) { return each.number == number; });
  return found == set_.end() ? nullptr : &*found;
}

std::string LimitHistory::first_error() const {
  for (const Set& each : set_)
    if (!each.error.empty()) return each.what + ": " + each.error;
  return "";
}

std::int64_t LimitHistory::rose(const std::string& counter, int pid, std::uint64_t start) const {
  std::int64_t most = 0;
  for (const Seen& each : seen_) {
    if (each.pid != pid || each.start != start) continue;
    const auto before = each.before.find(counter);
    const auto now = each.now.find(counter);
    if (before != each.before.end() && now != each.now.end())
      most = std::max(most, now->second - before->second);
  }
  return most;
}

}  // namespace poolproof::conformance::judging
