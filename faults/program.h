// Starts another program, by Boost.Process. Its header stays out of this one, because it takes
// seconds to compile.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace poolproof::faults {

struct ProgramDescriptor {
  int ours = -1;
  int its = -1;  // the number that the program gets; not the `ours` of another one
};

struct Program {
  std::vector<std::string> argv;  // argv[0]: a file, or without a slash a name to find in PATH
  // What the program gets besides our 0 to 2, which these may replace: it gets no others. The
  // numbers of `its` above 2 are 3, 4 and so on, without a gap.
  std::vector<ProgramDescriptor> descriptors = {};
};

struct StartedProgram {
  pid_t pid = 0;  // the caller must wait for it
  int error = 0;  // an errno, and then nothing runs and nothing is left to wait for
};

// Uses vfork: a fork would copy the page tables of a harness that keeps a record.
StartedProgram start_program(const Program& program);

struct RunOptions {
  bool captures_stderr = false;  // in the order of writing; otherwise the program has our stderr
  std::size_t most_bytes = std::size_t{1} << 20;  // of output; the rest is read and dropped
  // With a limit the program leads a group of its own, which is killed when the time is over, and
  // when our thread ends. Without one it stays in our group, so that Ctrl-C reaches it, too.
  std::optional<std::chrono::milliseconds> limit = std::nullopt;
};

struct RunOutcome {
  std::string output;
  // Empty: it ended with exit status 0. Otherwise words that follow "it" or its name: "ended with
  // exit status 3", "was ended by: Killed", "cannot be started: ...", "took too long".
  std::string problem;
};

// Runs a program until it has ended and its output is closed. Its stdin is /dev/null.
RunOutcome run_program(const std::vector<std::string>& argv, const RunOptions& options = {});

// The file that a name without a slash means in PATH; empty: there is none.
std::string find_program(const std::string& name);

}  // namespace poolproof::faults
