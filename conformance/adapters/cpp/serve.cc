#include "conformance/adapters/cpp/serve.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>

#include "conformance/adapters/cpp/line.h"

namespace poolproof::adapter {
namespace {

using nlohmann::json;

json message_of(const Hello& hello) {
  return {
      {"event", "hello"},
      {"protocol", 1},
      {"pool", hello.pool},
      {"version", hello.version},
      {"language", hello.language},
      {"capabilities", hello.capabilities},
      {"recovers", hello.recovers},
      {"longest_wait", {{"seconds", hello.longest_wait_s}, {"source", hello.longest_wait_source}}}};
}

Submission submission_of(const json& command) {
  const json& args = command.at("args");
  Submission task;
  task.body = command.at("body").get<std::string>();
  task.place = {command.at("id").get<std::string>(), args.at("ledger").get<std::string>(),
                args.at("rendezvous").get<std::string>()};
  task.value = text_of(args.value("value", json()));
  task.stage = args.value("stage", "");
  if (command.contains("deadline_ms")) task.deadline_ms = command["deadline_ms"].get<int>();
  return task;
}

// Returns false at `bye`. Throws what the pool cannot do.
bool obey(const Line& line, const json& command, Pool& pool) {
  const std::string word = command.value("cmd", "");
  if (word == "open") {
    pool.open(command.at("workers").get<int>());
    line.send({{"event", "opened"}});
  } else if (word == "submit") {
    pool.submit(submission_of(command));
  } else if (word == "cancel") {
    pool.cancel(command.at("id").get<std::string>());
  } else if (word == "close") {
    pool.close(command.at("how").get<std::string>());
    line.send({{"event", "closed"}});
  } else if (word == "bye") {
    return false;
  } else {
    throw Refused("unknown command");
  }
  return true;
}

json refusal_of(const json& command, const std::string& why) {
  json message = {{"event", "refused"}, {"cmd", command.value("cmd", json(""))}, {"why", why}};
  if (command.contains("id")) message["id"] = command["id"];
  return message;
}

}  // namespace

void serve(const Line& line, const Hello& hello, Pool& pool) {
  line.send(message_of(hello));
  for (;;) {
    std::string why;
    const std::optional<json> command = line.receive(why);
    if (!command) {
      line.send(refusal_of(json::object(), why));
      continue;
    }
    try {
      if (!obey(line, *command, pool)) return;
    } catch (const std::exception& error) {
      line.send(refusal_of(*command, error.what()));
    }
  }
}

void settle(const Line& line, const std::string& id, const json& outcome) {
  line.send({{"event", "settled"}, {"id", id}, {"outcome", outcome}});
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
