#include "conformance/judge/wording.h"

#include <fmt/format.h>

#include <cmath>

namespace poolproof::conformance::judging {

namespace {
constexpr std::size_t kNativeTextBytes = 240;
constexpr std::size_t kTasksNamed = 6;
}  // namespace

std::string duration(std::int64_t ns) {
  const double ms = static_cast<double>(ns) / 1e6;
  return std::abs(ms) < 1000 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.3f} s", ms / 1e3);
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string counted(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : noun.back() == 's' ? "es" : "s");
}

std::string to_string(const ExitStatus& status) {
  switch (status.how) {
    case ExitStatus::How::kCode:
      return fmt::format("exit status {}", status.code);
    case ExitStatus::How::kSignal:
      return fmt::format("signal {}{}", status.signal, status.core ? " with a core" : "");
    case ExitStatus::How::kUnseen:
      break;
  }
  return "a status that only the pool saw";
}

std::string name_of(const TaskHistory& task) {
  return fmt::format("{} ({})", task.planned.id, task.planned.role);
}

std::string names_of(const std::vector<const TaskHistory*>& tasks) {
  std::string text;
  for (std::size_t i = 0; i < tasks.size() && i < kTasksNamed; ++i)
    text += (i > 0 ? ", " : "") + name_of(*tasks[i]);
  if (tasks.size() > kTasksNamed) text += fmt::format(" and {} more", tasks.size() - kTasksNamed);
  return text;
}

std::string words_of(const Settled& settled) {
  std::string text = settled.kind().empty() ? "an outcome without a kind" : settled.kind();
  if (settled.kind() == "value") {
    const auto value = settled.outcome.value("value", nlohmann::json());
    using Replace = nlohmann::json::error_handler_t;
    text += " " + shortened(value.dump(-1, ' ', false, Replace::replace), kNativeTextBytes);
  }
  if (const auto cause = settled.text("cause"); !cause.empty()) text += ", cause " + cause;
  if (const auto pid = settled.blamed_pid()) text += fmt::format(", blaming process {}", *pid);
  if (settled.outcome.is_object() && settled.outcome.contains("native")) {
    const Settled native{0, settled.outcome.at("native")};
    text += fmt::format(", {}: {}", native.text("type"),
                        shortened(native.text("text"), kNativeTextBytes));
  }
  return text;
}

std::string shortened(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  std::size_t cut = most_bytes;  // not inside a character
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
  return fmt::format("{}... ({} bytes)", text.substr(0, cut), text.size());
}

}  // namespace poolproof::conformance::judging
