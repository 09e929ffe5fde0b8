#include "faults/program.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/process/v2/posix/vfork_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;
using Launcher = process::posix::vfork_launcher;
using process::error_code;

constexpr int kFirstFree = 3;  // after stdin, stdout and stderr

error_code last_error() { return {errno, boost::system::system_category()}; }

// Until its exec the child of a vfork uses our memory, so that a handler of ours would run twice.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  // In the child: it has no handlers anymore, and the caller's mask.
  void restore_in_child() const {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) != 0) continue;
      if (action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL) continue;
      action.sa_handler = SIG_DFL;
      ::sigaction(number, &action, nullptr);
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_;
};

// What happens between vfork and exec. Boost's own posix::bind_fd returns nothing from a function
// that must return a value (1.81), so it cannot be used.
class Setup {
 public:
  Setup(const std::vector<ProgramDescriptor>& descriptors, bool own_group)
      : descriptors_(descriptors), own_group_(own_group) {}

  template <typename... Rest>
  error_code on_setup(process::posix::default_launcher& launcher, Rest&&...) const {
    for (const ProgramDescriptor& one : descriptors_)
      if (one.its >= kFirstFree) launcher.fd_whitelist.push_back(one.its);
    return {};
  }

  template <typename... Rest>
  error_code on_exec_setup(Rest&&...) const {
    for (const ProgramDescriptor& one : descriptors_)
      if (::dup2(one.ours, one.its) < 0) return last_error();
    if (own_group_ && (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0))
      return last_error();
    signals_.restore_in_child();
    return {};
  }

  // The launcher would call exit next, which runs the destructors of our own program.
  template <typename... Rest>
  void on_exec_error(Rest&&...) const {
    ::_exit(127);
  }

 private:
  const std::vector<ProgramDescriptor>& descriptors_;
  bool own_group_;
  BlockedSignals signals_;
};

// There must be no descriptor in the context yet: the launcher tells it in the child that it was
// forked, and it would close ours.
process::process launch(asio::io_context& context, const Program& program, bool own_group,
                        error_code& error) {
  std::string file = program.argv.at(0);
  if (file.find('/') == std::string::npos) file = find_program(file);
  std::vector<const char*> words;
  for (const std::string& word : program.argv) words.push_back(word.c_str());
  words.push_back(nullptr);
  Launcher launcher;
  pid_t lost = 0;
  try {
    process::process started = launcher(context.get_executor(), error, file, words.data(),
                                        Setup(program.descriptors, own_group));
    if (!error) return started;
    lost = launcher.pid;  // the launcher forgets a child that did not reach its program
  } catch (const boost::system::system_error& refused) {  // no descriptor is left for its handle
    error = refused.code();
    lost = launcher.pid;
    if (lost > 0) ::kill(lost, SIGKILL);
  }
  while (lost > 0 && ::waitpid(lost, nullptr, 0) < 0 && errno == EINTR) {
  }
  return process::process(context);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return std::string("was ended by: ") + ::strsignal(WTERMSIG(status));
  if (WEXITSTATUS(status) == 0) return "";
  return "ended with exit status " + std::to_string(WEXITSTATUS(status));
}

// All that comes through a pipe, as long as the context runs.
struct Reading {
  asio::readable_pipe from;
  std::size_t most;
  std::string text = {};
  std::array<char, 4096> part = {};

  void go_on() {
    from.async_read_some(asio::buffer(part), [this](error_code error, std::size_t size) {
      if (error) return;
      text.append(part.data(), std::min(size, most - text.size()));
      go_on();
    });
  }
};

}  // namespace

StartedProgram start_program(const Program& program) {
  asio::io_context context;
  error_code error;
  process::process child = launch(context, program, false, error);
  if (error) return {0, error.value()};
  const pid_t pid = child.id();
  child.detach();
  return {pid, 0};
}

RunOutcome run_program(const std::vector<std::string>& argv, const RunOptions& options) {
  const std::string refused = "cannot be started: ";
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {"", refused + last_error().message()};
  Fd read_end(ends[0]), write_end(ends[1]);
  const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Program program{argv, {{nothing.get(), STDIN_FILENO}, {write_end.get(), STDOUT_FILENO}}};
  if (options.captures_stderr) program.descriptors.push_back({write_end.get(), STDERR_FILENO});

  asio::io_context context;
  error_code error;
  process::process child = launch(context, program, options.limit.has_value(), error);
  if (error) return {"", refused + error.message()};
  write_end.reset();
  Reading output{asio::readable_pipe(context, read_end.release()), options.most_bytes};
  output.go_on();
  // Not the process's own async_wait, which reaps: its group could not be killed safely after that.
  asio::posix::stream_descriptor end(context,
                                     static_cast<int>(::syscall(SYS_pidfd_open, child.id(), 0)));
  end.async_wait(asio::posix::stream_descriptor::wait_read, [](error_code) {});
  if (options.limit)
    context.run_for(*options.limit);
  else
    context.run();
  const bool in_time = context.stopped();
  if (!in_time) ::kill(-child.id(), SIGKILL);
  child.wait(error);
  return {output.text, in_time ? how_it_ended(child.native_exit_code()) : "took too long"};
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = folder + "/" + name; ::access(file.c_str(), X_OK) == 0)
      return file;
  return "";
}

}  // namespace poolproof::faults
