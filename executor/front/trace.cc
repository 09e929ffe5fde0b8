#include "executor/front/trace.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "executor/check.h"
#include "executor/os/thread.h"
#include "executor/transport/thrown.h"

namespace poolproof::detail {
namespace {

constexpr char kNoMemory[] = "there was no memory for the trace";
constexpr std::size_t kMostNotes = std::size_t{1} << 16;
// How long a device may take nothing before the trace is given up.
constexpr int kPatienceMs = 1000;

const char* class_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::kTask:
      return "TaskError";
    case FailureKind::kEncode:
      return "EncodeError";
    case FailureKind::kDecode:
      return "DecodeError";
    case FailureKind::kWorkerLost:
      return "TerminatedWorkerError";
    case FailureKind::kDeadline:
      return "DeadlineError";
    case FailureKind::kCancelled:
      return "CancelledError";
    case FailureKind::kShutdown:
      return "ShutdownExecutorError";
    case FailureKind::kProtocol:
      return "ProtocolError";
    default:
      return "BrokenProcessPool";
  }
}

// Microseconds, as the format needs them, of a clock with any start.
std::string micros(std::chrono::nanoseconds time) {
  char text[40];
  std::snprintf(text, sizeof(text), "%" PRId64 ".%03d", std::int64_t{time.count() / 1000},
                static_cast<int>(time.count() % 1000));
  return text;
}

// How many bytes the UTF-8 character at the start of `words` has; 0: it is not valid UTF-8.
std::size_t length_of_character(std::string_view words) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(words[i]); };
  const std::size_t length = byte(0) < 0x80                      ? 1
                             : byte(0) >= 0xC2 && byte(0) < 0xE0 ? 2
                             : byte(0) >= 0xE0 && byte(0) < 0xF0 ? 3
                             : byte(0) >= 0xF0 && byte(0) < 0xF5 ? 4
                                                                 : 0;
  if (length > words.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool beyond = (byte(0) == 0xED && byte(1) >= 0xA0) || (byte(0) == 0xF4 && byte(1) >= 0x90);
  return length > 1 && (overlong || beyond) ? 0 : length;
}

// As a JSON string. Control characters are left out. Bytes that are not UTF-8, which a file name
// may contain, become question marks.
std::string quoted(std::string_view words) {
  std::string text = "\"";
  while (!words.empty()) {
    const std::size_t length = length_of_character(words);
    if (length == 0) {
      text += '?';
    } else if (length > 1 || static_cast<unsigned char>(words[0]) >= 0x20) {
      if (words[0] == '"' || words[0] == '\\') text += '\\';
      text += words.substr(0, length);
    }
    words.remove_prefix(std::max(length, std::size_t{1}));
  }
  return text + '"';
}

// Why a piece could not be written; errno, or 0: `text` says it all.
struct WriteError {
  int number = 0;
  std::string text = {};
};

// False: the program behind a terminal does not read it, or the like.
bool takes_more(int fd) {
  pollfd watch{fd, POLLOUT, 0};
  return poll(&watch, 1, kPatienceMs) == 1;
}

std::optional<WriteError> write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN && takes_more(fd)) continue;
    if (size <= 0) return WriteError{size < 0 ? errno : EIO};
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return std::nullopt;
}

// Opened for each piece and closed again, so that it holds no descriptor which the program could
// close and then use for something else. Never blocks on what need not be a disk: the opening of a
// pipe, or a write to a terminal, may take forever.
std::optional<WriteError> append_to(const std::string& path, int more_flags,
                                    std::string_view text) {
  struct stat what {};
  if (stat(path.c_str(), &what) == 0 && !S_ISREG(what.st_mode) && !S_ISCHR(what.st_mode)) {
    return WriteError{0,
                      "it is neither a file nor a character device; for anything else there is "
                      "TraceOptions::sink"};
  }
  const int fd = open(path.c_str(),
                      O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | more_flags, 0666);
  if (fd < 0) return WriteError{errno};
  auto failed = write_whole(fd, text);
  close(fd);
  return failed;
}

}  // namespace

