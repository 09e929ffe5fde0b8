// What is recorded of tasks and workers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"
#include "poolproof/wait.h"

namespace poolproof {
namespace {

using namespace testing_support;
using nlohmann::json;

int twice(int x) { return 2 * x; }

std::vector<json> of_category(const json& events, const std::string& category,
                              const std::string& phase) {
  std::vector<json> found;
  for (const json& event : events) {
    if (event.value("cat", "") == category && event.at("ph") == phase) found.push_back(event);
  }
  return found;
}

TEST(Trace, tells_of_every_task_and_every_worker_what_it_did_and_when) {
  std::string text;
  {
    Executor pool({.workers = 2,
                   .name = "a \"pool\"",
                   .trace = {.sink = [&text](std::string_view piece) { text += piece; }}});
    std::vector<Future<int>> futures;
    for (int i = 0; i < 10; ++i) futures.push_back(pool.submit(twice, i));
    wait(futures);
    EXPECT_THROW(pool.submit([] { raise(SIGKILL); }).get(), TerminatedWorkerError);
    EXPECT_THROW(pool.submit([] { throw 1; }).get(), TaskError);
  }
  const json events = json::parse(text);
  EXPECT_EQ(events.at(0).at("args").at("name"), "a \"pool\"");
  EXPECT_EQ(of_category(events, "queue", "b").size(), 12u);
  EXPECT_EQ(of_category(events, "queue", "e").size(), 12u);

  std::map<std::string, int> ends;
  const std::vector<json> processes = of_category(events, "worker", "X");
  for (const json& task : of_category(events, "task", "X")) {
    ++ends[task.at("args").at("end")];
    EXPECT_GE(task.at("dur"), 0);
    int around = 0;  // each task is inside a process on its own track
    for (const json& process : processes) {
      const double start = process.at("ts"), end = start + process.at("dur").get<double>();
      const double began = task.at("ts"), ended = began + task.at("dur").get<double>();
      around += process.at("tid") == task.at("tid") && start <= began && ended <= end + 0.01;
    }
    EXPECT_EQ(around, 1) << task;
  }
  EXPECT_EQ(ends,
            (std::map<std::string, int>{{"value", 10}, {"its worker ended", 1}, {"TaskError", 1}}));
  EXPECT_GE(processes.size(), 2u);
}

TEST(Trace, can_be_a_file_which_is_whole_when_the_shutdown_returns) {
  Meeting meeting;
  const std::string path = meeting.folder() + "/trace.json";
  Executor pool({.workers = 1, .trace = {.path = path}});
  Future<int> running = pool.submit(meet_and_return, meeting.folder(), 1);
  meeting.await();
  Future<int> cancelled = pool.submit(twice, 1);
  cancelled.cancel();
  EXPECT_THROW(cancelled.get(), CancelledError);
  meeting.let_go();
  EXPECT_EQ(running.get(), 1);
  pool.shutdown();
  std::ifstream file(path);
  const json events = json::parse(file);
  EXPECT_EQ(of_category(events, "queue", "e").size(), 2u);
  EXPECT_EQ(of_category(events, "task", "X").size(), 1u);
  unlink(path.c_str());
}

TEST(Trace, that_cannot_be_written_is_told_at_the_first_submit) {
  Executor pool({.workers = 1, .trace = {.path = "/no/such/folder/trace.json"}});
  EXPECT_THROW(std::ignore = pool.submit(twice, 1), std::system_error);
}

// Changes to another directory, and comes back.
class Elsewhere {
 public:
  explicit Elsewhere(const std::string& folder) : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
  }
  ~Elsewhere() { std::filesystem::current_path(before_); }

