// The rules of the schemas that the harness itself lets pass, for authors who want none broken.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace poolproof::cli {

struct Complaint {
  std::string what;     // is wrong
  std::string instead;  // what to write
};

// One message as it came: one line, ended by one newline.
std::optional<Complaint> complaint_about_text(const std::string& text);

// Of a message that conformance::complaint_about has nothing to say about.
std::optional<Complaint> strict_complaint_about(const nlohmann::json& message);

}  // namespace poolproof::cli
