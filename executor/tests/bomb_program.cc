// Programs that would start themselves again and again if a worker ran the program's code (law
// L10); bomb_test.cc starts them. The environment says what they do, because static constructors do
// not get argv.
#include <grp.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "poolproof/executor.h"

namespace {

using namespace poolproof;
using namespace std::chrono_literals;

void say(const std::string& what) {
  std::printf("%s\n", what.c_str());
  std::fflush(stdout);
}

std::string plan() {
  const char* what = getenv("POOLPROOF_TEST_BOMB");
  return what != nullptr ? what : "";
}

int answer() { return 42; }

// For root. For an ordinary user, only bomb_test.cc ends a growing number of processes.
void limit_processes() {
  if (geteuid() != 0) return;
  constexpr unsigned kUser = 54322;
  const rlimit limit{300, 300};
  if (setrlimit(RLIMIT_NPROC, &limit) != 0 || setgroups(0, nullptr) != 0 ||
      setresgid(kUser, kUser, kUser) != 0 || setresuid(kUser, kUser, kUser) != 0) {
    _exit(3);
  }
}

bool is_worker = false;

// The first of all constructors. Each process belongs to the session of the program, which so is
// counted as a whole.
struct First {
  First() {
    std::set_terminate([] {
      try {
        std::rethrow_exception(std::current_exception());
      } catch (const std::exception& error) {
        say(std::string("uncaught: ") + error.what());
      }
      _exit(9);
    });
    is_worker = getenv("POOLPROOF_TEST_INSIDE") != nullptr;
    if (is_worker) return;
    setenv("POOLPROOF_TEST_INSIDE", "yes", 1);
    if (setsid() > 0) limit_processes();
  }
} first;

std::string submit_once() {
  try {
    Executor pool({.workers = 1});
    return "got " + std::to_string(pool.submit(answer).get_for(50s));
  } catch (const ExecutorError& error) {
    return std::string("caught: ") + error.what();
  }
}

// A global value that is computed with a pool; the author did not expect an error.
int table = plan() == "constructor" ? Executor({.workers = 1}).submit(answer).get() : 0;
// The same; the author catches everything.
std::string careful_table = plan() == "careful-constructor" ? submit_once() : "";

// A global service with a thread that submits: at once; again and again; or only in a worker that
// serves, on a thread that it starts then.
class Service {
 public:
  Service() {
    const std::string what = plan();
    if (what == "thread") std::thread([] { say(submit_once()); }).join();
    if (what == "thread-loop") thread_ = std::thread([this] { submit_in_loop(); });
    if (what == "thread-late") thread_ = std::thread([this] { submit_late(); });
  }
  ~Service() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void submit_in_loop() {
    while (!ended_) {
      submit_once();
      std::this_thread::sleep_for(1ms);
    }
  }
  void submit_late() {
    while (!ended_ && !this_worker()) std::this_thread::sleep_for(1ms);
    if (!ended_) std::thread([] { submit_once(); }).join();
  }

