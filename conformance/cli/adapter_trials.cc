#include "conformance/cli/adapter_trials.h"

#include <functional>
#include <string_view>

#include "conformance/cli/adapter_bodies.h"
#include "conformance/cli/adapter_law.h"
#include "conformance/cli/adapter_life.h"
#include "scenarios/words.h"

namespace poolproof::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kEnds = 5s;
constexpr auto kForgets = 1s;
constexpr auto kAnswers = Interview::kAnswers;
constexpr std::size_t kTooLong = 65;  // characters of an id

// False: the adapter says that its pool cannot be driven here.
bool await_hello(Interview& talk, Tested& tested) {
  const auto refused = [&] { return !talk.refusal_of_hello().empty(); };
  talk.may_end();  // an adapter that refuses ends; an adapter that just ends is reported below
  talk.wait([&] { return !talk.hello().is_null() || refused() || talk.exit().has_value(); });
  if (refused()) {
    tested.unavailable = talk.refusal_of_hello();
    return false;
  }
  talk.must_live();
  if (talk.hello().is_null() && !talk.exit()) {
    talk.find("it said no `hello` within 10 s",
              "its first message is {\"event\": \"hello\", ...}, sent before anything is asked");
    throw ConversationOver{};
  }
  talk.wait([&] { return !talk.hello().is_null(); });  // reports an adapter that ended
  tested.hello = talk.hello();
  return true;
}

void expect_refusal(Interview& talk, const json& command) { talk.ask(command, "refused"); }

void try_refusals_without_a_pool(Interview& talk) {
  talk.where = "refusals";
  json submit = {{"cmd", "submit"}, {"id", "x1"}, {"body", "echo"}, {"args", talk.addresses()}};
  submit["args"]["value"] = 1;
  expect_refusal(talk, submit);
  expect_refusal(talk, {{"cmd", "close"}, {"how", "drain"}});
  expect_refusal(talk, {{"cmd", "open"}, {"workers", 0}});
  expect_refusal(talk, {{"cmd", "open"}});
  refuse_lives(talk);
  expect_refusal(talk, {{"cmd", "dance"}});
  talk.send_text("{no json\n");
  talk.await("refused", "", "a message that is no JSON");
  talk.send_text("[1, 2]\n");
  talk.await("refused", "", "a message that is no JSON object");
}

void try_refusals_with_a_pool(Interview& talk) {
  talk.where = "refusals";
  expect_refusal(talk, {{"cmd", "open"}, {"workers", 1}});
  json args = talk.addresses();
  args["value"] = 1;
  const auto submit = [&](const std::string& id, const std::string& body) {
    return json{{"cmd", "submit"}, {"id", id}, {"body", body}, {"args", args}};
  };
  const std::string used = talk.submit("echo", {{"value", 1}});
  talk.wait([&] { return talk.outcome(used) != nullptr; });
  const auto twice = talk.ask(submit(used, "echo"), "refused");
  if (twice && twice->value("id", "") != used)
    talk.find("the refusal of a second task " + used + " does not say which task",
              "a refusal of `submit` has its `id`");
  expect_refusal(talk, submit("x2", "dance"));
  expect_refusal(talk, submit("", "echo"));
  expect_refusal(talk, submit(std::string(kTooLong, 'x'), "echo"));
  expect_refusal(talk, {{"cmd", "submit"}, {"id", "x3"}, {"body", "echo"}});
  if (!talk.can("task_deadline")) {
    json late = submit("x4", "echo");
    late["deadline_ms"] = 1000;
    expect_refusal(talk, late);
  }
  if (!talk.can("done_callback")) {
    json calls = submit("x5", "echo");
    calls["on_done"] = {{"do", "meet"}};
    expect_refusal(talk, calls);
  }
  expect_refusal(talk, {{"cmd", "cancel"}, {"id", talk.can("cancel") ? "never-seen" : used}});
  expect_refusal(talk, {{"cmd", "close"}, {"how", "gently"}});
  for (const std::string_view how : words::kClosings)
    if (!talk.can("close_" + std::string(how)))
      expect_refusal(talk, {{"cmd", "close"}, {"how", how}});
}

bool open(Interview& talk) {
  // An unknown field must be ignored.
  return talk.ask({{"cmd", "open"}, {"workers", 2}, {"x_new", true}}, "opened").has_value();
}

