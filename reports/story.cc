#include "reports/story.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "reports/fields.h"
#include "reports/life.h"
#include "reports/proof_story.h"
#include "reports/script.h"

namespace poolproof::reports {
namespace {

using conformance::Observation;
using nlohmann::json;

std::string outcome_words(const json& outcome, std::size_t most) {
  std::string text = text_at(outcome, "kind");
  for (const char* field : {"cause", "certainty", "scope"})
    if (const std::string word = text_at(outcome, field); !word.empty())
      text += fmt::format(", {} {}", field, word);
  const json& native = object_at(outcome, "native");
  if (const std::string type = text_at(native, "type"); !type.empty())
    text += fmt::format("; {}: {}", type, shortened(text_at(native, "text"), most));
  return text;
}

class Story {
 public:
  explicit Story(const StoryLimits& limits) : limits_(limits) {}

  void hear(const Observation& line) {
    if (first_ns_ < 0) first_ns_ = line.t_ns;
    now_ = line.t_ns - first_ns_;
    const json& f = line.fields;
    if (line.kind == "plan") {
      plan_ = object_at(f, "plan");
      for (const json& task : list_at(plan_, "tasks")) life_.expect(task);
    } else if (line.kind == "cage") {
      cage_ = {{"mode", text_at(f, "mode")},
               {"mounts", true_at(f, "mounts")},
               {"why", text_at(f, "why")}};
      life_.adapter(object_at(f, "adapter"), now_);
    } else if (line.kind == "sent") {
      sent(object_at(f, "message"));
    } else if (line.kind == "received") {
      received(object_at(f, "message"));
    } else if (line.kind == "step") {
      step(f);
    } else if (!of_the_cage(line.kind, f)) {
      of_the_harness(line.kind, f);
    }
  }

  json told() const {
    json story = {{"took", now_},    {"round", round_ns_}, {"stuck", stuck_ns_},
                  {"cage", cage_},   {"steps", steps_},    {"stderr", stderr_},
                  {"ended", ended_}, {"waits", waits()},   {"left_out", left_out_},
                  {"proof", proof_}, {"events", events_}};
    life_.tell(story, limits_.processes, limits_.tasks);
    return story;
  }

 private:
  // `routine`: happens in any run, and may be left out if there are too many events.
  json& event(const char* what, std::string text, bool routine = false) {
    static json dropped;
    if (routine && events_.size() >= limits_.events) {
      ++left_out_;
      return dropped = json::object();
    }
    if (events_.size() >= 2 * limits_.events) {  // limits the size of the page
      ++left_out_;
      return dropped = json::object();
    }
    events_.push_back({{"t", now_}, {"what", what}, {"text", shortened(text, limits_.text_bytes)}});
    return events_.back();
  }

  void sent(const json& message) {
    const std::string command = text_at(message, "cmd"), id = text_at(message, "id");
    if (command == "open") {
      if (++opened_ == 2) round_ns_ = now_;
      event("asked", fmt::format("open with {} workers", number_at(message, "workers")));
    } else if (command == "submit") {
      life_.submitted(id, now_);
      event("asked", fmt::format("submit {}", life_.named(id)), true)["task"] = id;
    } else if (command == "close") {
      event("asked", fmt::format("close ({})", text_at(message, "how")));
    } else if (command == "resize") {
      event("asked", fmt::format("resize to {} workers", number_at(message, "workers")));
    } else {
      event("asked", id.empty() ? command : fmt::format("{} {}", command, life_.named(id)));
    }
  }

  void received(const json& message) {
    const std::string name = text_at(message, "event"), id = text_at(message, "id");
    if (name == "settled") {
      const json& outcome = object_at(message, "outcome");
      const bool value = text_at(outcome, "kind") == "value";
      const std::string words = outcome_words(outcome, limits_.text_bytes);
      life_.settled(id, now_, outcome, shortened(words, limits_.text_bytes));
      json& told = event(value ? "value" : "error",
                         fmt::format("{} settled: {}", life_.named(id), words), value);
      told["task"] = id;
      if (const json& blame = object_at(outcome, "blame"); blame.contains("pid"))
        told["blame"] = number_at(blame, "pid");
    } else if (name == "refused") {
      event("error",
            fmt::format("refused `{}`: {}", text_at(message, "cmd"), text_at(message, "why")));
    } else {
      event("told", name == "hello" ? "hello: the adapter is there" : name);
    }
  }

  void step(const json& f) {
    const std::string state = text_at(f, "state");
    const std::int64_t index = number_at(f, "index", -1);
    if (state == "begin") {
      steps_.push_back({{"index", index}, {"begin", now_}, {"end", nullptr}, {"state", state}});
      return;
    }
    if (steps_.empty()) return;
    steps_.back()["end"] = now_;
    steps_.back()["state"] = state;
    if (state != "stuck") return;
    if (stuck_ns_.is_null()) stuck_ns_ = now_;
    event("harness", fmt::format("step {} did not end: it is given up here", index + 1));
  }

