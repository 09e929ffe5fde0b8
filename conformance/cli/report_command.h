// `poolproof report`, and the reports that `check` writes beside its record.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/cli/commands.h"
#include "reports/console.h"
#include "scenarios/plan.h"

namespace CLI {
class App;
}

namespace poolproof::cli {

struct ReportArguments {
  std::vector<std::filesystem::path> events;  // all on one page
  std::filesystem::path out;                  // empty: beside the first record
  std::string level = "must";                 // what counts as failing in junit.xml
};

const CLI::App* add_report(CLI::App& app, ReportArguments& arguments);

int report(const Common& common, const ReportArguments& arguments);

// Writes report.html and junit.xml for these records, which are read and judged. Throws UsageError,
// conformance::RecordError, std::filesystem::filesystem_error.
int write_reports(const ReportArguments& arguments, const reports::Look& look);

// The end of `check`: writes both files beside out/events.ndjson, and prints where they are if
// `say`. Returns the command's exit status: `status`, but not 0 if the reports could not be
// written. The verdicts have been printed before that, so they are not lost.
int leave_reports(int status, const std::filesystem::path& out, scenarios::Level level,
                  const reports::Look& look, bool say);

}  // namespace poolproof::cli
