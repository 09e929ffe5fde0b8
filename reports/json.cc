#include "reports/json.h"

#include <nlohmann/json.hpp>

namespace poolproof::reports {
namespace {

using nlohmann::json;
using namespace conformance;  // NOLINT: verdicts are all that this file is about

json of_parts(const std::vector<Part>& parts) {
  json list = json::array();
  for (const Part& part : parts) {
    list.push_back({{"name", part.name},
                    {"status", to_string(part.status)},
                    {"level", scenarios::to_string(part.level)},
                    {"expected", part.expected},
                    {"got", part.got}});
  }
  return list;
}

}  // namespace

std::string to_string(Weight weight) { return std::string(words::word_of(weight)); }

json attempt_json(const AttemptVerdict& attempt) {
  json object = {{"attempt", attempt.attempt},   {"status", to_string(attempt.status)},
                 {"why", attempt.why},           {"parts", of_parts(attempt.parts)},
                 {"evidence", attempt.evidence}, {"detect_ns", nullptr}};
  if (attempt.detect_ns) object["detect_ns"] = *attempt.detect_ns;
  return object;
}

json to_json(const std::vector<CellVerdict>& cells) {
  json list = json::array();
  for (const CellVerdict& cell : cells) {
    json attempts = json::array();
    for (const AttemptVerdict& attempt : cell.attempts) attempts.push_back(attempt_json(attempt));
    list.push_back({{"pool", cell.pool},
                    {"scenario", cell.scenario},
                    {"status", to_string(cell.status)},
                    {"weight", to_string(weight_of(cell.status))},
                    {"why", cell.why},
                    {"rate", cell.rate},
                    {"parts", of_parts(cell.parts)},
                    {"attempts", std::move(attempts)}});
  }
  return list;
}

}  // namespace poolproof::reports
