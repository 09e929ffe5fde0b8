#include "conformance/run/pools.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace poolproof::conformance {
namespace {

const Places kPlaces{"/py", "/adapters", "/bin"};

class PoolsFile : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) {
    std::ofstream(file_) << text;
    return file_;
  }
  void TearDown() override { std::filesystem::remove(file_); }

  std::string complaint(const std::string& text) {
    try {
      load_pools(write(text), kPlaces);
    } catch (const PoolsError& error) {
      return error.what();
    }
    return "none";
  }

 private:
  std::filesystem::path file_ = std::filesystem::temp_directory_path() /
                                ("pools_test." + std::to_string(::getpid()) + ".toml");
};

TEST_F(PoolsFile, fills_the_places_in_and_puts_the_reference_first_and_broken_pools_last) {
  const auto pools = load_pools(write(R"(
["broken/x"]
command = ["{python}", "{adapters}/broken/x.py"]
about = "b"
defect = { scenario = "death/a", part = "victim.cause", status = "wrong-error" }
[alpha]
command = ["{python}", "{adapters}/alpha.py"]
about = "a"
[reference_breaks]
command = ["{bin}/reference_adapter", "breaks"]
about = "s"
[reference]
command = ["{bin}/reference_adapter"]
about = "r"
)"),
                                kPlaces);
  ASSERT_EQ(pools.size(), 4U);
  EXPECT_EQ(pools[0].name, "reference");
  EXPECT_EQ(pools[0].command, std::vector<std::string>{"/bin/reference_adapter"});
  EXPECT_EQ(pools[1].name, "reference_breaks");
  EXPECT_EQ(pools[2].command, (std::vector<std::string>{"/py", "/adapters/alpha.py"}));
  EXPECT_TRUE(pools[3].broken());
  EXPECT_EQ(pools[3].defect->part, "victim.cause");
}

TEST_F(PoolsFile, says_where_and_how_to_mend) {
  EXPECT_NE(complaint("[a]\nabout = 'x'\n").find(":1:1: `command` must be a list"),
            std::string::npos)
      << complaint("[a]\nabout = 'x'\n");
  EXPECT_NE(complaint("[a]\ncommand = ['x']\nabout = 3\n").find(":3:"), std::string::npos);
  EXPECT_NE(complaint("['broken/a']\ncommand = ['x']\nabout = 'x'\n").find("`defect`"),
            std::string::npos);
  EXPECT_NE(complaint("[a]\ncommand = ['x']\nabout = 'x'\nversions = 'make'\n")
                .find(":4:12: `versions` must be a list"),
            std::string::npos);
  EXPECT_NE(complaint("[a\n").find(":1:"), std::string::npos);
}

TEST(Nearest, finds_what_was_meant_and_does_not_guess_wildly) {
  const std::vector<std::string> names = {"reference", "multiprocessing_pool",
                                          "death/segfault_in_task"};
  EXPECT_EQ(nearest("refrence", names), "reference");
  EXPECT_EQ(nearest("multiprocesing_pol", names), "multiprocessing_pool");
  EXPECT_EQ(nearest("segfault", names), "death/segfault_in_task");
  EXPECT_EQ(nearest("xyzzy", names), std::nullopt);
}

}  // namespace
}  // namespace poolproof::conformance
