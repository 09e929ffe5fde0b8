#include <nlohmann/json.hpp>
#include <string>

#include "conformance/protocol/protocol.h"
#include "conformance/record/record.h"
#include "executor/check.h"
#include "fuzz/inputs/claims.h"
#include "fuzz/inputs/record_input.h"
#include "scenarios/plan.h"

namespace poolproof::fuzz {
namespace {

using nlohmann::json;

// A record with this message in it can be read again, and has the same message.
void can_be_recorded(const json& message) {
  const MemoryFile file("");
  conformance::RecordWriter writer(file.path());
  writer.append({0, 1, "pool:scenario", 1, "received", {{"message", message}}});
  writer.finish();
  const conformance::Record record = conformance::read_record(file.path());
  POOLPROOF_CHECK(record.cut_off.empty() && record.observations.size() == 1,
                  "a message damages the record");
  POOLPROOF_CHECK(record.observations.front().fields.at("message") == message,
                  "a message does not survive the record");
}

}  // namespace

void claims_of_messages_hold(Input input) {
  const std::string text(input.begin(), input.end());
  json message;
  const auto wrong = conformance::read_message(text, message);
  if (wrong) {
    POOLPROOF_CHECK(!wrong->empty(), "a complaint says nothing");
    return;
  }
  can_be_recorded(message);
  if (message.at("event") != "hello") return;
  const scenarios::PoolFacts facts = conformance::facts_of(message);
  POOLPROOF_CHECK(facts.longest_wait_s >= 0 && facts.longest_wait_s <= 60,
                  "a pool may be silent for longer than a run waits");
  POOLPROOF_CHECK(json(facts).get<scenarios::PoolFacts>() == facts,
                  "the facts do not survive their own encoding");
}

}  // namespace poolproof::fuzz
