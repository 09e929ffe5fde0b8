#include "executor/worker/entry.h"

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "executor/os/child.h"
#include "executor/os/file.h"
#include "executor/transport/frame.h"
#include "executor/worker/task_loop.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace worker {
namespace {

// Set before the program's constructors run; no constructor may reset it.
constinit std::atomic<bool> entry_proved = false;
constinit std::atomic<bool> begun = false;  // in a worker
constinit std::atomic<bool> serves = false;
constinit std::atomic<bool> ending = false;
constinit std::atomic<int> serving_pid = 0;
constinit os::WorkerStart this_start;

// Until the worker serves, any thread of a constructor may write to the channel. After that, only
// the task loop writes.
constinit std::mutex channel_mutex;
constinit bool refusal_told = false;
constinit std::uint32_t sent_digest = 0;

// A thread id may be used again for another thread, which starts later.
struct EarlyThread {
  int id = 0;
  std::string started;
};
constinit std::vector<EarlyThread> early_threads;  // other than the main thread

[[noreturn]] void end_with(const std::string& why) {
  dprintf(STDERR_FILENO,
          "poolproof: process %d was started as a worker (its argv[0] is \"%s\") and cannot serve: "
          "%s. Its main does not run.\n",
          getpid(), os::kWorkerMarker, why.c_str());
  if (os::is_made_by_parent(os::kWorkerChannel)) report_refusal(why);
  _exit(transport::kCannotServe);
}

// In clock ticks since the machine started: the 22nd word of its `stat`. The second word is a name
// in parentheses that may contain any character.
std::string start_of_thread(int id) {
  const std::string path = "/proc/self/task/" + std::to_string(id) + "/stat";
  const auto stat = os::read_file(path.c_str());
  if (!stat || stat->rfind(')') == std::string::npos) return "";
  std::istringstream words(stat->substr(stat->rfind(')') + 1));
  std::string word;
  for (int number = 3; number <= 22; ++number) words >> word;
  return word;
}

std::vector<EarlyThread> threads_beside(int main_thread) {
  std::vector<EarlyThread> threads;
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return threads;
  while (const dirent* entry = readdir(folder)) {
    const int thread = std::atoi(entry->d_name);
    if (thread > 0 && thread != main_thread) threads.push_back({thread, start_of_thread(thread)});
  }
  closedir(folder);
  return threads;
}

// Runs in every way of linking, also if the start hook is not used and main calls worker_entry. In
// the program, it runs before the program's constructors. In the shared library, it runs before the
// constructors of everything that is linked to it.
[[gnu::constructor(101)]] void before_users_constructors(int argc, char** argv) {
  begin(argc, argv);
}

}  // namespace

bool entry_is_proved() { return entry_proved; }
void note_entry() { entry_proved = true; }

const os::WorkerStart* begin(int argc, char** argv) {
  if (begun) return &this_start;
  if (!os::is_called_worker(argc, argv)) return nullptr;
  auto start = os::begin_as_worker(argc, argv);
  if (const auto* why = std::get_if<os::SysError>(&start)) end_with(os::to_string(*why));
  this_start = std::get<os::WorkerStart>(start);
  begun = true;
  return &this_start;
}

void run(const os::WorkerStart& start) {
  os::settle_in(start);
  serving_pid = getpid();
  serve(os::kWorkerChannel, start);
}

void note_ending() { ending = true; }
bool is_ending() { return ending; }

bool is_starting() { return begun && !serves; }

void report_refusal(std::string_view text) {
  const std::lock_guard lock(channel_mutex);
  if (serves || std::exchange(refusal_told, true)) return;
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  const transport::Payload payload(Bytes(bytes, bytes + text.size()));
  const transport::Header header =
      transport::make_header(transport::FrameKind::kRefusal, 0, &payload);
  Bytes whole(header.begin(), header.end());
  whole.insert(whole.end(), payload.bytes.begin(), payload.bytes.end());
  // A few hundred bytes on an empty channel: either all of it is sent, or nothing.
  const ssize_t size =
      send(os::kWorkerChannel, whole.data(), whole.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size == static_cast<ssize_t>(whole.size())) {
    sent_digest = transport::extend_digest(sent_digest, header);
  }
}

std::uint32_t sent_before_serving() { return sent_digest; }

void note_serving() {
  early_threads = threads_beside(getpid());
  const std::lock_guard lock(channel_mutex);
  serves = true;
}

bool on_thread_of_constructors() {
  const int self = gettid();
  return std::any_of(early_threads.begin(), early_threads.end(), [&](const EarlyThread& early) {
    return early.id == self && early.started == start_of_thread(self);
  });
}

}  // namespace worker

void worker_entry(int argc, char** argv) {
  const os::WorkerStart* start = worker::begin(argc, argv);
  worker::note_entry();  // only now: a thread of a constructor may wait for this, and then submit
  if (start != nullptr) worker::run(*start);
}

std::optional<ThisWorker> this_worker() {
  if (worker::serving_pid == 0 || worker::serving_pid != getpid()) return std::nullopt;
  return ThisWorker{worker::this_start.index, worker::this_start.name};
}

}  // namespace poolproof
