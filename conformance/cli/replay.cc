#include "conformance/cli/replay.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "conformance/cli/home.h"
#include "conformance/cli/watch.h"
#include "conformance/run/replay.h"
#include "reports/json.h"

namespace poolproof::cli {
namespace {

namespace fs = std::filesystem;
using conformance::CellVerdict;
using conformance::Recorded;
using conformance::Replayed;
using conformance::Weight;

struct Asked {
  fs::path events;
  std::string run;
};

Asked asked_in(const ReplayArguments& arguments) {
  Asked asked{arguments.out / "events.ndjson", arguments.words.back()};
  if (arguments.words.size() == 2) asked.events = arguments.words.front();
  if (fs::is_directory(asked.events)) asked.events /= "events.ndjson";
  if (arguments.words.size() == 1 && fs::exists(asked.run))
    throw UsageError("which run of `" + asked.run + "`? name it after the file, as POOL:SCENARIO");
  if (asked.run.find(':') == std::string::npos)
    throw UsageError("`" + asked.run +
                     "` is no run; it is POOL:SCENARIO, as reference:death/killed_while_running");
  if (!fs::is_regular_file(asked.events))
    throw UsageError("there is no record `" + asked.events.string() +
                     "`; name one before the run, or its folder with --out");
  return asked;
}

Recorded recorded_in(const Asked& asked) {
  try {
    return conformance::find_recorded(conformance::read_record(asked.events), asked.run);
  } catch (const conformance::ReplayError& error) {
    throw UsageError(asked.events.string() + ": " + error.what());
  }
}

// "hang-quiet in 2 attempts, pass in 1"
std::string counted(const CellVerdict& cell) {
  std::map<std::string, int> counts;
  for (const auto& attempt : cell.attempts) ++counts[conformance::to_string(attempt.status)];
  std::string text;
  for (const auto& [status, count] : counts)
    text += (text.empty() ? "" : ", ") + status + " in " + std::to_string(count) +
            (count == 1 ? " attempt" : " attempts");
  return text;
}

int exit_of(const Replayed& replayed) {
  if (replayed.interrupted) return kInterrupted;
  if (replayed.same) return 0;
  return weight_of(replayed.verdict.status) == Weight::kInconclusive ? kInconclusive : 1;
}

void print(const Recorded& recorded, const Replayed& replayed, const reports::Look& look) {
  const std::string was = conformance::to_string(recorded.verdict.status);
  if (!replayed.pool_version.empty() && replayed.pool_version != recorded.plan.pool.version)
    std::cout << reports::escaped("The record is of version " + recorded.plan.pool.version +
                                  " of the pool; today it is " + replayed.pool_version + ".\n");
  if (replayed.interrupted) {
    std::cout << "Interrupted.\n";
    return;
  }
  if (replayed.same) {
    std::cout << "The same verdict as recorded: " << counted(replayed.verdict) << ".\n";
  } else {
    std::cout << reports::surprise(replayed.verdict, look) << "Another verdict: recorded is " << was
              << ", and now " << counted(replayed.verdict) << ".\n";
  }
}

}  // namespace

int replay(const Common& common, const ReplayArguments& arguments) {
  const Asked asked = asked_in(arguments);
  const Recorded recorded = recorded_in(asked);
  const fs::path out = arguments.out / "replay";
  demand_folder(out);
  if (fs::exists(out / "events.ndjson") && fs::equivalent(asked.events, out / "events.ndjson"))
    throw UsageError("the replay would overwrite the record that it repeats; choose another --out");
  const conformance::SessionOptions options = {
      .repeat = arguments.repeat,
      .out = out,
      .cage_program = find_home().programs / "poolproof_cage",
      .argv = arguments.argv,
      .stop_fd = stop_descriptor()};
  Progress progress(common);
  conformance::CheckHooks hooks;
  hooks.begins = [&](int, int, const std::string& pool, const std::string& scenario, int attempt) {
    progress.begins(attempt - 1, arguments.repeat, pool, scenario, attempt);
  };
  Replayed replayed;
  try {
    replayed = conformance::replay(recorded, options, hooks);
  } catch (const conformance::ReplayError& error) {
    progress.clear();
    std::cerr << "poolproof: " << reports::escaped(error.what()) << "\n";
    return kInconclusive;
  }
  progress.clear();
  const int status = exit_of(replayed);
  if (common.json) {
    const auto cells = [](const CellVerdict& cell) {
      return cell.pool.empty() ? nlohmann::json() : reports::to_json({cell}).at(0);
    };
    print_json({{"recorded", cells(recorded.verdict)},
                {"replayed", cells(replayed.verdict)},
                {"same", replayed.same},
                {"interrupted", replayed.interrupted},
                {"exit", status}});
    return status;
  }
  print(recorded, replayed, look_of(STDOUT_FILENO, common));
  std::cout << "Record: " << (out / "events.ndjson").string() << "\n";
  return status;
}

}  // namespace poolproof::cli
