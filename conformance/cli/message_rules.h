// Rules of the schemas that the harness itself does not enforce. An author may want to follow them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace poolproof::cli {

struct Complaint {
  std::string what;     // is wrong
  std::string instead;  // what to write
};

// Checks one message as it was received: one line that ends with one newline.
std::optional<Complaint> complaint_about_text(const std::string& text);

// Checks a message in which conformance::complaint_about finds nothing wrong.
std::optional<Complaint> strict_complaint_about(const nlohmann::json& message);

}  // namespace poolproof::cli
