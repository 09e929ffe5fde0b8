#include "scenarios/words.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace poolproof::scenarios {
namespace {

using Set = std::set<std::string>;

std::string protocol_page() {
  std::ifstream file(std::string(POOLPROOF_SOURCE_DIR) + "/conformance/protocol/protocol.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The words in backticks after `from`, up to `to`.
Set ticked(const std::string& page, const std::string& from, const std::string& to) {
  const auto begin = page.find(from);
  if (begin == std::string::npos) return {"<the page does not say: " + from + ">"};
  const auto start = begin + from.size();
  const std::string part = page.substr(start, page.find(to, start) - start);
  Set words;
  for (std::size_t open = part.find('`'); open != std::string::npos;) {
    const std::size_t close = part.find('`', open + 1);
    if (close == std::string::npos) break;
    words.insert(part.substr(open + 1, close - open - 1));
    open = part.find('`', close + 1);
  }
  return words;
}

Set set_of(WordList words) { return Set(words.begin(), words.end()); }

TEST(Words, are_those_of_the_protocol) {
  const std::string page = protocol_page();
  EXPECT_EQ(set_of(kinds()), ticked(page, "| `kind` (required) |", "|"));
  EXPECT_EQ(set_of(certainties()), ticked(page, "| `certainty` |", "|"));
  EXPECT_EQ(set_of(capabilities()), ticked(page, "`capabilities`, a closed list:", "`recovers`:"));
  EXPECT_EQ(set_of(closings()), ticked(page, "| `close` | `how`:", "|"));
  Set all_causes = set_of(causes());
  all_causes.insert({"exit:N", "signal:NAME"});
  EXPECT_EQ(all_causes, ticked(page, "| `cause` |", "|"));
}

TEST(Words, name_each_body_that_the_protocol_has_and_no_other) {
  const std::string page = protocol_page();
  const auto table = page.find("| body |");
  ASSERT_NE(table, std::string::npos);
  const std::string rows = page.substr(table, page.find("\n\n", table) - table);
  Set named;
  for (std::size_t row = rows.find("\n| `"); row != std::string::npos;
       row = rows.find("\n| `", row + 1)) {
    const auto word = row + 4;
    named.insert(rows.substr(word, rows.find('`', word) - word));
  }
  EXPECT_EQ(set_of(bodies()), named);
  for (const auto stage : stages())
    EXPECT_NE(rows.find("`" + std::string(stage)), std::string::npos);
}

TEST(Words, know_a_cause_with_a_parameter_in_its_one_spelling) {
  for (const char* cause : {"exit:0", "exit:255", "signal:KILL", "signal:34", "oom-kill", "none"})
    EXPECT_TRUE(is_cause(cause)) << cause;
  for (const char* text : {"", "exit", "exit:", "exit:256", "exit:03", "signal:", "signal:SIGKILL",
                           "signal:9", "signal:kill", "kill", "signal"})
    EXPECT_FALSE(is_cause(text)) << text;
}

TEST(Words, suggest_the_nearest_and_only_what_is_near) {
  EXPECT_EQ(nearest("rendevous", bodies()), "rendezvous");
  EXPECT_EQ(nearest("ehco", bodies()), "echo");
  EXPECT_EQ(nearest("worker-processes", capabilities()), "worker_processes");
  EXPECT_EQ(nearest("Worker-Lost", kinds()), "worker-lost");
  EXPECT_EQ(nearest("zebra", bodies()), "");
  EXPECT_EQ(nearest("", bodies()), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(listed(closings()), "drain, cancel, kill");
}

}  // namespace
}  // namespace poolproof::scenarios