Trace::Trace(const TraceOptions& options, const std::string& process)
    : options_(options),
      process_(getpid()),
      start_("[\n{\"ph\":\"M\",\"pid\":" + std::to_string(process_) +
             ",\"name\":\"process_name\",\"args\":{\"name\":" + quoted(process) + "}}") {
  if (!options_.path.empty()) {
    if (const auto failed = append_to(options_.path, O_CREAT | O_TRUNC, "")) {
      throw std::system_error(
          failed->number != 0 ? failed->number : EINVAL, std::generic_category(),
          "poolproof: ExecutorOptions::trace cannot be written to " + options_.path +
              (failed->text.empty() ? "" : " (" + failed->text + ")"));
    }
  }
  error_.reserve(std::strlen(kNoMemory));
  writer_ = os::start_quiet_thread("poolproof-trace", [this] { work(); });
  writer_id_ = writer_.get_id();
}

Trace::~Trace() { finish(); }

bool Trace::is_on_its_thread() const { return std::this_thread::get_id() == writer_id_; }

void Trace::finish() {
  if (!writer_.joinable()) return;
  POOLPROOF_CHECK(!is_on_its_thread(), "the sink cannot be awaited by itself");
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_one();
  }
  writer_.join();
}

std::string Trace::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

void Trace::submitted(TaskId task, const std::string& name) {
  leave(Kind::kSubmitted, task, {}, "", name);
}
void Trace::begun(TaskId task, const WorkerRef& worker) { leave(Kind::kBegun, task, worker, ""); }
void Trace::worker_started(const WorkerRef& worker) { leave(Kind::kWorkerStarted, 0, worker, ""); }
void Trace::worker_ended(const WorkerRef& worker) { leave(Kind::kWorkerEnded, 0, worker, ""); }
void Trace::ended(TaskId task, const supervise::Outcome& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  leave(Kind::kEnded, task, {}, failure != nullptr ? class_of(failure->kind) : "value");
}

void Trace::leave(Kind kind, TaskId task, const WorkerRef& worker, const char* end,
                  const std::string& name) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  if (!error_.empty()) return;
  if (notes_.empty() && dropped_ == 0) changed_.notify_one();
  if (notes_.size() >= kMostNotes) {
    ++dropped_;
    return;
  }
  try {
    notes_.push_back({kind, now, task, worker, end, name});
  } catch (const std::bad_alloc&) {
    ++dropped_;
  }
}

void Trace::work() {
  try {
    write_all();
  } catch (const std::bad_alloc&) {
    stop(kNoMemory);
  } catch (...) {
    stop(transport::in_words(std::current_exception()));
  }
}

// Returns after the last piece, or when the trace has stopped.
void Trace::write_all() {
  write(start_);
  while (!stopped_) {
    std::vector<Note> notes;
    std::size_t dropped = 0;
    bool ending = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !notes_.empty() || dropped_ != 0 || ending_; });
      notes.swap(notes_);
      dropped = std::exchange(dropped_, 0);
      ending = ending_;
    }
    std::string text;
    for (const Note& note : notes) add(note, text);
    if (dropped != 0) {
      text += ",\n{\"ph\":\"i\",\"s\":\"p\",\"pid\":" + std::to_string(process_) +
              ",\"tid\":0,\"ts\":" + micros(Clock::now().time_since_epoch()) +
              ",\"name\":\"poolproof left out " + std::to_string(dropped) + " events here\"}";
    }
    if (ending) text += "\n]\n";
    write(text);
    if (ending) return;
  }
}

void Trace::write(std::string_view text) {
  if (text.empty()) return;
  if (!options_.path.empty()) {
    if (const auto failed = append_to(options_.path, 0, text)) {
      stop("the trace " + options_.path + " cannot be written any further: " +
           (failed->number != 0 ? std::generic_category().message(failed->number) : failed->text));
    }
    return;
  }
  try {
    options_.sink(text);
  } catch (...) {
    stop("the sink of the trace threw " + transport::in_words(std::current_exception()));
  }
}

