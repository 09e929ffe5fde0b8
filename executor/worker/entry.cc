#include "executor/worker/entry.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>

#include "executor/os/child.h"
#include "executor/os/priority.h"
#include "executor/transport/frame.h"
#include "executor/worker/task_loop.h"
#include "poolproof/executor.h"

namespace poolproof {
namespace worker {
namespace {

// Every thread of a worker descends from its main thread, and inherits the timer slack of the
// thread that starts it. Until the worker is ready the main thread has this odd one: so whoever has
// it later is a thread that a static constructor or the initializer has started, or one of theirs.

enum class Stage { kConstructors, kInitializer, kReady, kEnding };

// Set before constructors run, which must not set them back.
constinit std::atomic<bool> entry_proved = false;
constinit bool begun = false;  // in a worker
constinit std::atomic<Stage> stage = Stage::kConstructors;
constinit unsigned long own_slack = 0;
constinit std::atomic<int> serving_pid = 0;
constinit os::WorkerStart this_start;

// Until the task loop has it, any thread of a constructor may write to the channel.
constinit std::mutex channel_mutex;
constinit bool channel_is_the_loops = false;
constinit bool refusal_told = false;
constinit std::uint32_t sent_digest = 0;

void set_slack(unsigned long nanoseconds) { prctl(PR_SET_TIMERSLACK, nanoseconds); }
bool has_slack_of_before_ready() {
  return prctl(PR_GET_TIMERSLACK) == static_cast<int>(os::kSlackBeforeReady);
}

[[noreturn]] void end_with(const std::string& why) {
  dprintf(STDERR_FILENO,
          "poolproof: process %d was started as a worker (its argv[0] is \"%s\") and cannot serve: "
          "%s. Its main does not run.\n",
          getpid(), os::kWorkerMarker, why.c_str());
  if (os::is_made_by_parent(os::kWorkerChannel)) report_refusal(why);
  _exit(transport::kCannotServe);
}

// In every way of linking, also where the start hook is passed by and main calls worker_entry:
// before the constructors of the program, or in the shared library, before those of whatever is
// linked to it.
[[gnu::constructor(101)]] void before_users_constructors(int argc, char** argv) {
  begin(argc, argv);
}

}  // namespace

bool entry_is_proved() { return entry_proved; }
void note_entry() { entry_proved = true; }

const os::WorkerStart* begin(int argc, char** argv) {
  if (begun) return &this_start;
  if (!os::is_called_worker(argc, argv)) return nullptr;
  if (const auto start = os::begun_by_another_copy(argc, argv)) {
    this_start = *start;
    // Where that copy stands is not known here. It has marked the threads that may not submit.
    stage = Stage::kReady;
    channel_is_the_loops = true;
    begun = true;
    return &this_start;
  }
  auto start = os::begin_as_worker(argc, argv);
  if (const auto* why = std::get_if<os::SysError>(&start)) end_with(os::to_string(*why));
  this_start = std::get<os::WorkerStart>(start);
  own_slack = static_cast<unsigned long>(prctl(PR_GET_TIMERSLACK));
  set_slack(os::kSlackBeforeReady);
  begun = true;
  return &this_start;
}

void run(const os::WorkerStart& start) {
  os::settle_in(start);
  serving_pid = getpid();
  serve(os::kWorkerChannel, start);
}

bool runs_constructors() { return begun && stage == Stage::kConstructors; }

std::string why_no_submit() {
  if (!begun) return "";
  const std::string who = "this process is a worker of the program, and ";
  const std::string same = " has submitted a task: every worker would do the same again";
  const bool is_main = gettid() == getpid();
  const Stage now = stage;
  if (now == Stage::kEnding) {
    return "this process is a worker of the program that ends as it was asked to, and an exit "
           "hook, an atexit handler or a static destructor" +
           same + ", in workers of its own. Do that in main";
  }
  if (now == Stage::kReady && !has_slack_of_before_ready()) return "";
  if (!is_main) {
    return who + "a thread that a static constructor or the initializer has started" + same +
           ". Start that thread in main, or in a task";
  }
  if (now == Stage::kInitializer) {
    return who + "its initializer" + same +
           ", in workers of its own. Submit it in main, or in a task";
  }
  return who + "a static constructor" + same +
         ". Construct global values that need a pool in main, or on first use in the program";
}

void report_refusal(std::string_view text) {
  const std::lock_guard lock(channel_mutex);
  if (channel_is_the_loops || std::exchange(refusal_told, true)) return;
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

void note_task_loop() {
  const std::lock_guard lock(channel_mutex);
  channel_is_the_loops = true;
  stage = Stage::kInitializer;
}

void note_ready() {
  if (own_slack != 0) set_slack(own_slack);
  stage = Stage::kReady;
}

void note_ending() { stage = Stage::kEnding; }

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
