// Checks guide.md against the examples, file by file and line by line of their output; errors.md
// against the existing classes; and README.md against the table of a worker's life.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "executor/tests/program.h"

namespace poolproof {
namespace {

const std::filesystem::path kRoom = EXECUTOR_ROOM;

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

// The next block of that language after `at`; moves `at` behind it.
std::string next_block(const std::string& page, const std::string& language, std::size_t& at) {
  const std::string opening = "```" + language + "\n";
  const std::size_t start = page.find(opening, at);
  if (start == std::string::npos) return "(no such block)";
  const std::size_t end = page.find("```", start + opening.size());
  at = end + 3;
  return page.substr(start + opening.size(), end - start - opening.size());
}

std::set<std::string> all_of(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator each(text.begin(), text.end(), regex), end; each != end; ++each) {
    found.insert((*each)[1]);
  }
  return found;
}

class Guide : public testing::TestWithParam<const char*> {};

TEST_P(Guide, shows_the_program_and_what_it_really_prints) {
  const std::string name = GetParam();
  const std::string page = read(kRoom / "guide.md");
  std::size_t at = page.find("\n## " + name + "\n");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(next_block(page, "cpp", at), read(kRoom / "examples" / (name + ".cc")));
#if defined(__clang__) && __clang_major__ < 16
  if (name == "mapping") GTEST_SKIP() << "this compiler knows no views: executor/CMakeLists.txt";
#endif
  testing_support::Program program(std::string(EXAMPLES) + "/poolproof_example_" + name, {});
  EXPECT_EQ(next_block(page, "text", at), program.output());
  EXPECT_EQ(program.status(), 0);
}

INSTANTIATE_TEST_SUITE_P(Every, Guide,
                         testing::Values("calls", "crash", "failing", "deadline", "own_type",
                                         "batch", "ending", "many", "mapping", "sharing", "full",
                                         "coroutine"),
                         [](const auto& each) { return std::string(each.param); });

TEST(GuidePage, has_every_example) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(kRoom / "examples")) {
    files.insert(entry.path().stem());
  }
  files.erase("first");  // the README's
  EXPECT_EQ(all_of(read(kRoom / "guide.md"), "\n\\| \\[(\\w+)\\]\\(#"), files);
}

TEST(ExecutorReadme, shows_the_life_of_a_worker_as_the_table_has_it) {
  const std::string drawer = std::string(EXAMPLES) + "/poolproof_lifecycle_picture";
  testing_support::Program program(drawer, {});
  const std::string picture = program.output();
  ASSERT_NE(picture.find("starting --> idle : hello / welcome\n"), std::string::npos) << picture;
  EXPECT_NE(read(kRoom / "README.md").find(picture), std::string::npos)
      << "fix it:  " << drawer << " " << (kRoom / "README.md").string();
}

TEST(ErrorsPage, has_every_error_and_no_other) {
  const auto classes =
      all_of(read(kRoom / "include/poolproof/error.h"), "\nclass POOLPROOF_EXPORT (\\w+)");
  EXPECT_GE(classes.size(), 13u);
  EXPECT_EQ(all_of(read(kRoom / "errors.md"), "\n## `(\\w+)`"), classes);
}

}  // namespace
}  // namespace poolproof
