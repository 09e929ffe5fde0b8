#include "conformance/run/versions.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

namespace poolproof::conformance {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestAnswer = 1 << 20;  // bytes
constexpr std::size_t kLongestVersion = 64;      // characters
constexpr std::size_t kShown = 200;              // characters shown of an invalid answer

struct Ended {
  std::string said;
  std::string how;  // empty: exit status 0
};

std::string all_from(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    if (text.size() < kLongestAnswer) text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

std::string ending(int status) {
  if (WIFSIGNALED(status)) return std::string("was ended by ") + ::strsignal(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0)
    return "ended with exit status " + std::to_string(WEXITSTATUS(status));
  return "";
}

// stdin is /dev/null, stdout a pipe, stderr our own.
Ended call(const std::vector<std::string>& argv) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {"", std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  const int refused = ::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  Ended ended;
  if (refused == 0) {
    ended.said = all_from(pipe[0]);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    ended.how = ending(status);
  } else {
    ended.how = std::string("cannot be started: ") + std::strerror(refused);
  }
  ::close(pipe[0]);
  return ended;
}

bool is_argv(const json& value) {
  if (!value.is_array() || value.empty()) return false;
  for (const json& word : value)
    if (!word.is_string()) return false;
  return true;
}

}  // namespace

VersionedName split_version(const std::string& text) {
  const std::size_t at = text.find('@');
  if (at == std::string::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool is_version(const std::string& text) {
  if (text.empty() || text.size() > kLongestVersion) return false;
  if (std::isalnum(static_cast<unsigned char>(text.front())) == 0) return false;
  for (const char letter : text)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 &&
        std::strchr("._+-!", letter) == nullptr)
      return false;
  return true;
}

Pool in_version(const Pool& pool, const std::string& version) {
  Pool one = pool;
  one.name = pool.name + "@" + version;
  one.command.clear();
  one.install.clear();  // it says how to get the installed version, not this one
  std::vector<std::string> argv = pool.versions;
  argv.push_back(version);
  const Ended ended = call(argv);
  const std::string who =
      "the program that makes versions of `" + pool.name + "` (" + argv[0] + ") ";
  if (!ended.how.empty()) {
    one.error = who + ended.how;
    return one;
  }
  const json answer = json::parse(ended.said, nullptr, false);
  if (answer.is_object() && answer.contains("unavailable") && answer["unavailable"].is_string()) {
    one.unavailable = answer["unavailable"];
  } else if (answer.is_object() && answer.contains("command") && is_argv(answer["command"])) {
    one.command = answer["command"].get<std::vector<std::string>>();
  } else {
    one.error = who + "printed neither {\"command\": [...]} nor {\"unavailable\": \"...\"} but `" +
                ended.said.substr(0, kShown) + "`";
  }
  return one;
}

}  // namespace poolproof::conformance
