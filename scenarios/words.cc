#include "scenarios/words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "faults/fault.h"

namespace poolproof::scenarios {
namespace {

using std::string_view;

// The words of EffectKind, and the short form of signal:KILL before them.
constexpr auto kEffects = [] {
  std::array<string_view, words::kEffects.size() + 1> all = {"kill"};
  std::copy(words::kEffects.begin(), words::kEffects.end(), all.begin() + 1);
  return all;
}();

std::string folded(string_view word) {
  std::string text;
  for (const char c : word)
    text += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The number of edits between two words: a letter added, removed, replaced, or swapped with its
// neighbour.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[a.size()][b.size()];
}

}  // namespace

WordList effects() { return kEffects; }

bool contains(WordList words, string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_cause(string_view word) {
  const std::string text(word);
  if (word.starts_with("exit:")) {
    // The effect of that name, in the same spelling.
    const auto effect = faults::parse_effect(word);
    return effect && faults::to_string(*effect) == text;
  }
  if (!word.starts_with("signal:")) return contains(words::kCauses, word);
  const auto signal = faults::parse_signal(word.substr(7));
  return signal && "signal:" + faults::signal_name(*signal) == text;
}

std::string nearest(string_view word, WordList words) {
  const std::string meant = folded(word);
  const std::size_t far = std::max<std::size_t>(2, meant.size() / 3) + 1;
  string_view best;
  std::size_t best_distance = far;
  for (const string_view candidate : words) {
    const std::size_t edits = distance(meant, folded(candidate));
    // Two edits in a word of two letters give an entirely different word.
    if (edits < best_distance && edits < candidate.size()) {
      best = candidate;
      best_distance = edits;
    }
  }
  return std::string(best);
}

std::string listed(WordList words) {
  std::string text;
  for (const string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace poolproof::scenarios
