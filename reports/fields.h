// Reads recorded JSON that may have any shape: a field that is missing, or of another type than
// requested, is empty. Nothing here throws.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace poolproof::reports {

std::string text_at(const nlohmann::json& object, const char* key);
// `otherwise` if it is no integer, or one that JavaScript could not read exactly.
std::int64_t number_at(const nlohmann::json& object, const char* key, std::int64_t otherwise = 0);
bool true_at(const nlohmann::json& object, const char* key);
const nlohmann::json& object_at(const nlohmann::json& object, const char* key);
const nlohmann::json& list_at(const nlohmann::json& object, const char* key);
std::vector<std::string> texts_at(const nlohmann::json& object, const char* key);

// At most `most` bytes of `text`, whole characters, with a note of how much was left out.
std::string shortened(const std::string& text, std::size_t most);

}  // namespace poolproof::reports
