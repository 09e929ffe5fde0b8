// What the keeper does for the commands that limit, lift, and report what could be limited.
#include "faults/cage/keeper.h"

namespace poolproof::faults {

using nlohmann::json;

bool KeeperLoop::takes_to_limiter(const json& command) {
  const std::string cmd = command.at("cmd");
  if (cmd == "limit" && adapter_.pid != 0) {
    limit(command);
  } else if (cmd == "lift") {
    tell_what_was_counted({});
    outbox_.post("lifted", limits_.lift());
  } else if (cmd == "probe-limits") {
    outbox_.post("limits", {{"why_not", limits_.probe(places_)}});
  } else {
    return false;
  }
  return true;
}

void KeeperLoop::limit(const json& command) {
  LimitWish wish;
  wish.number = command.at("limit");
  wish.what = command.at("what");
  wish.who = {command.at("pid"), command.at("start")};
  wish.room = command.at("room");
  if (wish.who.pid != 0) watch_from_now_on(wish.who);  // its counters are read when it ends
  outbox_.post("limited", limits_.set(wish, adapter_, places_));
}

void KeeperLoop::tell_what_was_counted(const Identity& who) {
  for (json& seen : limits_.seen_of(who)) outbox_.post("limit-seen", std::move(seen));
}

}  // namespace poolproof::faults
