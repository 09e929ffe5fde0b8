// A program with an executor of one worker, which terminal_test.py starts in a terminal.
//
//   poolproof_terminal_program FOLDER WORD...
//
// FOLDER has FIFOs that the test has made. Each step of the program and of its tasks is a line in
// `reports`, so that the test waits for steps and not for time. Tasks wait until the test opens
// `gate`. The words choose what the program does about signals and what its tasks do: read_words().
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "poolproof/executor.h"

namespace {

using namespace poolproof;
using namespace std::chrono_literals;

// Of a task that the test lets pass while we are stopped.
constexpr std::chrono::seconds kLimit = 5s;
constexpr int kStarts = 60;  // workers that start while the test presses keys

const std::map<std::string, int> kSignals = {
    {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"HUP", SIGHUP},  {"TSTP", SIGTSTP},
    {"TERM", SIGTERM}, {"PIPE", SIGPIPE}, {"TTOU", SIGTTOU}};

// --- what program and tasks report to the test ---

void report(const std::string& folder, const std::string& text) {
  const int fd = open((folder + "/reports").c_str(), O_WRONLY | O_CLOEXEC);
  const std::string line = text + "\n";  // one write, so that lines are not mixed
  if (fd < 0 || write(fd, line.data(), line.size()) < 0) std::abort();
  close(fd);
}

std::string own_pid() { return std::to_string(getpid()); }

void wait_at(const std::string& folder, const char* gate) {
  close(open((folder + "/" + gate).c_str(), O_RDONLY | O_CLOEXEC));
}

// The program's; a handler may use it. In a worker it is closed, unless a handler of the program
// runs between clone and exec.
int reports_of_program = -1;

void handle(int signal) {
  char line[64];
  // The test compares the pid: no other process may run this.
  const int size = std::snprintf(line, sizeof(line), "handled %d %d\n", signal, getpid());
  if (write(reports_of_program, line, static_cast<std::size_t>(size)) < 0) _exit(99);
}

void set_handler(int signal) {
  struct sigaction action {};
  action.sa_handler = &handle;
  sigaction(signal, &action, nullptr);
}

// --- what happens before main ---

// A program may set its handlers in a static constructor, which also runs in workers.
const bool handler_set_early = [] {
  const char* name = std::getenv("TERMINAL_EARLY_HANDLER");
  if (name != nullptr) set_handler(kSignals.at(name));
  return name != nullptr;
}();

// Only workers have this variable, by ExecutorOptions::env.
const bool started_slowly = [] {
  const char* folder = std::getenv("TERMINAL_SLOW_START");
  if (folder == nullptr) return false;
  report(folder, "starting " + own_pid());
  wait_at(folder, "start");
  return true;
}();

// --- the tasks ---

void begin(const std::string& folder, const std::string& name) {
  report(folder, "began " + name + " " + own_pid());
  std::printf("%s began\n", name.c_str());
  std::fflush(stdout);
}

// Reports whether stdout takes what is printed.
int end(const std::string& folder, const std::string& name) {
  wait_at(folder, "gate");
  std::clearerr(stdout);
  errno = 0;
  const bool printed = std::printf("%s ended\n", name.c_str()) > 0 && std::fflush(stdout) == 0;
  report(folder, "printed " + name + " " + (printed ? "all" : strerrorname_np(errno)));
  return 0;
}

int wait(const std::string& folder, const std::string& name) {
  begin(folder, name);
  return end(folder, name);
}

int write_to_closed_pipe(const std::string& folder, const std::string& name) {
  wait(folder, name);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  close(ends[0]);
  const bool written = write(ends[1], "x", 1) == 1;
  report(folder, "wrote " + std::string(written ? "all" : strerrorname_np(errno)));
  return 0;
}

int read_from(const std::string& folder, const std::string& name, const std::string& path) {
  begin(folder, name);
  const int fd = path == "stdin" ? STDIN_FILENO : open(path.c_str(), O_RDWR | O_CLOEXEC);
  char text[64];
  const ssize_t size = read(fd, text, sizeof(text));
  report(folder, "read " + (size < 0 ? strerrorname_np(errno) : std::to_string(size)));
  return end(folder, name);
}

void spawn_with_default_signals(std::string command) {
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t terminal;
  sigemptyset(&terminal);
  for (const int signal : {SIGINT, SIGQUIT, SIGHUP}) sigaddset(&terminal, signal);
  posix_spawnattr_setsigdefault(&how, &terminal);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
  std::string shell = "sh", option = "-c";
  char* const words[] = {shell.data(), option.data(), command.data(), nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, "/bin/sh", nullptr, &how, words, environ) != 0) std::abort();
  waitpid(pid, nullptr, 0);
}

// A command that waits at the gate and reports whether it got that far.
int run_command(const std::string& folder, const std::string& name, const std::string& how) {
  begin(folder, name);
  const std::string command = "echo command $$ >" + folder + "/reports; : <" + folder +
                              "/gate; echo finished >" + folder + "/reports";
  int status = 0;
  if (how == "system") status = std::system(command.c_str());
  if (how == "env") {
    status =
        std::system(("exec env --default-signal=INT,QUIT,HUP sh -c '" + command + "'").c_str());
  }
  if (how == "posix_spawn") spawn_with_default_signals(command);
  if (status < 0) std::abort();
  return end(folder, name);
}

