#include "conformance/cli/stacks.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace poolproof::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostBytes = std::size_t{256} << 10;  // of one tool's output

std::string find_tool(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = folder + "/" + name; ::access(file.c_str(), X_OK) == 0)
      return file;
  return "";
}

void make_plain(std::string& text) {
  std::erase_if(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  });
}

// Reads until the end of the tool's output; false: it did not come in time.
bool drain(int fd, Clock::time_point limit, std::string& text) {
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(limit - Clock::now()).count();
    pollfd entry{fd, POLLIN, 0};
    const int count = ::poll(&entry, 1, static_cast<int>(std::max<long>(left, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    std::array<char, 4096> part;
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got <= 0) return got == 0;
    if (text.size() < kMostBytes) text.append(part.data(), static_cast<std::size_t>(got));
  }
}

Stack run_tool(pid_t pid, const std::string& tool, std::vector<std::string> words,
               Clock::time_point limit) {
  Stack stack{pid, tool, "", ""};
  std::array<int, 2> out{};
  if (::pipe2(out.data(), O_CLOEXEC) != 0) {
    stack.problem = std::strerror(errno);
    return stack;
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int failed = ::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  if (failed != 0) {
    ::close(out[0]);
    stack.problem = std::strerror(failed);
    return stack;
  }
  const bool in_time = drain(out[0], limit, stack.text);
  ::close(out[0]);
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  make_plain(stack.text);
  if (!in_time)
    stack.problem = "it took too long";
  else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    stack.problem = "it failed";
  return stack;
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
  const std::string python = find_tool("py-spy"), native = find_tool("eu-stack");
  const auto end = Clock::now() + limit;
  std::vector<Stack> stacks;
  for (const pid_t pid : processes) {
    const std::string number = std::to_string(pid);
    for (const bool wants_python : {true, false}) {
      const std::string& tool = wants_python ? python : native;
      if (tool.empty() || (wants_python && !is_python(pid))) continue;
      const std::string name = wants_python ? "py-spy" : "eu-stack";
      if (Clock::now() >= end) {
        stacks.push_back({pid, name, "", "there was no time left for it"});
        continue;
      }
      std::vector<std::string> words{tool, "dump", "--pid", number};
      if (!wants_python) words = {tool, "-p", number};
      stacks.push_back(run_tool(pid, name, std::move(words), end));
    }
  }
  return stacks;
}

}  // namespace poolproof::cli
