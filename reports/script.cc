#include "reports/script.h"

#include <fmt/format.h>

#include "reports/fields.h"

namespace poolproof::reports {
namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& words, const char* last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? fmt::format(" {} ", last) : std::string(", ");
    text += words[i];
  }
  return text;
}

std::string seconds(std::int64_t ms) {
  return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000) : fmt::format("{} ms", ms);
}

class Script {
 public:
  explicit Script(const json& plan) : plan_(plan) {
    for (const json& task : list_at(plan, "tasks")) tasks_[text_at(task, "id")] = &task;
  }

  std::string sentence(const json& step) {
    const std::string kind = text_at(step, "kind");
    const std::vector<std::string> ids = texts_at(step, "tasks");
    const std::string how = text_at(step, "how");
    if (kind == "open") return open();
    if (kind == "warm-up")
      return fmt::format("Warm up: {} meet, one in each worker, so that the workers are known.",
                         named(ids));
    if (kind == "submit") return fmt::format("Submit {}.", with_roles(ids));
    if (kind == "cancel") return fmt::format("Ask the pool to cancel {}.", with_roles(ids));
    if (kind == "strike") return strike(step, ids);
    if (kind == "await-settled") return "Wait until every submitted task has settled.";
    if (kind == "close")
      return fmt::format("Close the pool ({}) and wait until its call returns.", how);
    if (kind == "begin-close")
      return fmt::format("Tell the pool to close ({}), and wait for nothing yet.", how);
    if (kind == "await-closed") return "Wait until the call that closes the pool has returned.";
    if (kind == "await-parent-end")
      return "Wait until the program that owns the pool has ended, and every process with it.";
    if (kind == "probe")
      return fmt::format("Submit {}, a plain echo: is the pool usable?",
                         ids.empty() ? "a task" : ids.front());
    if (kind == "resize")
      return fmt::format("Tell the pool to have {} workers from now on, and wait until it says so.",
                         number_at(step, "workers"));
    if (kind == "bye") return "Say bye: the program ends and must leave nothing behind.";
    return kind.empty() ? "A step without a name." : fmt::format("`{}` {}", kind, named(ids));
  }

 private:
  std::string open() {
    const std::int64_t workers = number_at(plan_, "workers");
    const char* note = opened_++ == 0 ? " A first round, which nothing strikes, shows what this "
                                        "pool leaves behind when all is well."
                                      : " Now in earnest.";
    std::string how;
    if (true_at(plan_, "initializer")) how += ", each of which runs an initializer first";
    if (const auto most = number_at(plan_, "tasks_per_worker"); most > 0)
      how += fmt::format(", each replaced after {} task{}", most, most == 1 ? "" : "s");
    return fmt::format("Open the pool with {} worker{}{}.{}", workers, workers == 1 ? "" : "s", how,
                       note);
  }

  // Consecutive tasks of the plan are written as a range: "t6 to t11".
  std::string named(const std::vector<std::string>& ids) const {
    if (ids.size() < 3) return joined(ids, "and");
    return fmt::format("{} to {}", ids.front(), ids.back());
  }

  std::string with_roles(const std::vector<std::string>& ids) const {
    std::vector<std::string> groups;
    for (std::size_t at = 0; at < ids.size();) {
      std::size_t end = at + 1;
      while (end < ids.size() && described(ids[end]) == described(ids[at])) ++end;
      const std::string names = named({ids.begin() + static_cast<std::ptrdiff_t>(at),
                                       ids.begin() + static_cast<std::ptrdiff_t>(end)});
      groups.push_back(fmt::format("{} ({})", names, described(ids[at])));
      at = end;
    }
    return joined(groups, "and");
  }

