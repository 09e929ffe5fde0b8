#include "conformance/cli/stacks.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "faults/program.h"

namespace poolproof::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostBytes = std::size_t{256} << 10;  // of one tool's output

void make_plain(std::string& text) {
  std::erase_if(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  });
}

bool is_python(pid_t pid) {
  std::array<char, 4096> target;
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  const std::string file(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return file.substr(file.rfind('/') + 1).starts_with("python");
}

}  // namespace

std::vector<Stack> stacks_of(const std::vector<pid_t>& processes, milliseconds limit) {
  const std::string python = faults::find_program("py-spy"),
                    native = faults::find_program("eu-stack");
  const auto end = Clock::now() + limit;
  std::vector<Stack> stacks;
  for (const pid_t pid : processes) {
    const std::string number = std::to_string(pid);
    for (const bool wants_python : {true, false}) {
      const std::string& tool = wants_python ? python : native;
      if (tool.empty() || (wants_python && !is_python(pid))) continue;
      const std::string name = wants_python ? "py-spy" : "eu-stack";
      const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
      if (left <= milliseconds(0)) {
        stacks.push_back({pid, name, "", "there was no time left for it"});
        continue;
      }
      std::vector<std::string> words{tool, "dump", "--pid", number};
      if (!wants_python) words = {tool, "-p", number};
      faults::RunOutcome run = faults::run_program(
          words, {.captures_stderr = true, .most_bytes = kMostBytes, .limit = left});
      make_plain(run.output);
      stacks.push_back(
          {pid, name, std::move(run.output), run.problem.empty() ? "" : "it " + run.problem});
    }
  }
  return stacks;
}

}  // namespace poolproof::cli
