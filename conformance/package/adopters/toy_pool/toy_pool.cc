#include "toy_pool.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <utility>

ToyPool::ToyPool(int workers, Run run) : run_(std::move(run)) {
  for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { serve(); });
}

ToyPool::~ToyPool() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ToyPool::submit(std::string request, Done done) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push({std::move(request), std::move(done)});
  }
  changed_.notify_one();
}

bool ToyPool::next(Task& task) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closing_ || !tasks_.empty(); });
  if (tasks_.empty()) return false;
  task = std::move(tasks_.front());
  tasks_.pop();
  return true;
}

void ToyPool::serve() {
  Worker worker = start();
  for (Task task; next(task);) {
    pollfd gone = {worker.handle, POLLIN, 0};
    if (poll(&gone, 1, 0) == 1) end(worker), worker = start();  // it died while it was idle
    send(worker.socket, task.request.data(), task.request.size(), MSG_NOSIGNAL);
    std::string message;
    if (await(worker, message)) {
      task.done({false, message[0] == 'e', message.substr(1)});
      continue;
    }
    kill(worker.pid, SIGKILL);  // if it is not dead, it sends garbage
    end(worker);
#ifndef PLANTED_DEFECT  // with this defect, a task whose worker died is forgotten
    task.done({true, false, ""});
#endif
    worker = start();
  }
  end(worker);
}

// Reads the last message of a worker. False: the worker is gone, even if another process holds its
// socket open, or it sends garbage.
bool ToyPool::await(const Worker& worker, std::string& message) {
  pollfd ready[] = {{worker.socket, POLLIN, 0}, {worker.handle, POLLIN, 0}};
  poll(ready, 2, -1);
  message.resize(1 << 16);
  const ssize_t size = recv(worker.socket, message.data(), message.size(), MSG_DONTWAIT);
  message.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return size > 0 && (message[0] == 'v' || message[0] == 'e');
}

void ToyPool::end(Worker& worker) {
  shutdown(worker.socket, SHUT_WR);  // a worker ends by itself when it can get no more requests
  pollfd gone = {worker.handle, POLLIN, 0};
  if (poll(&gone, 1, 1000) == 0) kill(worker.pid, SIGKILL);
  waitpid(worker.pid, nullptr, 0);
  close(worker.socket), close(worker.handle);
}

ToyPool::Worker ToyPool::start() {
  static std::mutex one_at_a_time;  // so that no worker inherits the socket of another
  std::lock_guard lock(one_at_a_time);
  int ends[2];
  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
  const int parent = getpid();
  int pid = -1;
  while ((pid = fork()) < 0) usleep(50'000);  // no process now: the other workers go on
  if (pid != 0) {
    close(ends[1]);
    return {pid, ends[0], static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  dup2(ends[1], 3), close_range(4, ~0U, 0);
  std::string text(1 << 16, '\0');
  for (ssize_t size; (size = recv(3, text.data(), text.size(), 0)) > 0;) {
    std::string answer;
    try {
      answer = "v" + run_(text.substr(0, static_cast<std::size_t>(size)));
    } catch (const std::exception& error) {
      answer = std::string("e") + error.what();
    }
    if (send(3, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
  }
  _exit(0);
}
