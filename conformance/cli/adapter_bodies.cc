#include "conformance/cli/adapter_bodies.h"

#include "conformance/cli/adapter_law.h"
#include "scenarios/words.h"

namespace poolproof::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kPoolsDoing = 3s;  // a pool that needs longer is for the scenarios to judge

bool over(const Interview& talk, const std::string& id) {
  return talk.outcome(id) != nullptr || talk.refused(id);
}

std::string of(const std::string& body, const json& args) {
  return "`" + body + "` with " + args.dump(-1, ' ', false, json::error_handler_t::replace);
}

// True if it settled; otherwise a finding says that it did not.
bool await_end(Interview& talk, const std::string& id, const std::string& what) {
  if (!talk.wait([&] { return over(talk, id); })) {
    talk.find("the task " + what + " was not settled within 10 s",
              "when the pool has settled a task, tell {\"event\": \"settled\", \"id\": ..., "
              "\"outcome\": ...}");
    return false;
  }
  if (talk.refused(id)) {
    talk.find("the task " + what + " was refused",
              "every adapter has all bodies of conformance/protocol/protocol.md (the kits do)");
    return false;
  }
  return true;
}

// Waits until the task is at the point; if it does not come, adds a finding and returns null.
Standing* await_meeting(Interview& talk, const std::string& id, const std::string& point,
                        const std::string& what) {
  const bool comes_last = point == "callback";  // after `settled`
  talk.wait([&] { return talk.standing(id, point) != nullptr || (!comes_last && over(talk, id)); });
  Standing* meeting = talk.standing(id, point);
  if (meeting == nullptr)
    talk.find(
        "the task " + what + " did not come to the rendezvous at `" + point + "`" +
            (talk.outcome(id) != nullptr ? "; it ended with " + talk.outcome(id)->dump() : ""),
        "at that point the body connects to `args.rendezvous` and says {\"task\": ..., "
        "\"point\": \"" +
            point + "\"}");
  return meeting;
}

void expect_value(Interview& talk, const std::string& id, const std::string& what,
                  const json& value) {
  if (!await_end(talk, id, what)) return;
  const json& outcome = *talk.outcome(id);
  if (outcome.value("kind", "") != "value" || outcome.value("value", json()) != value)
    talk.find(
        "the task " + what + " ended with " + outcome.dump().substr(0, 300),
        "its outcome is {\"kind\": \"value\", \"value\": " + value.dump().substr(0, 100) + "}");
  // They were written before it settled, but they arrive on a different way.
  talk.wait([&] { return talk.written(id, "start") > 0 && talk.written(id, "end") > 0; },
            kLedgerComes);
  if (talk.written(id, "start") != 1 || talk.written(id, "end") != 1)
    talk.find("the task " + what + " wrote " + std::to_string(talk.written(id, "start")) +
                  " `start` and " + std::to_string(talk.written(id, "end")) +
                  " `end` lines to the ledger",
              "each body writes one of each to the FIFO `args.ledger`, before it settles");
}

void expect_worker(Interview& talk, const std::string& id, const std::string& what) {
  const json* start = talk.entry(id, "start");
  if (start == nullptr || !talk.can("worker_processes")) return;
  if (start->value("pid", 0) == talk.ready().at("adapter").at("pid"))
    talk.find("the task " + what + " ran in the adapter's own process",
              "a pool that has `worker_processes` runs it in another; else leave that capability "
              "out of `hello`");
}

// Two tasks that meet at the same time, in two workers.
void try_rendezvous(Interview& talk) {
  const std::string what = of("rendezvous", {{"value", 1}});
  const std::string first = talk.submit("rendezvous", {{"value", 1}});
  const std::string second = talk.submit("rendezvous", {{"value", 1}});
  if (await_meeting(talk, first, "running", what) == nullptr ||
      await_meeting(talk, second, "running", what + " beside another") == nullptr)
    return;
  look_at_the_workers(talk);
  for (const std::string& id : {first, second}) {
    Standing& meeting = *talk.standing(id, "running");
    const json* start = talk.entry(id, "start");
    if (start != nullptr && start->value("pid", 0) != meeting.pid)
      talk.find("the task " + what + " wrote pid " + std::to_string(start->value("pid", 0)) +
                    " to the ledger and met as process " + std::to_string(meeting.pid),
                "`pid` of a ledger line is getpid() of the process that runs the body");
    talk.answer(meeting, {{"do", "go"}});
    expect_value(talk, id, what, 1);
    expect_worker(talk, id, what);
  }
}

bool crosses(const Interview& talk, const std::string& stage) {
  return talk.can(stage.ends_with("-args") ? "arguments_cross" : "results_cross");
}

