// my_pool: a process pool of a few lines; replace it by yours. Each worker is a forked process with
// its own socket, driven by its own thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct Ending {
  enum class How { kReturned, kThrew, kDied } how = How::kDied;
  std::string text;  // what the task returned, or what it threw
};

class MyPool {
 public:
  using Work = std::function<std::string(const std::string& request)>;  // in a worker; may throw
  using Done = std::function<void(const Ending&)>;                      // on a thread of the pool

  MyPool(int workers, Work work);
  ~MyPool();  // finishes the submitted tasks, then ends the workers
  MyPool(const MyPool&) = delete;
  MyPool& operator=(const MyPool&) = delete;

  void submit(std::string request, Done done);

 private:
  struct Task {
    std::string request;
    Done done;
  };
  struct Worker {
    int pid = -1;
    int socket = -1;
    int handle = -1;  // a pidfd: shows the death, whichever process holds the socket
  };
  void serve();
  bool take(Task& task);
  Worker start();
  static Ending ask(const Worker& worker, const std::string& request);
  static bool alive(const Worker& worker);
  static void end(const Worker& worker);
  [[noreturn]] void work(int socket);

  Work work_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};
