// Stacks of a process, by tools that may be installed: py-spy for Python, eu-stack for the rest.
// They stop the process for a moment, so they come after the proof, never before.
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

// At most one stack for each process and tool; what is not told within `limit` in all is left out,
// and its `problem` says so. Without any tool: nothing.
std::vector<Stack> stacks_of(const std::vector<pid_t>& processes, std::chrono::milliseconds limit);

}  // namespace poolproof::cli
