// A toy: worker processes that are forked once. In this process, each has a socket and a thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

struct Reply {
  bool worker_died = false;
  bool threw = false;
  std::string text;  // what the task returned, or what it threw
};

class ToyPool {
 public:
  using Run = std::function<std::string(const std::string&)>;  // in a worker; may throw
  using Done = std::function<void(const Reply&)>;              // on the worker's thread here

  ToyPool(int workers, Run run);
  ~ToyPool();  // runs the submitted tasks, then ends the workers
  void submit(std::string request, Done done);

 private:
  struct Task {
    std::string request;
    Done done;
  };
  struct Worker {
    int pid = 0, socket = -1, handle = -1;
  };
  void serve();
  Worker start();
  void end(Worker& worker);
  bool next(Task& task);
  static bool await(const Worker& worker, std::string& message);

  Run run_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::queue<Task> tasks_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};
