// What is recorded of tasks and workers.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
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
    int around = 0;  // each task lies within a process on its own track
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
  EXPECT_THROW(pool.submit(twice, 1), std::system_error);
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