int wait_nested(const std::string& folder, const std::string& name) {
  report(folder, "outer " + own_pid());
  Executor own({.workers = 1});
  return own.submit(wait, folder, name).get();
}

void ignore_in_worker(int signal) { ::signal(signal, SIG_IGN); }

// --- the program ---

struct Words {
  std::string folder;
  std::set<std::string> flags;                // words without a value
  std::map<std::string, std::string> values;  // `key:value`
  bool has(const char* flag) const { return flags.contains(flag); }
  std::optional<int> signal_of(const char* key) const {
    const auto found = values.find(key);
    if (found == values.end()) return std::nullopt;
    return kSignals.at(found->second);
  }
};

// handle:SIG ignore:SIG sigwait:SIG signalfd:SIG   what the program does about a signal
// inherit                 TerminalSignals::kInherit
// worker-ignores:SIG      an initializer ignores it in workers
// deadline run-limit      of the first task: kLimit; queued-deadline: of the second
// slow-start              static constructors of a worker wait until the test opens `start`
// starts                  before all else kStarts tasks, each in a worker of its own
// shutdown                main waits in shutdown(), not in get()
// pipe nested reads:PATH command:HOW   what the first task does
Words read_words(int argc, char** argv) {
  Words words;
  words.folder = argv[1];
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos) {
      words.flags.insert(word);
    } else {
      words.values.emplace(word.substr(0, colon), word.substr(colon + 1));
    }
  }
  return words;
}

void wait_for(int signal, bool by_descriptor) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
  std::thread([one, signal, by_descriptor] {
    const int fd = by_descriptor ? signalfd(-1, &one, SFD_CLOEXEC) : -1;
    while (true) {
      signalfd_siginfo info;
      int taken = 0;
      if (by_descriptor) {
        if (read(fd, &info, sizeof(info)) == sizeof(info)) handle(signal);
      } else if (sigwait(&one, &taken) == 0) {
        handle(taken);
      }
    }
  }).detach();
}

void set_signals(const Words& words) {
  if (const auto signal = words.signal_of("handle")) set_handler(*signal);
  if (const auto signal = words.signal_of("ignore")) ::signal(*signal, SIG_IGN);
  if (const auto signal = words.signal_of("sigwait")) wait_for(*signal, false);
  if (const auto signal = words.signal_of("signalfd")) wait_for(*signal, true);
}

ExecutorOptions options_of(const Words& words) {
  ExecutorOptions options{.workers = 1};
  if (words.has("inherit")) options.terminal_signals = TerminalSignals::kInherit;
  if (words.has("slow-start")) options.env = {{"TERMINAL_SLOW_START", words.folder}};
  if (const auto signal = words.signal_of("worker-ignores")) {
    options.initializer = make_initializer(ignore_in_worker, *signal);
  }
  return options;
}

Future<int> submit_first(Executor& pool, const Words& words) {
  TaskOptions options;
  if (words.has("deadline")) options.deadline = kLimit;
  if (words.has("run-limit")) options.run_limit = kLimit;
  const std::string name = "running";
  if (words.has("pipe")) return pool.submit(options, write_to_closed_pipe, words.folder, name);
  if (words.has("nested")) return pool.submit(options, wait_nested, words.folder, name);
  if (const auto path = words.values.find("reads"); path != words.values.end()) {
    return pool.submit(options, read_from, words.folder, name, path->second);
  }
  if (const auto how = words.values.find("command"); how != words.values.end()) {
    return pool.submit(options, run_command, words.folder, name, how->second);
  }
  return pool.submit(options, wait, words.folder, name);
}

void tell(const Words& words, const std::string& name, Future<int> future) {
  std::string end;
  try {
    future.get();
    end = "value";
  } catch (const TerminatedWorkerError& error) {
    end = "TerminatedWorkerError " + to_string(error.exit());
  } catch (const DeadlineError&) {
    end = "DeadlineError";
  } catch (const ExecutorError& error) {
    end = error.what();
  }
  report(words.folder, name + ": " + end);
}

// Each task in a separate worker.
void start_many(const Words& words) {
  report(words.folder, "starts begin");
  Executor pool({.workers = 1, .tasks_per_worker = 1});
  for (int i = 0; i < kStarts; ++i) {
    if (pool.submit([](int x) { return x; }, i).get() != i) std::abort();
  }
  report(words.folder, "starts end");
}

int run(const Words& words) {
  reports_of_program = open((words.folder + "/reports").c_str(), O_WRONLY | O_CLOEXEC);
  set_signals(words);
  report(words.folder, "program " + own_pid());
  if (words.has("starts")) start_many(words);
  Executor pool(options_of(words));
  Future<int> running = submit_first(pool, words);
  TaskOptions options;
  if (words.has("queued-deadline")) options.deadline = kLimit;
  Future<int> queued = pool.submit(options, wait, words.folder, std::string("queued"));
  if (words.has("shutdown")) {
    report(words.folder, "shutting down");
    pool.shutdown();
  }
  tell(words, "running", std::move(running));
  tell(words, "queued", std::move(queued));
  report(words.folder, "end");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return run(read_words(argc, argv));
}
