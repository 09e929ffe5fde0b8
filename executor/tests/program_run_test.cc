#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "executor/tests/program.h"

namespace poolproof::testing_support {
namespace {

void require(bool held, const char* what) {
  if (held) return;
  std::perror(what);
  std::abort();
}

}  // namespace

Program::Program(const std::string& path, const std::vector<std::string>& args, const char* name) {
  int ends[2];
  require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<std::string> words = {name != nullptr ? name : path};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  require(posix_spawn(&pid_, path.c_str(), &actions, nullptr, argv.data(), environ) == 0, "spawn");
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  out_ = ends[0];
}

Program::~Program() {
  if (status_ == -1) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
  }
  close(out_);
}

void Program::signal(int number) { require(::kill(pid_, number) == 0, "kill"); }

void Program::await_stop() {
  int status = 0;
  require(waitpid(pid_, &status, WUNTRACED) == pid_ && WIFSTOPPED(status), "stop");
}

std::string Program::output() {
  std::string all;
  char part[4096];
  for (ssize_t size = 0; (size = read(out_, part, sizeof(part))) > 0;) {
    all.append(part, static_cast<std::size_t>(size));
  }
  require(waitpid(pid_, &status_, 0) == pid_, "waitpid");
  return all;
}

}  // namespace poolproof::testing_support
