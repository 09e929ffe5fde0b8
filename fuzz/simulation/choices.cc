#include "fuzz/simulation/choices.h"

#include <charconv>

#include "executor/check.h"

namespace poolproof::simulation {

Choices Choices::of_path(std::string_view text) {
  Choices made;
  made.walks_ = true;
  while (!text.empty()) {
    Branch branch;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), branch.taken);
    POOLPROOF_CHECK(read.ec == std::errc(), "a path is a list of numbers, with commas");
    made.path_.push_back(branch);
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return made;
}

std::size_t Choices::pick(std::size_t branches) {
  if (!walks_) {
    // splitmix64: any seed, also 0, gives its own sequence.
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>((z ^ (z >> 31)) % branches);
  }
  if (at_ == path_.size()) path_.push_back({});
  Branch& here = path_[at_++];
  POOLPROOF_CHECK(here.of == 0 || here.of == branches, "a history does not follow from its path");
  here.of = branches;
  POOLPROOF_CHECK(here.taken < branches, "a path that this history does not have");
  return here.taken;
}

bool Choices::next_path() {
  path_.resize(at_);
  at_ = 0;
  while (!path_.empty() && ++path_.back().taken == path_.back().of) path_.pop_back();
  return !path_.empty();
}

std::string Choices::path() const {
  std::size_t last = at_;
  while (last > 0 && path_[last - 1].taken == 0) --last;
  std::string text;
  for (std::size_t i = 0; i < last; ++i) {
    text += (i == 0 ? "" : ",") + std::to_string(path_[i].taken);
  }
  return text;
}

}  // namespace poolproof::simulation
