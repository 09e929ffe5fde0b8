#include "fuzz/inputs/record_input.h"

#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "conformance/record/nesting.h"
#include "conformance/record/sha256.h"
#include "executor/check.h"

namespace poolproof::fuzz {

using nlohmann::json;

std::string record_of(Input input) {
  if (input.empty()) return "";
  const std::string text(input.begin() + 1, input.end());
  return input.front() == 'r' ? repaired(text) : text;
}

std::string repaired(std::string_view text) {
  std::string record;
  int lines = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (conformance::nests_too_deep(line, conformance::kDeepestLine)) continue;
    json object = json::parse(line, nullptr, false);
    if (!object.is_object() || object.value("kind", json()) == "footer") continue;
    object["v"] = 1;
    object["seq"] = ++lines;
    record += object.dump() + "\n";
  }
  conformance::Sha256 sha;
  sha.add(record);
  const json footer = {{"v", 1},           {"seq", lines + 1}, {"t_ns", 0},
                       {"kind", "footer"}, {"events", lines},  {"sha256", sha.hex()}};
  return record + footer.dump() + "\n";
}

MemoryFile::MemoryFile(std::string_view text) : fd_(::memfd_create("record", MFD_CLOEXEC)) {
  POOLPROOF_CHECK(fd_ >= 0, "no file in memory can be made");
  const ssize_t written = ::write(fd_, text.data(), text.size());
  POOLPROOF_CHECK(written == static_cast<ssize_t>(text.size()), "the file cannot be written");
}

MemoryFile::~MemoryFile() { ::close(fd_); }

std::filesystem::path MemoryFile::path() const { return "/proc/self/fd/" + std::to_string(fd_); }

}  // namespace poolproof::fuzz