// If a language decodes by itself, none of our code runs there, and its adapter refuses the stage.
bool has_no_such_stage(Interview& talk, const std::string& id, const std::string& stage) {
  if (!stage.starts_with("decode-")) return false;
  talk.wait([&] { return talk.standing(id, stage) != nullptr || over(talk, id); });
  return talk.refused(id) && talk.await("refused", "submit", "`carry`").has_value();
}

void try_carry(Interview& talk, const std::string& stage) {
  if (!crosses(talk, stage)) return;
  const json args = {{"stage", stage}, {"value", "carried"}};
  const std::string id = talk.submit("carry", args), what = of("carry", args);
  if (has_no_such_stage(talk, id, stage)) return;
  Standing* meeting = await_meeting(talk, id, stage, what);
  if (meeting == nullptr) return;
  talk.answer(*meeting, {{"do", "go"}});
  expect_value(talk, id, what, "carried");
}

void try_throw(Interview& talk, const std::string& body, const std::string& point, const json& args,
               const std::string& kind) {
  const std::string id = talk.submit(body, args);
  const std::string what = of(body, args) + " that was told to throw";
  if (has_no_such_stage(talk, id, point)) return;
  Standing* meeting = await_meeting(talk, id, point, what);
  if (meeting == nullptr) return;
  talk.answer(*meeting, {{"do", "throw"}, {"text", "thrown for a test"}});
  talk.wait([&] { return talk.written(id, "struck") > 0; }, kLedgerComes);
  if (talk.written(id, "struck") != 1)
    talk.find("the task " + what + " wrote no `struck` line to the ledger",
              "a body that is told to throw writes `struck` first, then throws");
  // If a pool breaks or hangs at it, this is not the adapter's fault.
  talk.wait([&] { return over(talk, id); }, kPoolsDoing);
  if (talk.outcome(id) != nullptr && talk.outcome(id)->value("kind", "") == "value")
    talk.find("the task " + what + " ended with " + talk.outcome(id)->dump(),
              "it throws, and that is its outcome");
  find_unmapped(talk, id, "an exception thrown at `" + point + "`", kind);
}

}  // namespace

void find_unmapped(Interview& talk, const std::string& id, const std::string& what,
                   const std::string& kind) {
  const json* outcome = talk.outcome(id);
  if (outcome == nullptr || outcome->value("kind", "") != "unmapped") return;
  std::string native = "an error without `native`";
  if (outcome->contains("native"))
    native = "`" + (*outcome)["native"].value("type", "?") + "` (" +
             (*outcome)["native"].value("text", "").substr(0, 200) + ")";
  talk.find(what + " came out as `unmapped`: the adapter's table does not know " + native,
            "add a row for it, as " + kind);
}

void try_bodies(Interview& talk) {
  const json nested = {{"list", {1, nullptr, true}}, {"text", "Gr\u00fc\u00dfe"}};
  for (const json& value : {json(7), json("Gr\u00fc\u00dfe \u2713"), nested, json(nullptr)}) {
    const json args = {{"value", value}};
    const std::string id = talk.submit("echo", args);
    expect_value(talk, id, of("echo", args), value);
    expect_worker(talk, id, of("echo", args));
  }
  try_rendezvous(talk);
  for (const std::string_view stage : words::kStages) try_carry(talk, std::string(stage));
  constexpr int kLarge = 300'000;  // larger than any message of the line
  const json args = {{"bytes", kLarge}};
  const std::string id = talk.submit("large", args);
  Standing* meeting = await_meeting(talk, id, "running", of("large", args));
  if (meeting == nullptr) return;
  talk.answer(*meeting, {{"do", "go"}});
  expect_value(talk, id, of("large", args), {{"length", kLarge}});
}

void try_error_in_body(Interview& talk) {
  try_throw(talk, "rendezvous", "running", {{"value", 1}}, "task-error");
}

void try_error_at(Interview& talk, const std::string& stage) {
  if (crosses(talk, stage))
    try_throw(talk, "carry", stage, {{"stage", stage}, {"value", 1}}, stage);
}

void try_deadline(Interview& talk) {
  if (!talk.can("task_deadline")) return;
  const std::string id = talk.submit("rendezvous", {{"value", 1}}, {{"deadline_ms", 300}});
  const std::string what = "`rendezvous` that sleeps past its `deadline_ms`";
  Standing* meeting = await_meeting(talk, id, "running", what);
  if (meeting != nullptr) talk.answer(*meeting, {{"do", "sleep"}});
  if (meeting != nullptr && await_end(talk, id, what) &&
      talk.outcome(id)->value("kind", "") != "deadline")
    talk.find("the task " + what + " ended with " + talk.outcome(id)->dump(),
              "an adapter with `task_deadline` gives the deadline to its pool, and maps its error "
              "as {\"kind\": \"deadline\"}");
}

