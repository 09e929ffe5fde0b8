#include "conformance/adapters/cpp/serve.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "conformance/adapters/cpp/line.h"
#include "conformance/adapters/cpp/rendezvous.h"
#include "generated/words.h"

namespace poolproof::adapter {
namespace {

using nlohmann::json;

// So that any id fits into a ledger line, even when it is escaped.
constexpr std::size_t kIdCharacters = 64;

void demand(bool met, const char* what) {
  if (!met) throw Refused(what);
}

void demand_one_of(words::WordList words, std::string_view word, std::string what) {
  if (std::find(words.begin(), words.end(), word) != words.end()) return;
  what += " must be one of ";
  for (const std::string_view known : words) what += std::string(known) + ", ";
  throw Refused(what.substr(0, what.size() - 2));
}

json message_of(const Hello& hello) {
  const json longest = {{"seconds", hello.longest_wait_s}, {"source", hello.longest_wait_source}};
  return {{"event", "hello"},           {"protocol", 1},
          {"pool", hello.pool},         {"version", hello.version},
          {"language", hello.language}, {"capabilities", hello.capabilities},
          {"recovers", hello.recovers}, {"longest_wait", longest}};
}

// The `id`, `why` and command of a refusal, whatever shape the command has.
json refusal_of(const json& command, const std::string& why) {
  json message = {{"event", "refused"}, {"cmd", ""}, {"why", why}};
  for (const char* key : {"cmd", "id"}) {
    const auto field = command.find(key);
    if (field != command.end() && field->is_string()) {
      message[key] = field->get<std::string>().substr(0, 4 * kIdCharacters);
    }
  }
  return message;
}

std::string text_at(const json& object, const char* key) {
  const auto field = object.find(key);
  if (field != object.end() && field->is_string()) return field->get<std::string>();
  throw Refused("`" + std::string(key) + "` must be a string");
}

// The body and its arguments; `args` also come from outside.
Submission work_in(const json& command) {
  const json args = command.value("args", json());
  demand(args.is_object(), "`args` must be an object");
  Submission task;
  task.body = text_at(command, "body");
  task.place = {text_at(command, "id"), text_at(args, "ledger"), text_at(args, "rendezvous")};
  task.value = text_of(args.value("value", json()));
  demand(!task.place.task.empty() && task.place.task.size() <= kIdCharacters,
         "`id` must have 1 to 64 characters");
  demand_one_of(words::kBodies, task.body, "`body`");
  if (task.body == "large") {
    const json bytes = args.value("bytes", json());
    demand(bytes.is_number_integer() && bytes >= 1 && bytes <= (1 << 30),
           "`args.bytes` must be an integer from 1 to 1073741824");
    task.bytes = bytes.get<int>();
  } else {
    demand(task.body == "rendezvous" || args.contains("value"), "`args` must hold `value`");
  }
  if (task.body == "carry") {
    task.stage = text_at(args, "stage");
    demand_one_of(words::kStages, task.stage, "`args.stage`");
  }
  return task;
}

Submission submission_of(const json& command) {
  Submission task = work_in(command);
  if (command.contains("on_done")) {
    const json& on_done = command["on_done"];
    demand(on_done.is_object(), "`on_done` must be an object");
    const std::string deed = text_at(on_done, "do");
    demand(deed == "meet" || deed == "submit", "`on_done.do` must be meet or submit");
    task.meets_when_done = deed == "meet";
    if (deed == "submit") task.follower = std::make_shared<const Submission>(work_in(on_done));
  }
  if (command.contains("deadline_ms")) {
    const json& deadline = command["deadline_ms"];
    demand(deadline.is_number_integer() && deadline >= 0, "`deadline_ms` must be an integer >= 0");
    task.deadline_ms = deadline.get<int>();
  }
  return task;
}

int workers_of(const json& command) {
  const json workers = command.value("workers", json());
  demand(workers.is_number_integer() && workers >= 1, "`workers` must be an integer >= 1");
  return workers.get<int>();
}

Opening opening_of(const json& command) {
  Opening opening;
  opening.workers = workers_of(command);
  if (command.contains("tasks_per_worker")) {
    const json& tasks = command["tasks_per_worker"];
    demand(tasks.is_number_integer() && tasks >= 1, "`tasks_per_worker` must be an integer >= 1");
    opening.tasks_per_worker = tasks.get<int>();
  }
  if (command.contains("initializer")) {
    demand(command["initializer"].is_object(), "`initializer` must be an object");
    opening.initializer = Place{"", text_at(command["initializer"], "ledger"), ""};
  }
  return opening;
}

// Passes one command after the other to the pool.
class Desk {
 public:
  Desk(const Line& line, const Hello& hello, Pool& pool)
      : line_(line), hello_(hello), pool_(pool) {}