  std::atomic<bool> ended_ = false;
  std::thread thread_;
} service;

std::string batch_once() {
  try {
    Executor pool({.workers = 2});
    return "got " +
           std::to_string(
               pool.submit_batch([](int x) { return x; }, std::vector{40, 2}).at(0).get_for(50s));
  } catch (const ExecutorError& error) {
    return std::string("caught: ") + error.what();
  }
}

// A global executor: one that starts its workers early, one that cannot be made in a worker, since
// that is too deep, has too small a share, or has lost its working directory.
char own_folder[] = "/tmp/poolproof-gone-XXXXXX";
std::unique_ptr<Executor> make_global() {
  const std::string what = plan();
  ExecutorOptions options{.workers = 2};
  if (what == "depth") options.max_depth = 1;
  if (what == "share") options.workers = 16;
  if (what == "trace" && !is_worker) {
    if (mkdtemp(own_folder) == nullptr || chdir(own_folder) != 0) _exit(3);
  }
  if (what == "trace") options.trace.path = "trace.json";
  if (what != "prestart" && what != "depth" && what != "share" && what != "trace") return nullptr;
  auto pool = std::make_unique<Executor>(options);
  if (what == "prestart") pool->prestart();
  return pool;
}
std::unique_ptr<Executor> global_pool = make_global();
std::string batch_table = plan() == "batch" ? batch_once() : "";

// Its end uses a pool.
struct Last {
  ~Last() {
    if (plan() == "destructor") say("destructor " + submit_once());
    if (plan() == "batch-destructor") say("destructor " + batch_once());
  }
} last;

// A task with an executor of its own, in a program that has a global one.
int nest(int workers) {
  Executor own({.workers = workers});
  return own.submit(answer).get();
}

std::string use_global() {
  try {
    if (plan() == "share")
      return "got " + std::to_string(global_pool->submit(nest, 16).get_for(50s));
    return "got " + std::to_string(global_pool->submit(answer).get_for(50s));
  } catch (const ExecutorError& error) {
    return std::string("caught: ") + error.what();
  }
}

// The working directory is gone when the second worker starts.
std::string use_without_working_directory() {
  const std::string before = use_global();
  if (unlink("trace.json") != 0 || rmdir(own_folder) != 0) return "the folder is not empty";
  std::ignore = global_pool->submit([] { ::raise(SIGKILL); });
  return before + ", " + use_global();
}

// It submits itself, with no limit of depth, until there are no more workers for it.
int recurse(int workers) {
  try {
    Executor pool({.workers = workers, .max_depth = -1});
    std::vector<Future<int>> all;
    for (int i = 0; i < workers; ++i) all.push_back(pool.submit(recurse, workers));
    int sum = 1;
    for (Future<int>& each : all) sum += each.get();
    return sum;
  } catch (const ExecutorError&) {
    return 1;
  }
}

std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline");
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  return words;
}

// A task starts a process that looks like a worker, with the words `words`.
void become_again(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv("/proc/self/exe", argv.data());
}
void become_marked() { become_again({"poolproof-worker"}); }
void become_oneself() { become_again(own_words()); }

Initializer same_again();
void make_pool_with_itself() {
  Executor({.workers = 1, .initializer = same_again()}).submit(answer).get();
}
Initializer same_again() { return make_initializer(make_pool_with_itself); }

std::string end_of(ExecutorOptions options, void (*task)()) {
  try {
    Executor(std::move(options)).submit(task).get_for(50s);
    return "ended";
  } catch (const std::exception& error) {
    return error.what();
  }
}

int run() {
  const std::string what = plan();
  if (what == "constructor") say("table " + std::to_string(table));
  if (what == "careful-constructor") say("table: " + careful_table);
  if (what == "thread" || what == "thread-loop" || what == "thread-late") {
    Executor pool({.workers = 2});
    int sum = 0;
    for (int i = 0; i < 50; ++i) sum += pool.submit(answer).get_for(50s);
    say("sum " + std::to_string(sum));
  }
  if (global_pool)
    say("global " + (what == "trace" ? use_without_working_directory() : use_global()));
  if (what == "batch") say("table: " + batch_table);
  if (what == "batch-destructor") say("main " + batch_once());
  if (what == "exit-handler") std::atexit([] { say("at exit " + submit_once()); });
  if (what == "exit-handler" || what == "destructor") say("main " + submit_once());
  if (what == "recursion") say(recurse(2) > 7 ? "recursion ended" : "it did not recurse");
  if (what == "marked") say(end_of({.workers = 1}, become_marked));
  if (what == "oneself") say(end_of({.workers = 1}, become_oneself));
  if (what == "initializer") say(end_of({.workers = 1, .initializer = same_again()}, [] {}));
  return 0;
}

}  // namespace

// LeakSanitizer starts a process at the end of each one, and here all processes are counted.
extern "C" int __lsan_is_turned_off() { return 1; }

int main(int argc, char** argv) {
#ifdef CURED
  worker_entry(argc, argv);
#endif
  say("main of " + std::string(argc > 0 ? argv[0] : ""));
  return run();
}
