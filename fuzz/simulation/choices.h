// Where a history's choices come from: a seed, or a path through the tree of all choices, which is
// walked depth first. Everything else in a history follows from them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::simulation {

class Choices {
 public:
  static Choices of_seed(std::uint64_t seed) {
    Choices made;
    made.state_ = seed;
    return made;
  }
  // The first path takes the first branch everywhere; next_path() continues with the others.
  static Choices all_paths() { return of_path(""); }
  // From a text that path() returned.
  static Choices of_path(std::string_view text);

  // One of 0 .. branches - 1.
  std::size_t pick(std::size_t branches);
  bool one_in(std::size_t n) { return pick(n) == n - 1; }

  bool walks() const { return walks_; }
  // The next path; false: all have been walked.
  bool next_path();
  // The choices so far, for of_path().
  std::string path() const;

 private:
  struct Branch {
    std::size_t taken = 0, of = 0;
  };

  bool walks_ = false;
  std::uint64_t state_ = 0;
  std::vector<Branch> path_;
  std::size_t at_ = 0;
};

}  // namespace poolproof::simulation
