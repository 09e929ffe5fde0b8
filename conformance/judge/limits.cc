#include "conformance/judge/limits.h"

#include <algorithm>

#include "conformance/judge/form.h"

namespace poolproof::conformance::judging {

using Counters = std::map<std::string, std::int64_t>;

namespace {

// The kernel counts from 0; so the difference of two can be computed.
Counters counters_in(const nlohmann::json& fields, const char* key) {
  const auto& object = fields.at(key);
  Counters counters;
  for (const auto& each : object.items()) {
    const auto count = integer_in<std::int64_t>(object, each.key().c_str());
    if (count < 0) throw FormError("a counter is negative: `" + each.key() + "`");
    counters[each.key()] = count;
  }
  return counters;
}

}  // namespace

void LimitHistory::take(const Observation& line) {
  const auto& fields = line.fields;
  if (line.kind == "limited") {
    set_.push_back({integer_in<int>(fields, "limit"), fields.at("what"), fields.at("by"),
                    fields.at("error"), line.t_ns});
    return;
  }
  seen_.push_back({integer_in<int>(fields, "limit"), integer_in<int>(fields, "pid"),
                   integer_in<std::uint64_t>(fields, "start"), counters_in(fields, "before"),
                   counters_in(fields, "now")});
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
