#include "fuzz/simulation/run.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "fuzz/simulation/history.h"
#include "fuzz/simulation/rows.h"

namespace poolproof::simulation {
namespace {

// The run in progress, for the handler of aborts.
struct Running {
  Origin origin;
  const Choices* choices = nullptr;
  const History* history = nullptr;
} running;

std::string story(const Origin& origin, const std::string& broken, const History& history) {
  return "broken: " + broken + "\nagain:  " + command(origin) + "\n" + in_words(history.record());
}

Origin origin_now() {
  Origin origin = running.origin;
  if (running.choices->walks()) origin.path = running.choices->path();
  return origin;
}

// Formally not safe in a handler; but the program is lost already, and the message helps.
void tell(int) {
  if (running.history != nullptr) {
    const std::string text = story(origin_now(), "the product aborts", *running.history);
    if (write(STDERR_FILENO, text.data(), text.size()) < 0) _exit(2);
  }
}

std::string run_one(const Plan& plan, Choices& choices, const Origin& origin) {
  History history(plan, choices);
  running = {origin, &choices, &history};
  const std::string broken = history.run();
  std::string told = broken.empty() ? "" : story(origin_now(), broken, history);
  running.history = nullptr;
  return told;
}

const Variant& find(const std::string& name) {
  for (const Variant& variant : variants()) {
    if (name == variant.name) return variant;
  }
  throw std::invalid_argument("no variant is called '" + name + "'");
}

std::string run_paths(const Variant& variant, int strikes, Tally& tally) {
  const Plan plan = walked_plan(variant, strikes);
  const Origin origin{.variant = variant.name, .strikes = strikes};
  Choices choices = Choices::all_paths();
  do {
    ++tally.histories;
    std::string broken = run_one(plan, choices, origin);
    if (!broken.empty()) return broken;
  } while (choices.next_path());
  return "";
}

}  // namespace

std::string command(const Origin& origin) {
  if (origin.variant.empty()) return "simulate again --seed " + std::to_string(origin.seed);
  return "simulate again --variant '" + origin.variant + "' --strikes " +
         std::to_string(origin.strikes) + " --path '" + origin.path + "'";
}

std::string run_random(std::uint64_t first_seed, std::uint64_t histories, Tally& tally) {
  for (std::uint64_t i = 0; i < histories; ++i) {
    ++tally.histories;
    Choices choices = Choices::of_seed(first_seed + i);
    const Plan plan = random_plan(choices);
    std::string broken = run_one(plan, choices, {.seed = first_seed + i});
    if (!broken.empty()) return broken;
  }
  return "";
}

std::string run_all(const std::string& name, int strikes, Tally& tally) {
  if (!name.empty()) return run_paths(find(name), strikes, tally);
  for (const Variant& variant : variants()) {
    std::string broken = run_paths(variant, strikes, tally);
    if (!broken.empty()) return broken;
  }
  return "";
}

std::string record_of(const Origin& origin, std::string& broken) {
  const bool random = origin.variant.empty();
  Choices choices = random ? Choices::of_seed(origin.seed) : Choices::of_path(origin.path);
  const Plan plan =
      random ? random_plan(choices) : walked_plan(find(origin.variant), origin.strikes);
  History history(plan, choices);
  running = {origin, &choices, &history};
  broken = history.run();
  running.history = nullptr;
  return history.record();
}

int show(const Origin& origin) {
  std::string broken;
  const std::string record = record_of(origin, broken);
  std::fputs(in_words(record).c_str(), stdout);
  std::printf("%s\n", broken.empty() ? "no law is broken" : ("broken: " + broken).c_str());
  return broken.empty() ? 0 : 1;
}

void tell_aborts() { signal(SIGABRT, tell); }

std::string coverage_in_words() {
  std::size_t hit = 0, can = 0;
  std::string missed, wrong;
  const auto rows = supervise::all_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool taken = row_counts()[i] > 0;
    if (why_unreachable(rows[i]) != nullptr) {
      if (taken) wrong += "  taken, and called unreachable: " + in_words(rows[i]) + "\n";
      continue;
    }
    ++can;
    hit += taken ? 1 : 0;
    if (!taken) missed += "  not taken: " + in_words(rows[i]) + "\n";
  }
  return "rows of the life-cycle table: " + std::to_string(hit) + " of " + std::to_string(can) +
         " that can be taken; " + std::to_string(rows.size() - can) + " cannot\n" + missed + wrong;
}

}  // namespace poolproof::simulation
