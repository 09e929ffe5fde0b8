// Lines that contradict the record's own format: the judge reads them to their end, and convicts no
// pool because of them.
#include <gtest/gtest.h>

#include "conformance/judge/oracle.h"
#include "conformance/judge/staged_attempt.h"

namespace poolproof::conformance {
namespace {

using namespace staged;  // NOLINT: this file is about what is staged
using nlohmann::json;

const std::vector<json>& strange_values() {
  static const std::vector<json> kValues = {
      nullptr, true, 1e300, INT64_MIN, "strange", json::array(), json::object({{"pid", "x"}})};
  return kValues;
}

// The places of all values in it, as pointers.
void places_in(const json& value, const json::json_pointer& at,
               std::vector<json::json_pointer>& places) {
  if (!at.empty()) places.push_back(at);
  if (value.is_object())
    for (const auto& [key, item] : value.items()) places_in(item, at / key, places);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i) places_in(value[i], at / i, places);
}

// What a pool or a body says, and the plan: another plan may be one that this attempt breaks.
bool is_of_others(const Observation& line) {
  return line.kind == "plan" || line.kind == "received" || line.kind == "ledger";
}

void each_change_is_harmless(const scenarios::Plan& plan, const Lines& whole) {
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::vector<json::json_pointer> places;
    places_in(whole[at].fields, json::json_pointer(), places);
    for (const auto& place : places)
      for (const json& strange : strange_values()) {
        Lines lines = whole;
        json& value = lines[at].fields[place];
        if (value.type() == strange.type() || (value.is_number() && strange.is_number_integer()))
          continue;
        value = strange;
        const auto verdict = judge(plan, lines);
        const bool convicts = weight_of(verdict.status) == Weight::kFails;
        EXPECT_TRUE(!convicts || is_of_others(whole[at]))
            << whole[at].kind << " " << place << " = " << strange << ": " << verdict.why;
      }
  }
}

TEST(Form, a_value_of_a_wrong_type_in_a_line_of_ours_convicts_no_pool) {
  const auto plan = killed_plan();
  each_change_is_harmless(plan, healthy(plan));
}

TEST(Form, nor_does_it_in_an_attempt_whose_parent_was_killed) {
  const auto parent = parent_plan();
  each_change_is_harmless(parent, healthy_parent_kill(parent));
}

TEST(Form, a_proof_of_the_wrong_form_convicts_no_pool_either) {
  const auto plan = killed_plan();
  Lines lines = healthy(plan);
  proved_at(lines, 7, proof_of_a_hang(), settles("t5"));
  ASSERT_EQ(judge(plan, lines).status, Status::kHangProven);
  for (const char* key : {"processes", "findings"}) {
    Lines changed = lines;
    first(changed, of_kind("proof")).fields[key] = "strange";
    EXPECT_EQ(judge(plan, changed).status, Status::kHarnessError) << key;
  }
}

}  // namespace
}  // namespace poolproof::conformance
