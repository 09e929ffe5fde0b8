#include "conformance/run/silence.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "conformance/observe/graph.h"
#include "conformance/run/limits.h"

namespace poolproof::conformance {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr int kShare = 10;  // at most this part of the time is used for questions
constexpr std::size_t kMostProcesses = 48, kMostThreads = 48, kMostWakers = 16, kMostFindings = 24;
constexpr std::size_t kMostText = 600;  // bytes

// Cuts a list, and notes the number of removed items in NAME_cut.
void cut(json& object, const char* name, std::size_t most) {
  json& list = object.at(name);
  if (list.size() <= most) return;
  object[std::string(name) + "_cut"] = list.size() - most;
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(most), list.end());
}

void cut_texts(json& value) {
  if (value.is_structured()) {
    for (json& one : value) cut_texts(one);
  } else if (value.is_string() && value.get_ref<const std::string&>().size() > kMostText) {
    value = value.get<std::string>().substr(0, kMostText) + "...";
  }
}

json bounded(json proof) {
  cut(proof, "processes", kMostProcesses);
  cut(proof, "findings", kMostFindings);
  for (json& process : proof["processes"]) {
    cut(process, "threads", kMostThreads);
    for (json& thread : process["threads"])
      if (thread.contains("wakers")) cut(thread, "wakers", kMostWakers);
  }
  cut_texts(proof);
  return proof;
}

std::chrono::nanoseconds longest_time_limit(const hang::Look& look) {
  std::chrono::nanoseconds longest{0};
  for (const hang::ProcessLook& process : look.processes)
    for (const hang::ThreadLook& thread : process.threads)
      if (thread.wait.timed && thread.wait.left && *thread.wait.left <= limits::kLongestTimeLimit)
        longest = std::max(longest, *thread.wait.left);
  return longest;
}

}  // namespace

Silence::Silence(Scene& scene, std::function<bool()> owes_nothing)
    : scene_(scene), owes_nothing_(std::move(owes_nothing)), pause_(limits::kSilent) {}

Silence::End Silence::wait(const std::function<bool()>& done, Clock::time_point limit) {
  const Seen& seen = scene_.seen();
  auto still_since = scene_.now();
  for (;;) {
    const std::uint64_t before = seen.arrivals;
    const auto due = std::max(still_since + limits::kSilent, not_before_);
    const auto moved = [&] { return done() || seen.arrivals != before; };
    if (scene_.wait(moved, std::min(due, limit))) {
      if (done()) return End::kDone;
      still_since = seen.last_arrival;
      pause_ = limits::kSilent;
    } else if (scene_.now() >= limit) {
      return End::kLimit;
    } else if (is_hung()) {
      return End::kHung;
    }
  }
}

bool Silence::is_hung() {
  const auto begun = scene_.now();
  const bool hung = owes_nothing_() && is_proved();
  const auto ended = scene_.now();
  not_before_ = ended + std::max<std::chrono::nanoseconds>(pause_, kShare * (ended - begun));
  pause_ = std::min<std::chrono::nanoseconds>(2 * pause_, limits::kLongestSilence);
  return hung;
}

bool Silence::is_proved() {
  const Seen& seen = scene_.seen();
  const std::uint64_t before = seen.arrivals;
  scene_.journal().write("silence", {{"still_ns", (scene_.now() - seen.last_arrival) / 1ns}});
  const bool names_are_private =
      seen.ready.at("mode") == "pid-namespace" && seen.ready.at("mounts").get<bool>();
  // During the pause we still read what bodies send: a process that waits for room in our pipes is
  // not stuck.
  const auto asked = scene_.outside().examine(names_are_private, [&] {
    return !scene_.wait([&] { return seen.arrivals != before; }, scene_.now() + hang::kApart);
  });
  if (!asked) return false;
  const hang::Examination& answer = asked->examination;
  last_time_limit_ = scene_.now() + longest_time_limit(answer.look);
  const bool hung = answer.proof.verdict == hang::Verdict::hung;
  // Once the keeper answers, everything that was on its way to us has arrived: a body that meets
  // us, a writer that waits for room. If something did, it was not still, or it waits for us.
  if (hung) scene_.ping();
  if (seen.arrivals != before) return false;
  json proof = {{"verdict", word_for(answer.proof.verdict)}, {"reason", answer.proof.reason}};
  if (hung) proof = bounded(hang::graph_json(answer.look, answer.proof));
  cut_texts(proof);
  proof["line"] = asked->line;
  proof["took_ns"] = answer.took / 1ns;
  scene_.journal().write("proof", std::move(proof));
  if (!hung) return false;
  scene_.snapshot();  // so that the record has new processes
  scene_.journal().write("taken", {{"snap", scene_.last_snapshot()}, {"why", "still"}});
  return true;
}

}  // namespace poolproof::conformance
