#include "conformance/cli/adapter_test.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/cli/adapter_trials.h"
#include "conformance/cli/choose.h"
#include "conformance/cli/home.h"
#include "conformance/cli/watch.h"
#include "reports/text.h"

namespace poolproof::cli {
namespace {

using nlohmann::json;

std::string one_line(const std::string& text) {
  std::string safe = reports::escaped(text);
  std::replace_if(
      safe.begin(), safe.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return safe;
}

int exit_of(const Tested& tested) {
  if (!tested.unavailable.empty()) return kInconclusive;
  return tested.findings.all().empty() ? 0 : 1;
}

void print(const Tested& tested) {
  for (const Finding& finding : tested.findings.all())
    std::cout << one_line("\u2717 " + finding.where + ": " + finding.what +
                          "; instead: " + finding.instead)
              << "\n";
  if (!tested.unavailable.empty()) {
    std::cout << one_line("? the adapter says that its pool cannot be driven here: " +
                          tested.unavailable)
              << "\n";
    return;
  }
  const std::size_t count = tested.findings.all().size();
  const std::string tried = std::to_string(tested.messages) + " messages in " +
                            std::to_string(tested.conversations) + " conversations";
  if (count == 0) {
    std::cout << one_line("\u2713 the adapter of " + tested.hello.value("pool", "?") + " " +
                          tested.hello.value("version", "?") + " speaks the protocol: " + tried +
                          ", nothing is wrong")
              << "\n";
  } else {
    std::cout << count << (count == 1 ? " finding" : " findings") << " (" << tried
              << "); the rules are in conformance/protocol/protocol.md\n";
  }
}

}  // namespace

int adapter_test(const Common& common, const std::vector<std::string>& command) {
  if (command.empty())
    throw UsageError(
        "the command that starts the adapter is missing; as in `poolproof adapter "
        "test ./my_adapter`");
  demand_program(command);
  try {
    const Tested tested =
        test_adapter({command, find_home().programs / "poolproof_cage", stop_descriptor()});
    const int status = exit_of(tested);
    if (!common.json) {
      print(tested);
      return status;
    }
    json findings = json::array();
    for (const Finding& finding : tested.findings.all())
      findings.push_back(
          {{"where", finding.where}, {"what", finding.what}, {"instead", finding.instead}});
    print_json({{"hello", tested.hello},
                {"findings", findings},
                {"unavailable", tested.unavailable},
                {"exit", status}});
    return status;
  } catch (const Interrupted&) {
    std::cout << "Interrupted.\n";
    return kInterrupted;
  }
}

}  // namespace poolproof::cli