// Closes the open pool in each way that the adapter names, and opens it again in between.
void try_closes(Interview& talk) {
  talk.where = "close";
  bool is_open = true;
  for (const std::string_view word : words::kClosings) {
    const std::string how(word);
    if (!talk.can("close_" + how)) continue;
    if (!is_open && !open(talk)) return;
    const std::string id = talk.submit("rendezvous", {{"value", 1}});
    talk.wait([&] { return talk.standing(id, "running") != nullptr; });
    Standing* meeting = talk.standing(id, "running");
    const bool kills = how == "kill";
    if (meeting != nullptr) talk.answer(*meeting, {{"do", kills ? "sleep" : "go"}});
    if (!talk.ask({{"cmd", "close"}, {"how", how}}, "closed")) return;
    is_open = false;
    // If a pool forgets the tasks that its shutdown ended, this is not the adapter's fault.
    const bool finishes = how == "drain";
    if (!talk.wait([&] { return talk.outcome(id) != nullptr; }, finishes ? kAnswers : kForgets) &&
        finishes)
      talk.find("after `close` (drain) a task that had begun was not settled",
                "a drain finishes what was submitted; each task is told as `settled`");
    find_unmapped(talk, id, "a task that `close` (" + how + ") ended",
                  "shutdown, cancelled or worker-lost, as the pool has it");
  }
  if (is_open)
    talk.find("`hello` names no way to close the pool",
              "name close_drain, close_cancel or close_kill, as the pool has them");
}

void say_bye(Interview& talk) {
  talk.may_end();
  talk.send({{"cmd", "bye"}});
  if (!talk.wait([&] { return talk.exit().has_value(); }, kEnds))
    talk.find("5 s after `bye` it still runs",
              "it ends its program in the natural way of its language");
  else if (*talk.exit() != json{{"code", 0}})
    talk.find("after `bye` it ended with " + talk.exit()->dump() +
                  (talk.last_words().empty() ? "" : "; last on stderr: " + talk.last_words()),
              "it ends with exit status 0");
}

void converse(Interview& talk) {
  talk.where = "line";
  look_at_the_line(talk);
  try_refusals_without_a_pool(talk);
  talk.where = "open";
  if (!open(talk)) return;
  talk.where = "bodies";
  try_bodies(talk);
  talk.where = "errors";
  try_error_in_body(talk);
  try_exhaust(talk);
  try_deadline(talk);
  talk.where = "callbacks and cancel";
  try_extras(talk);
  try_refusals_with_a_pool(talk);
  try_closes(talk);
  for (const std::string_view how : words::kClosings)
    if (talk.can("close_" + std::string(how))) {
      try_life(talk, std::string(how));
      break;
    }
  talk.where = "bye";
  say_bye(talk);
}

void meet_deaths(Interview& talk) {
  talk.where = "deaths";
  if (open(talk)) try_deaths(talk);
}

void write_garbage(Interview& talk) {
  talk.where = "garbage";
  if (open(talk)) try_garbage(talk);
}

void hang_up(Interview& talk) {
  talk.where = "end of the line";
  if (!open(talk)) return;
  talk.may_end();
  talk.hang_up();
  if (!talk.wait([&] { return talk.exit().has_value(); }, kEnds))
    talk.find("5 s after the end of its line it still runs",
              "the end of the line means that the harness is gone: end at once");
}

}  // namespace

Tested test_adapter(const Interview::Options& options) {
  Tested tested;
  std::vector<std::function<void(Interview&)>> conversations = {converse};
  for (const std::string_view stage : words::kStages)
    conversations.emplace_back([stage = std::string(stage)](Interview& talk) {
      talk.where = "errors";
      if (open(talk)) try_error_at(talk, stage);
    });
  conversations.emplace_back(meet_deaths);
  conversations.emplace_back(write_garbage);
  conversations.emplace_back(hang_up);
  conversations.emplace_back([](Interview& talk) {
    talk.where = "bye at once";
    say_bye(talk);
  });
  for (const auto& conversation : conversations) {
    Interview talk(options, tested.findings, "start");
    ++tested.conversations;
    bool speaks = true;
    try {
      talk.begin();
      speaks = await_hello(talk, tested);
      if (speaks) conversation(talk);
    } catch (const ConversationOver&) {
      speaks = !talk.hello().is_null();
    }
    tested.messages += talk.messages();
    if (!speaks) break;  // another start would give the same result
  }
  return tested;
}

}  // namespace poolproof::cli
