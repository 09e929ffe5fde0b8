// The adapter protocol (protocol.md): the messages that we send, and what is wrong with those that
// we receive. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "scenarios/plan.h"

namespace poolproof::conformance {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kLongestMessage = 65'536;  // bytes, newline included

// What is wrong with a message of an adapter, in words that help its author; nullopt if it is
// valid. Unknown fields are valid, unknown events are not.
std::optional<std::string> complaint_about(const nlohmann::json& message);

// What is wrong with the text of a message; nullopt: it is valid, and `message` is what it says.
// Otherwise `message` is what could be read of it: null if it is no JSON.
std::optional<std::string> read_message(std::string_view text, nlohmann::json& message);

// The facts in a valid `hello`; `pool.pool` is the adapter's name for its pool.
scenarios::PoolFacts facts_of(const nlohmann::json& hello);

struct Addresses {  // paths, as the bodies see them
  std::string ledger, rendezvous;
};
nlohmann::json open_command(int workers, const scenarios::Opening& opening, const Addresses& at);
nlohmann::json resize_command(int workers);
// `follower`, if any, is the task that the done-callback of this one submits.
nlohmann::json submit_command(const scenarios::PlannedTask& task,
                              const scenarios::PlannedTask* follower, const Addresses& at);
nlohmann::json cancel_command(const std::string& id);
nlohmann::json close_command(const std::string& how);
nlohmann::json bye_command();

}  // namespace poolproof::conformance
