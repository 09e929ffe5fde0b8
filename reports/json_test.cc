#include "reports/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/staged_cells.h"

namespace poolproof::reports {
namespace {

using conformance::Status;
using nlohmann::json;

TEST(Json, the_keys_are_these_and_stay_these) {
  const json cells = to_json({staged::hung_cell()});
  ASSERT_EQ(cells.size(), 1u);
  const json& cell = cells[0];
  const auto keys = [](const json& object) {
    std::vector<std::string> names;
    for (const auto& [key, value] : object.items()) names.push_back(key);
    return names;
  };
  EXPECT_EQ(keys(cell), (std::vector<std::string>{"attempts", "parts", "pool", "rate", "scenario",
                                                  "status", "weight", "why"}));
  EXPECT_EQ(keys(cell["attempts"][0]), (std::vector<std::string>{"attempt", "detect_ns", "evidence",
                                                                 "parts", "status", "why"}));
  EXPECT_EQ(keys(cell["parts"][0]),
            (std::vector<std::string>{"expected", "got", "level", "name", "status"}));
  EXPECT_EQ(cell["pool"], "multiprocessing_pool");
  EXPECT_EQ(cell["status"], "hang-quiet");
  EXPECT_EQ(cell["weight"], "fails");
  EXPECT_EQ(cell["rate"], "3 of 3");
  EXPECT_EQ(cell["attempts"].size(), 3u);
  EXPECT_EQ(cell["parts"][1]["level"], "must");
}

TEST(Json, time_to_detect_is_a_number_of_ns_or_null) {
  auto cell = staged::cell("a", "death/x", Status::kPass);
  EXPECT_TRUE(to_json({cell})[0]["attempts"][0]["detect_ns"].is_null());
  cell.attempts[0].detect_ns = 1'500'000;
  EXPECT_EQ(to_json({cell})[0]["attempts"][0]["detect_ns"], 1'500'000);
}

TEST(Json, no_cell_is_an_empty_list_and_every_weight_has_its_word) {
  EXPECT_EQ(to_json({}), json::array());
  const std::vector<std::pair<Status, std::string>> words = {{Status::kPass, "passes"},
                                                             {Status::kLeak, "fails"},
                                                             {Status::kVacuous, "inconclusive"},
                                                             {Status::kDeclined, "aside"}};
  for (const auto& [status, word] : words)
    EXPECT_EQ(to_json({staged::cell("a", "b/c", status)})[0]["weight"], word);
}

}  // namespace
}  // namespace poolproof::reports
