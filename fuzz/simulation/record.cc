#include "fuzz/simulation/record.h"

#include <array>

#include "executor/transport/frame.h"

namespace poolproof::simulation {
namespace {

// %w: a worker; %t: a task; %h: how; %m: more.
constexpr std::array<const char*, static_cast<std::size_t>(What::kCount)> kWords = {
    "  the supervisor wakes",
    "worker %w moves",
    "worker %w dies of our SIGKILL",
    "worker %w: its exit record comes",
    "worker %w: its late record can be had",
    "a task is submitted",
    "the pool is shut down (as strike: %h)",
    "time passes to the next deadline",
    "-- faults stop --",
    "! worker %w ends by itself (exit %h)",
    "! worker %w is frozen",
    "! worker %w is thawed",
    "! worker %w stalls",
    "! worker %w will die within its next message (cut %h)",
    "! worker %w will send its next message in two pieces (cut %h)",
    "! worker %w sends noise (%h)",
    "! worker %w forges a message (%h)",
    "! worker %w closes its channel, and lives",
    "! worker %w shuts its receiving end",
    "! worker %w: its channel is narrow (%h)",
    "! worker %w is slow to take what comes (%h)",
    "! worker %w has no memory for a large argument (now: %h)",
    "! the program has no memory for a large result (now: %h)",
    "! worker %w: a grandchild holds its channel open",
    "! worker %w will be reaped elsewhere",
    "! worker %w: its record will be late",
    "! threads can be started no more (0: they can again): %h",
    "! %h spawns will fail (from 16: so many, after the next)",
    "! SIGKILL comes to no worker (%h; 2: nor helps its lifeline)",
    "! SIGKILL comes not to worker %w (%h; 2: nor helps its lifeline)",
    "! the program has other rights (kills of the workers that it has: %h; 3: in the drain)",
    "! the supervisor cannot sleep (1: any more: %h)",
    "! worker %w will say that it cannot serve (1: and go on: %h)",
    "! the program closes all descriptors",
    "! a descriptor is closed, another opened in its place (of worker %w; %h: which)",
    "! task %w is cancelled (kills: %h)",
    "! the pool is resized to %w",
    "! its health is asked for",
    "! another order:",
    "! a task is submitted while the bell is drained",
    "    it spawns worker %w in place %h",
    "    a spawn fails for place %w",
    "    it writes to worker %w: %k",
    "    it kills worker %w",
    "    that fails (%w)",
    "    it cannot sleep",
    "    it reaps worker %w (record %h)",
    "    it closes descriptor %w",
    "    task %w ends: kind %h (0: a value), cause, intent, started, worker: %m",
    "    the pool ends: kind %h, cause %m",
    "    the pool is finished",
    "    it abandons worker %w",
    "    it sleeps (timed: %w; %m us)",
};

const char* kind_in_words(int kind) {
  constexpr std::array<const char*, 14> kKinds = {
      "?",     "hello",  "offer", "withdraw",   "stop",       "claim",  "withdrawn",
      "value", "failed", "tally", "initialize", "init begun", "memory", "refusal"};
  return kind > 0 && kind < static_cast<int>(kKinds.size()) ? kKinds[static_cast<std::size_t>(kind)]
                                                            : "?";
}

}  // namespace

std::string in_words(std::string_view record) {
  const auto at = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(record[i]));
  };
  std::string text;
  for (std::size_t i = 0; i + 8 <= record.size(); i += 8) {
    const unsigned how = at(i + 2) | at(i + 3) << 8;
    const unsigned more = at(i + 4) | at(i + 5) << 8 | at(i + 6) << 16 | at(i + 7) << 24;
    for (const char* word = kWords[at(i)]; *word != '\0'; ++word) {
      if (*word != '%') {
        text += *word;
        continue;
      }
      ++word;
      if (*word == 'w')
        text += std::to_string(static_cast<int>(static_cast<signed char>(at(i + 1))));
      if (*word == 'h') text += std::to_string(how);
      if (*word == 'm') text += std::to_string(more);
      if (*word == 'k') text += kind_in_words(static_cast<int>(how));
    }
    text += '\n';
  }
  return text;
}

}  // namespace poolproof::simulation
