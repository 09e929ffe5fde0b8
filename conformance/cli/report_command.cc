#include "conformance/cli/report_command.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <system_error>

#include "conformance/judge/oracle.h"
#include "conformance/record/record.h"
#include "reports/html.h"
#include "reports/junit.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;
using conformance::Observation;

// Writes the whole file or nothing: a reader never sees half a page, and the old one stays until
// the new one is complete.
void write_whole(const fs::path& file, const std::string& text) {
  const fs::path half = file.string() + ".half";
  std::ofstream out(half, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) {
    const std::error_code why(errno, std::generic_category());
    std::error_code ignored;
    fs::remove(half, ignored);
    throw fs::filesystem_error("cannot write the report (name another folder with --out)", file,
                               why);
  }
  fs::rename(half, file);
}

// Reads and judges a record at once, and keeps only what the reports show.
reports::Judged judged(const fs::path& file) {
  reports::Judged record;
  std::set<std::string> points;                // runs of a sweep
  std::map<std::string, std::size_t> stories;  // kept so far, by run
  conformance::RecordJudge judge;
  judge.judged = [&](const conformance::AttemptVerdict& verdict, std::vector<Observation> lines) {
    const std::string& run = lines.front().run;
    const bool in_full = reports::has_story(verdict, points.count(run) > 0) &&
                         ++stories[run] <= reports::kStoriesOfACell;
    for (Observation& line : lines)
      if (in_full || line.kind == "plan") record.observations.push_back(std::move(line));
  };
  record.cut_off = conformance::for_each_line(file, [&](Observation line) {
    record.took_ns = line.t_ns;
    if (line.attempt != 0) return judge.take(std::move(line));
    if (line.kind == "cell" && line.fields.contains("workload")) points.insert(line.run);
    record.observations.push_back(line);
    judge.take(std::move(line));
  });
  record.cells = judge.finish();
  return record;
}

void write_both(const std::vector<fs::path>& events, const fs::path& out, scenarios::Level level,
                const reports::Look& look) {
  std::vector<reports::Judged> records;
  for (const fs::path& file : events) records.push_back(judged(file));
  fs::create_directories(out);
  write_whole(out / "junit.xml", reports::junit(records, level, look));
  write_whole(out / "report.html", reports::html(records, look));
}

void tell(const fs::path& out) {
  std::cout << "Report: " << (out / "report.html").string()
            << "  (open it in a browser)\nJUnit:  " << (out / "junit.xml").string() << "\n";
}

}  // namespace

const CLI::App* add_report(CLI::App& app, ReportArguments& arguments) {
  CLI::App* report =
      app.add_subcommand("report", "Make report.html and junit.xml of recorded runs");
  report
      ->add_option("events", arguments.events,
                   "Records (events.ndjson); several make one page, side by side")
      ->required();
  report->add_option("--out", arguments.out, "Folder for both files (default: the first record's)");
  report->add_option("--level", arguments.level,
                     "What fails in junit.xml: must, should or informs");
  return report;
}

int write_reports(const ReportArguments& arguments, const reports::Look& look) {
  const auto level = scenarios::parse_level(arguments.level);
  if (!level)
    throw UsageError("there is no level `" + arguments.level + "`; it is must, should or informs");
  for (const fs::path& file : arguments.events)
    if (!fs::is_regular_file(file))
      throw UsageError("there is no file `" + file.string() +
                       "`; `poolproof check --out DIR` writes DIR/events.ndjson");
  const fs::path beside = arguments.events.front().parent_path();
  const fs::path out = !arguments.out.empty() ? arguments.out : beside.empty() ? "." : beside;
  write_both(arguments.events, out, *level, look);
  tell(out);
  return 0;
}

int leave_reports(int status, const fs::path& out, scenarios::Level level,
                  const reports::Look& look, bool say) {
  const fs::path record = out / "events.ndjson";
  if (say) std::cout << "Record: " << record.string() << "\n";
  try {
    write_both({record}, out, level, look);
  } catch (const std::exception& error) {
    std::cerr << "poolproof: " << error.what() << "\n";
    return status == 0 ? kInconclusive : status;
  }
  if (say) tell(out);
  return status;
}

}  // namespace poolproof::cli
