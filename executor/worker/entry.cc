#include "executor/worker/entry.h"

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "executor/os/child.h"
#include "executor/transport/frame.h"
#include "executor/worker/task_loop.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace worker {
namespace {

// Set before constructors run, which must not set them back.
constinit bool entry_proved = false;
constinit bool begun = false;  // in a worker
constinit bool serves = false;
constinit int serving_pid = 0;
constinit os::WorkerStart this_start;
constinit std::uint32_t sent_digest = 0;
constinit std::vector<int> early_threads;  // beside the main one

[[noreturn]] void end_with(const std::string& why) {
  dprintf(STDERR_FILENO,
          "poolproof: process %d was started as a worker (its argv[0] is \"%s\") and cannot serve: "
          "%s. Its main does not run.\n",
          getpid(), os::kWorkerMarker, why.c_str());
  report_refusal(why);
  _exit(transport::kCannotServe);
}

std::vector<int> threads_beside(int main_thread) {
  std::vector<int> threads;
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return threads;
  while (const dirent* entry = readdir(folder)) {
    const int thread = std::atoi(entry->d_name);
    if (thread > 0 && thread != main_thread) threads.push_back(thread);
  }
  closedir(folder);
  return threads;
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

bool is_starting() { return begun && !serves; }

void report_refusal(std::string_view text) {
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  const transport::Payload payload(Bytes(bytes, bytes + text.size()));
  const transport::Header header =
      transport::make_header(transport::FrameKind::kRefusal, 0, &payload);
  Bytes whole(header.begin(), header.end());
  whole.insert(whole.end(), payload.bytes.begin(), payload.bytes.end());
  // A few hundred bytes on an empty channel: it goes as a whole or not at all.
  const ssize_t size = send(os::kWorkerChannel, whole.data(), whole.size(), MSG_NOSIGNAL);
  if (size == static_cast<ssize_t>(whole.size())) {
    sent_digest = transport::extend_digest(sent_digest, header);
  }
}

std::uint32_t sent_before_serving() { return sent_digest; }

void note_serving() {
  early_threads = threads_beside(getpid());
  serves = true;
}

bool on_thread_of_constructors() {
  return !early_threads.empty() &&
         std::find(early_threads.begin(), early_threads.end(), gettid()) != early_threads.end();
}

}  // namespace worker

void worker_entry(int argc, char** argv) {
  worker::note_entry();
  if (const os::WorkerStart* start = worker::begin(argc, argv)) worker::run(*start);
}

std::optional<ThisWorker> this_worker() {
  if (worker::serving_pid == 0 || worker::serving_pid != getpid()) return std::nullopt;
  return ThisWorker{worker::this_start.index, worker::this_start.name};
}

}  // namespace poolproof
