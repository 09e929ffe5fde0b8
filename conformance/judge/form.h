// What the record's own lines must be like. What a pool, an adapter or a body sent is not meant
// here: that is data of any shape.
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "conformance/record/integer.h"
#include "conformance/record/observation.h"

namespace poolproof::conformance::judging {

// A line that contradicts the record's own format. This is never a pool's fault, so it never leads
// to a conviction.
class FormError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An integer that T can hold; throws FormError.
template <typename T>
T integer_in(const nlohmann::json& object, const char* key) {
  const auto number = integer_of<T>(object.at(key));
  if (!number) throw FormError("`" + std::string(key) + "` is no integer, or too large");
  return *number;
}

template <typename T>
T integer_in(const nlohmann::json& object, const char* key, T if_absent) {
  return object.contains(key) ? integer_in<T>(object, key) : if_absent;
}

// A field of one of the record's own lines. Without it, or with a wrong type, the record is not
// ours: throws FormError, which says the line.
template <typename T>
T need(const Observation& line, const nlohmann::json& object, const char* key) {
  const std::string where = "line " + std::to_string(line.seq) + " (" + line.kind + "): ";
  try {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      return integer_in<T>(object, key);
    else
      return object.at(key).get<T>();
  } catch (const nlohmann::json::exception& error) {
    throw FormError(where + "field `" + key + "`: " + error.what());
  } catch (const FormError& error) {
    throw FormError(where + error.what());
  }
}

template <typename T>
T need(const Observation& line, const char* key) {
  return need<T>(line, line.fields, key);
}

// A list that is left out is empty.
inline nlohmann::json list_in(const Observation& line, const char* key) {
  if (!line.fields.contains(key)) return nlohmann::json::array();
  return need<std::vector<nlohmann::json>>(line, key);
}

}  // namespace poolproof::conformance::judging