 private:
  const std::filesystem::path before_;
};

TEST(Trace, with_a_relative_path_belongs_to_the_directory_of_the_constructor) {
  Meeting meeting;
  const std::string path = meeting.folder() + "/relative.json";
  std::optional<Executor> pool;
  {
    const Elsewhere there(meeting.folder());
    pool.emplace(ExecutorOptions{.workers = 1, .trace = {.path = "relative.json"}});
  }
  const Elsewhere first_submit("/");
  EXPECT_EQ(pool->submit(twice, 1).get(), 2);
  {
    const Elsewhere later("/tmp");
    EXPECT_EQ(pool->submit(twice, 2).get(), 4);
    pool.reset();
  }
  std::ifstream file(path);
  ASSERT_TRUE(file.is_open());
  EXPECT_EQ(of_category(json::parse(file), "task", "X").size(), 2u);
  unlink(path.c_str());
}

std::size_t count_of(const std::string& words, const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

TEST(Trace, that_meets_a_full_disk_says_so_once_and_in_health_and_costs_no_task) {
  testing::internal::CaptureStderr();
  Executor pool({.workers = 1, .trace = {.path = "/dev/full"}});
  for (int i = 0; i < 50; ++i) EXPECT_EQ(pool.submit(twice, i).get(), 2 * i);
  pool.shutdown();
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count_of("/dev/full cannot be written any further: No space left", told), 1u) << told;
  EXPECT_EQ(count_of("\n", told), 1u) << told;
  EXPECT_EQ(pool.health().trace_error,
            "the trace /dev/full cannot be written any further: No space left on device");
}

TEST(Trace, whose_folder_is_removed_later_says_so_while_the_pool_goes_on) {
  Meeting meeting;
  const std::filesystem::path folder = meeting.folder() + "/removed";
  std::filesystem::create_directory(folder);
  testing::internal::CaptureStderr();
  Executor pool({.workers = 1, .trace = {.path = folder / "trace.json"}});
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
  EXPECT_EQ(pool.health().trace_error, "");
  std::filesystem::remove_all(folder);
  // Each task is written soon: the loss of the first of these, or of one after it, is noticed.
  while (pool.health().trace_error.empty()) EXPECT_EQ(pool.submit(twice, 2).get(), 4);
  EXPECT_NE(pool.health().trace_error.find("No such file"), std::string::npos);
  EXPECT_EQ(count_of("trace.json cannot be written", testing::internal::GetCapturedStderr()), 1u);
}

// Whether that system error names the sink, which is the cure.
bool names_the_sink(const std::string& text) {
  return text.find("neither a file nor a character device") != std::string::npos &&
         text.find("TraceOptions::sink") != std::string::npos;
}

TEST(Trace, to_a_pipe_is_refused_at_the_first_submit_and_delays_nothing) {
  Meeting meeting;
  const std::string path = meeting.folder() + "/trace.fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  for (const bool has_reader : {false, true}) {
    const int reader = has_reader ? open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    Executor pool({.workers = 1, .trace = {.path = path}});
    try {
      std::ignore = pool.submit(twice, 1);
      FAIL() << has_reader;
    } catch (const std::system_error& error) {
      EXPECT_TRUE(names_the_sink(error.what())) << error.what();
    }
    EXPECT_EQ(pool.health().workers_wanted, 1);
    if (has_reader) close(reader);
  }
  unlink(path.c_str());
}

TEST(Trace, whose_file_becomes_a_pipe_ends_and_delays_nothing) {
  Meeting meeting;
  const std::string path = meeting.folder() + "/trace.json";
  testing::internal::CaptureStderr();
  Executor pool({.workers = 1, .trace = {.path = path}});
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
  const std::string pipe = meeting.folder() + "/trace.fifo";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::rename(pipe, path);
  EXPECT_EQ(pool.submit(twice, 2).get(), 4);
  pool.shutdown();  // which writes the end
  EXPECT_TRUE(names_the_sink(pool.health().trace_error)) << pool.health().trace_error;
  EXPECT_EQ(count_of("cannot be written", testing::internal::GetCapturedStderr()), 1u);
  unlink(path.c_str());
}

TEST(Trace, to_a_terminal_that_nobody_reads_ends_and_delays_no_shutdown) {
  const int reader = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_TRUE(reader >= 0 && grantpt(reader) == 0 && unlockpt(reader) == 0);
  const std::string path = ptsname(reader);
  const int held = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // else it forgets all
  testing::internal::CaptureStderr();
  {
    Executor pool({.workers = 1, .trace = {.path = path}});
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(pool.submit(twice, i).get(), 2 * i);
    pool.shutdown();
    EXPECT_NE(pool.health().trace_error.find("temporarily unavailable"), std::string::npos)
        << pool.health().trace_error;
  }
  EXPECT_EQ(count_of("cannot be written", testing::internal::GetCapturedStderr()), 1u);
  close(held);
  close(reader);
}

TEST(Trace, whose_sink_throws_is_told_in_health_also_after_the_shutdown) {
  testing::internal::CaptureStderr();
  Executor pool({.workers = 1, .trace = {.sink = [](std::string_view) {
                                 throw std::runtime_error("the network is down");
                               }}});
  EXPECT_EQ(pool.submit(twice, 1).get(), 2);
  pool.shutdown();
  EXPECT_EQ(pool.health().trace_error,
            "the sink of the trace threw std::runtime_error: the network is down");
  EXPECT_EQ(count_of("the network is down", testing::internal::GetCapturedStderr()), 1u);
}

TEST(Trace, whose_sink_is_stuck_holds_up_no_task) {
  std::promise<void> freed;
  std::shared_future<void> wait_for_it = freed.get_future().share();
  std::string text;
  {
    Executor pool({.workers = 2, .trace = {.sink = [&, wait_for_it](std::string_view piece) {
                                   wait_for_it.wait();
                                   text += piece;
                                 }}});
    for (int i = 0; i < 100; ++i) ASSERT_EQ(pool.submit(twice, i).get(), 2 * i);
    freed.set_value();
  }
  EXPECT_EQ(of_category(json::parse(text), "task", "X").size(), 100u);
}

}  // namespace
}  // namespace poolproof
