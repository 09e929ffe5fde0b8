// `poolproof diagnose PID`: can anything in this process tree ever continue, and which process
// waits for which?
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace poolproof::cli {

struct DiagnoseArguments {
  int pid = 0;
  std::vector<std::string> silent;  // "fd:N": no process outside will use that descriptor of PID
  bool no_alarms = false;           // the tree has set no alarm() and no setitimer()
  bool json = false;
  bool no_stacks = false;
};

const CLI::App* add_diagnose(CLI::App& app, DiagnoseArguments& arguments);

// Prints the graph, then stacks if a tool for them is installed. Exit status: 1 hung; 3 undecided;
// 0 nothing is stuck. Throws UsageError.
int diagnose(const DiagnoseArguments& arguments);

}  // namespace poolproof::cli