void try_extras(Interview& talk) {
  if (talk.can("done_callback")) {
    const std::string meets = talk.submit("echo", {{"value", 1}}, {{"on_done", {{"do", "meet"}}}});
    Standing* meeting = await_meeting(talk, meets, "callback", "`echo` whose callback is to meet");
    if (meeting != nullptr) talk.answer(*meeting, {{"do", "go"}});
    await_end(talk, meets, "`echo` whose callback is to meet");

    json args = talk.addresses();
    args["value"] = 2;
    const std::string then = talk.next_id() + "b";
    talk.submit("echo", {{"value", 1}},
                {{"on_done", {{"do", "submit"}, {"id", then}, {"body", "echo"}, {"args", args}}}});
    expect_value(talk, then, "`echo` that a callback was to submit", 2);
  }
  if (!talk.can("cancel")) return;
  // Both workers are busy, so the third task waits in the queue.
  const std::string first = talk.submit("rendezvous", {{"value", 1}});
  const std::string second = talk.submit("rendezvous", {{"value", 1}});
  if (await_meeting(talk, first, "running", "`rendezvous`") == nullptr ||
      await_meeting(talk, second, "running", "`rendezvous`") == nullptr)
    return;
  const std::string queued = talk.submit("echo", {{"value", 3}});
  talk.send({{"cmd", "cancel"}, {"id", queued}});
  for (const std::string& id : {first, second})
    talk.answer(*talk.standing(id, "running"), {{"do", "go"}});
  await_end(talk, queued, "`echo` that was cancelled in the queue");
  find_unmapped(talk, queued, "a cancelled task", "cancelled");
  for (const std::string& id : {first, second}) await_end(talk, id, "`rendezvous`");
}

// Nothing limits it here except `at_most`, so it may not report that it was refused something.
void try_exhaust(Interview& talk) {
  if (!talk.can("worker_processes")) return;
  constexpr int kBytes = 8 << 20, kFiles = 20;
  // Id, and the resource it was told to use up.
  std::vector<std::pair<std::string, std::string>> ended;
  for (const std::string_view what : words::kTakable) {
    if (what == "stack") continue;  // `at_most` does not stop it
    const json order = {
        {"do", "exhaust"}, {"what", what}, {"at_most", what == "files" ? kFiles : kBytes}};
    const std::string id = talk.submit("rendezvous", {{"value", 1}});
    const std::string named = "`rendezvous` that was told " + order.dump();
    Standing* meeting = await_meeting(talk, id, "running", named);
    if (meeting == nullptr) return;
    talk.answer(*meeting, order);
    if (!await_end(talk, id, named)) continue;
    if (talk.outcome(id)->value("kind", "") == "value")
      talk.find("the task " + named + " ended with " + talk.outcome(id)->dump(),
                "with `at_most` of it the body gives all back and throws");
    find_unmapped(talk, id, "an exception thrown by " + named, "task-error");
    ended.emplace_back(id, named);
  }
  // The ledger keeps its order: once the lines of this task are here, the others are too.
  expect_value(talk, talk.submit("echo", {{"value", 1}}), of("echo", {{"value", 1}}), 1);
  for (const auto& [id, named] : ended)
    if (talk.written(id, "struck") > 0)
      talk.find("the task " + named + " wrote `struck` to the ledger, and nothing refused it more",
                "`struck` is written only when it was refused");
}

void try_garbage(Interview& talk) {
  if (!talk.can("worker_processes")) return;
  const std::string id = talk.submit("rendezvous", {{"value", 1}});
  Standing* meeting = await_meeting(talk, id, "running", "`rendezvous`");
  if (meeting == nullptr) return;
  talk.may_end();  // if the pool's program ends because of it, this is not the adapter's fault
  talk.answer(*meeting, {{"do", "garbage"}});
  talk.wait([&] { return talk.written(id, "struck") > 0; }, kLedgerComes);
  if (talk.written(id, "struck") != 1)
    talk.find("the task `rendezvous` that was told {\"do\": \"garbage\"} wrote no `struck` line",
              "it writes `struck` to the ledger first, then rubbish on its pool's pipes");
  talk.wait([&] { return over(talk, id); }, kPoolsDoing);  // the pool may never end it
  find_unmapped(talk, id, "what rubbish on the pool's pipes led to", "worker-lost or protocol");
}

void try_deaths(Interview& talk) {
  if (!talk.can("worker_processes")) return;
  const std::string id = talk.submit("rendezvous", {{"value", 1}});
  Standing* meeting = await_meeting(talk, id, "running", "`rendezvous`");
  if (meeting == nullptr) return;
  talk.answer(*meeting, {{"do", "raise"}, {"signal", "KILL"}});
  talk.wait([&] { return over(talk, id); }, kPoolsDoing);  // the pool may never end it
  find_unmapped(talk, id, "the death of a worker", "worker-lost or pool-broken");
}

}  // namespace poolproof::cli
