#include "conformance/cli/diagnose_command.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "conformance/cli/commands.h"
#include "conformance/cli/stacks.h"
#include "conformance/observe/examine.h"
#include "conformance/observe/graph.h"

namespace poolproof::cli {
namespace {

// They come after the proof, and are printed as they come.
constexpr std::chrono::milliseconds kForStacks{2000};

hang::ClosedWorld world_of(const DiagnoseArguments& arguments) {
  hang::ClosedWorld world;
  world.no_alarms = arguments.no_alarms;
  for (const std::string& word : arguments.silent) {
    int fd = -1;
    const char* const end = word.data() + word.size();
    if (!word.starts_with("fd:") || std::from_chars(word.data() + 3, end, fd).ptr != end || fd < 0)
      throw UsageError("--silent takes a descriptor of PID, as fd:0, and not `" + word + "`");
    const std::string object = hang::object_behind(arguments.pid, fd);
    if (object.empty())
      throw UsageError("process " + std::to_string(arguments.pid) + " has no descriptor " +
                       std::to_string(fd) + ", or it is not ours to look at; `ls -l /proc/" +
                       std::to_string(arguments.pid) + "/fd` lists them");
    world.silent_objects.insert(object);
  }
  return world;
}

int exit_status(hang::Verdict verdict) {
  switch (verdict) {
    case hang::Verdict::hung:
      return 1;
    case hang::Verdict::quiet:
    case hang::Verdict::busy:
      return 0;
    case hang::Verdict::undecided:
      return kInconclusive;
  }
  return kInconclusive;
}

std::vector<pid_t> living(const hang::Look& look) {
  std::vector<pid_t> pids;
  for (const hang::ProcessLook& process : look.processes)
    if (!process.dead) pids.push_back(process.pid);
  return pids;
}

void print_json(const hang::Examination& seen, const std::vector<Stack>& stacks) {
  nlohmann::json answer = hang::graph_json(seen.look, seen.proof);
  answer["took_ms"] = std::chrono::duration<double, std::milli>(seen.took).count();
  answer["exit"] = exit_status(seen.proof.verdict);
  answer["stacks"] = nlohmann::json::array();
  for (const Stack& stack : stacks)
    answer["stacks"].push_back({{"pid", stack.pid},
                                {"tool", stack.tool},
                                {"text", stack.text},
                                {"problem", stack.problem}});
  // A program may have any name, also one that is not UTF-8.
  std::cout << answer.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

void print_text(const std::vector<Stack>& stacks) {
  for (const Stack& stack : stacks) {
    std::cout << "\nprocess " << stack.pid << ", by " << stack.tool << ":\n" << stack.text;
    if (!stack.problem.empty()) std::cout << "(" << stack.problem << ")\n";
  }
}

}  // namespace

const CLI::App* add_diagnose(CLI::App& app, DiagnoseArguments& arguments) {
  CLI::App* command = app.add_subcommand(
      "diagnose", "Prove that a process tree hangs, or say what it waits for: who waits for whom");
  command->add_option("pid", arguments.pid, "The process at the top of the tree")->required();
  command->add_option("--silent", arguments.silent,
                      "fd:N: nobody outside of the tree will use this descriptor of PID any more");
  command->add_flag("--no-alarms", arguments.no_alarms,
                    "The tree has armed neither alarm() nor setitimer(): root can see that, and "
                    "others can only promise it");
  command->add_flag("--no-stacks", arguments.no_stacks,
                    "Do not call py-spy or eu-stack, which stop each process for a moment");
  command->add_flag("--json", arguments.json, "Print JSON for machines instead of text");
  command->footer("Exit status: 1 hung; 0 nothing is stuck (busy or quiet); 3 undecided; 2 usage.");
  return command;
}

int diagnose(const DiagnoseArguments& arguments) {
  const hang::Examination seen = hang::examine(arguments.pid, world_of(arguments));
  if (seen.look.processes.empty())
    throw UsageError("there is no process " + std::to_string(arguments.pid) +
                     "; `ps` lists those there are");
  if (!arguments.json) std::cout << hang::graph_text(seen.look, seen.proof) << std::flush;
  std::vector<Stack> stacks;
  if (!arguments.no_stacks) stacks = stacks_of(living(seen.look), kForStacks);
  if (arguments.json)
    print_json(seen, stacks);
  else
    print_text(stacks);
  return exit_status(seen.proof.verdict);
}

}  // namespace poolproof::cli
