#include "conformance/run/versions.h"

#include <gtest/gtest.h>

namespace poolproof::conformance {
namespace {

Pool pool_with(const std::string& script) {
  Pool pool;
  pool.name = "pebble";
  pool.command = {"the installed one"};
  pool.install = "pip install pebble";
  pool.versions = {"/bin/sh", "-c", script, "maker"};
  return pool;
}

TEST(Versions, splits_at_the_first_at_sign) {
  EXPECT_EQ(split_version("pebble").version, std::nullopt);
  EXPECT_EQ(split_version("pebble@5.0.1").name, "pebble");
  EXPECT_EQ(split_version("pebble@5.0.1").version, "5.0.1");
  EXPECT_EQ(split_version("pebble@").version, "");
}

TEST(Versions, are_words_and_never_options_or_paths) {
  EXPECT_TRUE(is_version("5.0.1"));
  EXPECT_TRUE(is_version("1!2.0rc1+local_2-3"));
  for (const char* no : {"", "-rf", "../x", "5 0", "@1", ".5"}) EXPECT_FALSE(is_version(no)) << no;
  EXPECT_FALSE(is_version(std::string(65, '1')));
}

TEST(Versions, come_with_the_command_that_the_program_prints) {
  const Pool pool = in_version(
      pool_with(R"(echo working >&2; printf '{"command": ["py", "%s"]}' "$1")"), "5.0.1");
  EXPECT_EQ(pool.name, "pebble@5.0.1");
  EXPECT_EQ(pool.command, (std::vector<std::string>{"py", "5.0.1"}));
  EXPECT_EQ(pool.unavailable + pool.error + pool.install, "");
}

TEST(Versions, are_unavailable_for_the_reason_that_the_program_gives) {
  const Pool pool = in_version(pool_with(R"(echo '{"unavailable": "no such version"}')"), "99");
  EXPECT_EQ(pool.unavailable, "no such version");
  EXPECT_TRUE(pool.command.empty());
}

TEST(Versions, of_a_program_that_fails_are_an_error_that_says_so) {
  EXPECT_NE(in_version(pool_with("exit 3"), "1").error.find("exit status 3"), std::string::npos);
  EXPECT_NE(in_version(pool_with("kill -9 $$"), "1").error.find("Killed"), std::string::npos);
  EXPECT_NE(in_version(pool_with("echo rubbish"), "1").error.find("but `rubbish"),
            std::string::npos);
  EXPECT_NE(in_version(pool_with(R"(echo '{"command": []}')"), "1").error.find("neither"),
            std::string::npos);
  Pool pool = pool_with("");
  pool.versions = {"/no/such/program"};
  EXPECT_NE(in_version(pool, "1").error.find("cannot be started: No such file"), std::string::npos);
}

}  // namespace
}  // namespace poolproof::conformance
