#include <signal.h>
#include <sys/wait.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <cstdio>
#include <cstdlib>

#include "executor/tests/program.h"

namespace poolproof::testing_support {
namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;

void require(bool held, const char* what) {
  if (held) return;
  std::perror(what);
  std::abort();
}

std::vector<const char*> argv_of(const char* name, const std::vector<std::string>& args) {
  std::vector<const char*> words = {name};
  for (const std::string& word : args) words.push_back(word.c_str());
  words.push_back(nullptr);
  return words;
}

}  // namespace

struct Program::Running {
  Running(const std::string& path, std::vector<const char*> argv)
      : child(context, path, argv.data(), process::process_stdio{{}, out, {}}) {}

  asio::io_context context;
  asio::readable_pipe out{context};
  process::process child;  // kills and reaps it if it still runs
};

Program::Program(const std::string& path, const std::vector<std::string>& args, const char* name)
    : running_(new Running(path, argv_of(name != nullptr ? name : path.c_str(), args))) {}

Program::~Program() = default;

int Program::pid() const { return running_->child.id(); }

void Program::signal(int number) { require(::kill(pid(), number) == 0, "kill"); }

void Program::await_stop() {
  int status = 0;
  require(waitpid(pid(), &status, WUNTRACED) == pid() && WIFSTOPPED(status), "stop");
}

std::string Program::output() {
  std::string all;
  boost::system::error_code end;
  asio::read(running_->out, asio::dynamic_buffer(all), end);
  require(end == asio::error::eof, "read");
  running_->child.wait();
  status_ = running_->child.native_exit_code();
  return all;
}

}  // namespace poolproof::testing_support