void Trace::stop(std::string_view why) {
  std::unique_lock lock(mutex_);
  error_ = why;  // kNoMemory needs no memory: there is room for it
  notes_.clear();
  stopped_ = true;
  lock.unlock();
  std::fprintf(stderr, "poolproof: %.*s. What happens from now on is not recorded.\n",
               static_cast<int>(why.size()), why.data());
}

void Trace::add(const Note& note, std::string& text) {
  const std::string at = micros(note.at.time_since_epoch());
  const std::string task = std::to_string(note.task);
  const auto waits = [&](const char* phase) {
    text += std::string(",\n{\"ph\":\"") + phase + "\",\"cat\":\"queue\",\"id\":" + task +
            ",\"pid\":" + std::to_string(process_) + ",\"tid\":0,\"ts\":" + at +
            ",\"name\":" + quoted(name_of(note.task) + " waits") + "}";
  };
  switch (note.kind) {
    case Kind::kSubmitted:
      if (!note.name.empty()) names_.emplace(note.task, note.name);
      waits("b");
      waiting_.insert(note.task);
      break;
    case Kind::kBegun:
      if (waiting_.erase(note.task) != 0) waits("e");
      running_.insert_or_assign(note.task, Stay{note.at, note.worker});
      break;
    case Kind::kEnded:
      if (const auto found = running_.find(note.task); found != running_.end()) {
        add_task(note.task, found->second, note.at, note.end, text);
        running_.erase(found);
      } else if (waiting_.erase(note.task) != 0) {
        waits("e");
      }
      names_.erase(note.task);
      break;
    case Kind::kWorkerStarted:
      places_.insert_or_assign(note.worker.index, Stay{note.at, note.worker});
      if (!std::exchange(named_[note.worker.index], true)) {
        text += ",\n{\"ph\":\"M\",\"pid\":" + std::to_string(process_) +
                ",\"tid\":" + std::to_string(note.worker.index + 1) +
                ",\"name\":\"thread_name\",\"args\":{\"name\":\"worker " +
                std::to_string(note.worker.index) + "\"}}";
      }
      break;
    case Kind::kWorkerEnded:
      // The task of this worker first, because it is nested in the worker's interval.
      for (auto each = running_.begin(); each != running_.end();) {
        const bool its = each->second.worker == note.worker;
        if (its) add_task(each->first, each->second, note.at, "its worker ended", text);
        each = its ? running_.erase(each) : std::next(each);
      }
      if (const auto found = places_.find(note.worker.index); found != places_.end()) {
        const std::string pid = std::to_string(note.worker.pid);
        add_stay(found->second, note.at, "worker", "process " + pid, "{\"pid\":" + pid + "}", text);
        places_.erase(found);
      }
      break;
  }
}

std::string Trace::name_of(TaskId task) const {
  const auto named = names_.find(task);
  const std::string number = "task " + std::to_string(task);
  return named == names_.end() ? number : number + " \"" + named->second + "\"";
}

void Trace::add_task(TaskId task, const Stay& stay, Clock::time_point until, const char* end,
                     std::string& text) const {
  add_stay(stay, until, "task", name_of(task), std::string("{\"end\":\"") + end + "\"}", text);
}

void Trace::add_stay(const Stay& stay, Clock::time_point until, const char* category,
                     const std::string& name, const std::string& arguments,
                     std::string& text) const {
  text += std::string(",\n{\"ph\":\"X\",\"cat\":\"") + category +
          "\",\"pid\":" + std::to_string(process_) +
          ",\"tid\":" + std::to_string(stay.worker.index + 1) +
          ",\"ts\":" + micros(stay.since.time_since_epoch()) +
          ",\"dur\":" + micros(until - stay.since) + ",\"name\":" + quoted(name) +
          ",\"args\":" + arguments + "}";
}

}  // namespace poolproof::detail
