// Stacks of a process, by tools that may be installed: py-spy for Python, eu-stack for others. The
// tools stop the process for a moment. So they run after the proof, never before it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace poolproof::cli {

struct Stack {
  pid_t pid = 0;
  std::string tool;
  std::string text;     // as the tool printed it, without control characters
  std::string problem;  // why there is none: no such tool, it failed, it took too long
};

// At most one stack for each process and tool. A stack that does not come within the total `limit`
// is left out, and its `problem` says so. Without any tool: empty.
std::vector<Stack> stacks_of(const std::vector<pid_t>& processes, std::chrono::milliseconds limit);

}  // namespace poolproof::cli
