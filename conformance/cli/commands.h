// The commands of `poolproof`. Each one prints, and returns the exit status of design.md section 6.
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace poolproof::cli {

inline constexpr int kUsage = 2;
inline constexpr int kInconclusive = 3;
inline constexpr int kInterrupted = 130;

class UsageError : public std::runtime_error {  // exit status 2; one line that says how to fix it
 public:
  using std::runtime_error::runtime_error;
};

struct Common {
  std::filesystem::path scenarios;  // folder
  std::filesystem::path pools;      // pools.toml
  bool json = false;
  std::string called_as = "poolproof";  // argv[0], for replay lines
};

Common default_places();

struct CheckArguments {
  std::vector<std::string> pools;
  std::optional<std::vector<std::string>> command;  // after `--`: any adapter, nothing registered
  // The name of its pool; empty: from its file name.
  std::string as;
  std::vector<std::string> scenarios = {"*"};  // patterns
  std::string level = "must";
  int jobs = 1;
  int repeat = 3;
  std::filesystem::path out = "poolproof-out";
  std::vector<std::string> argv;  // recorded
};

int list_pools(const Common& common);
int list_scenarios(const Common& common, const std::vector<std::string>& patterns);
int check(const Common& common, const CheckArguments& arguments);
int judge(const Common& common, const std::filesystem::path& events, const std::string& level);

// Makes the folder, or throws UsageError.
void demand_folder(const std::filesystem::path& out);

std::optional<std::string> nearest_word(const std::string& word,
                                        const std::vector<std::string>& words);

}  // namespace poolproof::cli