  // False: the command was `bye`. Throws if the command cannot be done.
  bool obey(const json& command) {
    const std::string word = text_at(command, "cmd");
    if (word == "open") {
      open(opening_of(command));
    } else if (word == "submit") {
      submit(submission_of(command));
    } else if (word == "cancel") {
      demand(can("cancel"), "this pool cancels no task");
      const std::string id = text_at(command, "id");
      demand(submitted_.count(id) == 1, "no task of this id was submitted");
      pool_.cancel(id);
    } else if (word == "resize") {
      demand(can("resize"), "this pool keeps the workers that it was opened with");
      const int workers = workers_of(command);
      demand(is_open_, "no pool is open");
      pool_.resize(workers);
      line_.send({{"event", "resized"}});
    } else if (word == "close") {
      close(text_at(command, "how"));
    } else {
      demand(word == "bye",
             "unknown command; known are open, submit, cancel, resize, close and bye");
      return false;
    }
    return true;
  }

 private:
  bool can(const std::string& what) const {
    const auto& all = hello_.capabilities;
    return std::find(all.begin(), all.end(), what) != all.end();
  }

  void open(const Opening& opening) {
    demand(!opening.tasks_per_worker || can("recycles"),
           "this pool replaces no worker after so many tasks");
    demand(!opening.initializer || can("initializer"),
           "this pool's workers run nothing before their first task");
    demand(!is_open_, "a pool is open; close it first");
    pool_.open_as(opening);
    is_open_ = true;
    line_.send({{"event", "opened"}});
  }

  void submit(const Submission& task) {
    demand(!task.deadline_ms || can("task_deadline"), "this pool ends no task at a deadline");
    const bool calls_back = task.meets_when_done || task.follower;
    demand(!calls_back || can("done_callback"), "this pool calls nothing when a task is done");
    demand(is_open_, "no pool is open");
    std::set<std::string> ids = {task.place.task};
    if (task.follower) ids.insert(task.follower->place.task);
    demand(ids.size() == (task.follower ? 2U : 1U), "both tasks have one id");
    for (const std::string& id : ids)
      demand(submitted_.count(id) == 0, "a task of this id was submitted before");
    submitted_.merge(ids);
    pool_.submit(task);
  }

  void close(const std::string& how) {
    demand_one_of(words::kClosings, how, "`how`");
    demand(can("close_" + how), "this pool has no such shutdown");
    demand(is_open_, "no pool is open");
    pool_.close(how);
    is_open_ = false;
    line_.send({{"event", "closed"}});
  }

  const Line& line_;
  const Hello& hello_;
  Pool& pool_;
  bool is_open_ = false;
  std::set<std::string> submitted_;
};

}  // namespace

void Pool::resize(int) { throw Refused("this adapter has `resize`, and no way to do it"); }

void serve(const Line& line, const Hello& hello, Pool& pool) {
  line.send(message_of(hello));
  Desk desk(line, hello, pool);
  for (;;) {
    std::string why;
    const std::optional<json> command = line.receive(why);
    if (!command) {
      line.send(refusal_of(json::object(), why));
      continue;
    }
    try {
      if (!desk.obey(*command)) return;
    } catch (const std::exception& error) {
      line.send(refusal_of(*command, error.what()));
    }
  }
}

void done(const Line& line, Pool& pool, const Submission& task, const json& outcome) {
  settle(line, task.place.task, outcome);
  if (task.meets_when_done) stand_at(task.place, "callback");
  if (task.follower) pool.submit(*task.follower);
}

json value(json returned) {
  constexpr std::size_t kCharacters = 4096;
  if (returned.is_string() && returned.get_ref<const std::string&>().size() > kCharacters)
    returned = {{"length", returned.get_ref<const std::string&>().size()}};
  return {{"kind", "value"}, {"value", std::move(returned)}};
}

void settle(const Line& line, const std::string& id, const json& outcome) {
  if (line.send({{"event", "settled"}, {"id", id}, {"outcome", outcome}})) return;
  line.send(
      refusal_of({{"cmd", "submit"}, {"id", id}}, "the outcome is longer than the line takes"));
}

json native(const std::string& type, const std::string& text) {
  constexpr std::size_t kCharacters = 2000;
  constexpr std::size_t kBytes = 4 * kCharacters;  // text that is no UTF-8 may begin no character
  std::size_t bytes = 0;
  for (std::size_t characters = 0; bytes < std::min(text.size(), kBytes); ++bytes) {
    const bool begins = (static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80;
    if (begins && ++characters > kCharacters) break;
  }
  return {{"type", type}, {"text", text.substr(0, bytes)}};
}

}  // namespace poolproof::adapter