  bool of_the_cage(const std::string& kind, const json& f) {
    const std::string task = text_at(f, "task");
    const std::int64_t pid = number_at(f, "pid"), start = number_at(f, "start");
    if (kind == "met") {
      life_.seen(pid, start, now_);
      json& met = event("met",
                        fmt::format("{} stands at `{}` in process {}", life_.named(task),
                                    text_at(f, "point"), pid),
                        true);
      met["pid"] = pid;
      met["task"] = task;
    } else if (kind == "told") {
      life_.struck(pid, start, now_);
      const std::string at = task.empty() ? "" : " while it runs " + life_.named(task);
      json& fault = event("fault", fmt::format("process {} is struck{}: {}", pid, at,
                                               deed_of(text_at(f, "effect"))));
      fault["pid"] = pid;
      fault["task"] = task;
      fault["effect"] = text_at(f, "effect");
    } else if (kind == "ledger") {
      ledger(object_at(f, "entry"));
    } else if (kind == "exit") {
      const std::string how = Life::status_words(object_at(f, "status"));
      life_.exited(pid, start, now_, how);
      event("exit", fmt::format("process {} ended: {}", pid, how))["pid"] = pid;
    } else if (kind == "process") {
      life_.looked(f, now_);
      look_[number_at(f, "snap")].push_back(&f);
    } else if (kind == "signalled") {
      if (const std::string error = text_at(f, "error"); !error.empty())
        event("harness", fmt::format("SIG{} could not be sent to process {}: {}",
                                     text_at(f, "signal"), pid, error));
    } else {
      return false;
    }
    return true;
  }

  void ledger(const json& entry) {
    const std::string task = text_at(entry, "task"), ev = text_at(entry, "ev");
    const std::int64_t pid = number_at(entry, "pid");
    if (ev == "init") {
      event("task", fmt::format("process {} runs its initializer", pid), true)["pid"] = pid;
      return;
    }
    life_.ledger(task, pid, ev, now_);
    const char* did = ev == "start"    ? "'s body starts"
                      : ev == "end"    ? "'s body comes to its end"
                      : ev == "struck" ? "'s body does as it was told"
                                       : "'s body says something unknown";
    json& line =
        event(ev == "struck" ? "fault" : "task",
              fmt::format("{}{} in process {}", life_.named(task), did, pid), ev != "struck");
    line["pid"] = pid;
    line["task"] = task;
  }

  void of_the_harness(const std::string& kind, const json& f) {
    if (kind == "still") {
      still_ = {{"after", number_at(f, "after", -1)},
                {"t", now_},
                {"moved", texts_at(f, "moved")},
                {"since", number_at(f, "since_ns")}};
      event("harness", texts_at(f, "moved").empty() ? "watched: nothing moved any more"
                                                    : "watched: something still moved");
    } else if (kind == "silence") {
      event("harness", "nothing has come for a while: the harness goes silent", true);
    } else if (kind == "proof") {
      proof(f);
    } else if (kind == "deadline") {
      event("harness", "the cage's own deadline: it ends everything inside");
    } else if (kind == "invalid" || kind == "ledger-invalid" || kind == "met-invalid") {
      const std::string why = text_at(f, "why");
      event("error", fmt::format("{}: {} {}", kind, why, text_at(f, "text")));
    } else if (kind == "healed") {
      std::string names;
      for (const json& one : list_at(f, "killed"))
        names += fmt::format("{}{} `{}`", names.empty() ? "" : ", ", number_at(one, "pid"),
                             text_at(one, "name"));
      if (!names.empty())
        event("harness", fmt::format("the cage ends what still lives: process {}", names));
    } else if (kind == "stderr") {
      const std::string head = text_at(f, "head"), tail = text_at(f, "tail");
      stderr_ = {{"bytes", number_at(f, "bytes")},
                 {"head", shortened(head, limits_.stderr_bytes)},
                 {"tail", tail.size() <= limits_.stderr_bytes
                              ? tail
                              : "... " + tail.substr(tail.size() - limits_.stderr_bytes)}};
    } else if (kind == "ended") {
      ended_ = {{"how", text_at(f, "how")}, {"why", text_at(f, "why")}};
    }
  }

  void proof(const json& f) {
    const std::string verdict = text_at(f, "verdict"), reason = text_at(f, "reason");
    if (verdict != "hung") {
      event("harness", fmt::format("no proof of a hang ({}): {}", verdict, reason), true);
      return;
    }
    event("harness", "proved: nothing in it can ever move again. " + reason);
    proof_ = proof_story(f, limits_.processes, limits_.text_bytes);
    proof_["t"] = now_;
  }

  json waits() const {
    if (still_.is_null()) return nullptr;
    json seen = still_;
    const auto found = look_.find(number_at(still_, "after", -1));
    seen["processes"] =
        found == look_.end() ? json::array() : life_.waits_of(found->second, limits_.processes);
    return seen;
  }

  const StoryLimits limits_;
  json plan_ = json::object();
  Life life_;
  std::int64_t first_ns_ = -1, now_ = 0;
  int opened_ = 0;
  std::size_t left_out_ = 0;
  std::int64_t round_ns_ = 0;
  json stuck_ns_, cage_ = json::object(), steps_ = json::array(), events_ = json::array();
  json proof_, still_, stderr_ = json::object(), ended_ = json::object();
  std::map<std::int64_t, std::vector<const json*>> look_;
};

}  // namespace

json story_of(const std::vector<const Observation*>& attempt, const StoryLimits& limits) {
  Story story(limits);
  for (const Observation* line : attempt) story.hear(*line);
  return story.told();
}

}  // namespace poolproof::reports