  std::string described(const std::string& id) const {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) return "not in the plan";
    const json& task = *found->second;
    std::string text = fmt::format("{}: {}", text_at(task, "role"), text_at(task, "body"));
    if (const std::string stage = text_at(task, "stage"); !stage.empty()) text += " at " + stage;
    if (const std::int64_t bytes = number_at(task, "bytes"); bytes > 0)
      text += fmt::format(" of {} bytes", bytes);
    if (const std::int64_t deadline = number_at(task, "deadline_ms"); deadline > 0)
      text += fmt::format(", deadline {}", seconds(deadline));
    return text;
  }

  std::string strike(const json& step, const std::vector<std::string>& held) const {
    const json& faults = list_at(plan_, "faults");
    const std::int64_t index = number_at(step, "fault", -1);
    if (index < 0 || index >= static_cast<std::int64_t>(faults.size()))
      return "Strike with a fault that the plan does not hold.";
    const json& fault = faults[static_cast<std::size_t>(index)];
    const std::string role = text_at(fault, "role"), target = text_at(fault, "target");
    std::string when = "While every worker is idle";
    if (text_at(fault, "point") != "idle") {
      when = fmt::format("When {} stands at `{}`", role, text_at(fault, "point"));
      if (const std::int64_t nth = number_at(fault, "nth", 1); nth > 1)
        when += fmt::format(" for the {} time", nth == 2   ? "second"
                                                : nth == 3 ? "third"
                                                           : fmt::format("{}th", nth));
    }
    std::string whom;
    if (target == "all-workers") whom = ", in every worker";
    if (target == "parent") whom = ", in the program that owns the pool";
    if (target == "group") whom = ", in the program that owns the pool and its whole group";
    std::string text = fmt::format("{}: {}{}.", when, deed_of(text_at(fault, "effect")), whom);
    if (!held.empty())
      text += fmt::format(" {} are held where they stand until it has struck.", named(held));
    return text;
  }

  const json& plan_;
  std::map<std::string, const json*> tasks_;
  int opened_ = 0;
};

void promise(std::map<std::string, std::string>& promises, const std::string& part,
             const json& claim) {
  const std::vector<std::string> words = texts_at(claim, "one_of");
  if (!words.empty()) promises[part] = joined(words, "or");
}

}  // namespace

std::string deed_of(const std::string& effect) {
  const std::size_t colon = effect.find(':');
  const std::string word = effect.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : effect.substr(colon + 1);
  if (effect == "kill") return "kill the process (SIGKILL)";
  if (word == "signal") return fmt::format("send SIG{} to the process", rest);
  if (word == "raise") return fmt::format("its body raises SIG{} in itself", rest);
  if (word == "exit") return fmt::format("its body ends the process with exit status {}", rest);
  if (effect == "loop") return "its body loops forever";
  if (effect == "sleep") return "its body sleeps forever";
  if (effect == "throw") return "it throws an ordinary exception";
  if (effect == "throw-undecodable") return "it throws what the caller cannot decode";
  if (effect == "fork") return "its body starts a child that keeps every descriptor";
  if (effect == "close-fds") return "its body closes every descriptor from 3 on";
  if (effect == "garbage") return "its body writes rubbish on every pipe and socket of its process";
  if (word == "exhaust") return fmt::format("its body uses up its {}, which is limited", rest);
  if (word == "deny") return fmt::format("from here on to the probe there is no more: {}", rest);
  if (effect == "return") return "the program returns from its main";
  return fmt::format("`{}`", effect);
}

std::vector<std::string> script_of(const json& plan) {
  std::vector<std::string> sentences;
  Script script(plan);
  for (const json& step : list_at(plan, "steps")) sentences.push_back(script.sentence(step));
  return sentences;
}

std::map<std::string, std::string> promises_of(const json& plan) {
  const json& expect = object_at(plan, "expect");
  std::map<std::string, std::string> promises = {
      {"open", fmt::format("the pool opens, and {} workers reach their first tasks",
                           number_at(plan, "workers"))},
      {"run-once", "no task runs twice"},
      {"close", fmt::format("closes within {}, and the program ends",
                            seconds(number_at(expect, "closes_within_ms")))}};
  if (true_at(plan, "initializer"))
    promises["initialized"] = "each worker runs its initializer once, before its first task";
  if (const auto most = number_at(plan, "tasks_per_worker"); most > 0)
    promises["recycled"] =
        fmt::format("a worker is replaced after {} task{}", most, most == 1 ? "" : "s");
  for (const json& role : list_at(expect, "roles")) {
    const std::string name = text_at(role, "role");
    for (const char* field : {"outcome", "cause", "certainty", "blame"})
      promise(promises, name + "." + field, object_at(role, field));
    promises[name + ".within"] = seconds(number_at(role, "within_ms"));
  }
  promise(promises, "after", object_at(expect, "after"));
  promise(promises, "leftovers", object_at(expect, "leftovers"));
  return promises;
}

}  // namespace poolproof::reports
