#include "my_pool.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

namespace {

constexpr std::uint64_t kLongest = std::uint64_t{1} << 30;  // bytes of one message

// A message is its length, then its bytes; false if the other end is gone before all has come.
bool write_all(int socket, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = send(socket, bytes, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool read_all(int socket, char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t got = recv(socket, bytes, size, 0);
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_message(int socket, char kind, const std::string& text) {
  const std::uint64_t size = text.size();
  std::string message(1 + sizeof size, kind);
  message.replace(1, sizeof size, reinterpret_cast<const char*>(&size), sizeof size);
  return write_all(socket, (message + text).data(), message.size() + text.size());
}

bool read_message(int socket, char& kind, std::string& text) {
  std::uint64_t size = 0;
  if (!read_all(socket, &kind, 1)) return false;
  if (!read_all(socket, reinterpret_cast<char*>(&size), sizeof size)) return false;
  if (size > kLongest) return false;  // garbage
  text.resize(size);
  return read_all(socket, text.data(), text.size());
}

}  // namespace

MyPool::MyPool(int workers, Work work) : work_(std::move(work)) {
  for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { serve(); });
}

MyPool::~MyPool() {
  {
    const std::lock_guard<std::mutex> hold(lock_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void MyPool::submit(std::string request, Done done) {
  {
    const std::lock_guard<std::mutex> hold(lock_);
    tasks_.push_back({std::move(request), std::move(done)});
  }
  changed_.notify_one();
}

bool MyPool::take(Task& task) {
  std::unique_lock<std::mutex> hold(lock_);
  changed_.wait(hold, [this] { return closing_ || !tasks_.empty(); });
  if (tasks_.empty()) return false;
  task = std::move(tasks_.front());
  tasks_.pop_front();
  return true;
}

// The work of one thread: it drives its worker, and starts another one when that one has died.
void MyPool::serve() {
  Worker worker = start();
  for (Task task; take(task);) {
    if (!alive(worker)) {  // it died while it was idle
      end(worker);
      worker = start();
    }
    const Ending ending = ask(worker, task.request);
    if (ending.how == Ending::How::kDied) {
      kill(worker.pid, SIGKILL);  // it may still live without its socket, or send garbage
      end(worker);
    }
    try {
      task.done(ending);
    } catch (const std::exception& error) {  // the pool ignores what a callback throws
      std::fprintf(stderr, "my_pool: a callback threw: %s\n", error.what());
    }
    if (ending.how == Ending::How::kDied) worker = start();
  }
  end(worker);
}

Ending MyPool::ask(const Worker& worker, const std::string& request) {
  write_message(worker.socket, 'r', request);  // if the worker is dead, the handle shows it
  pollfd either[] = {{worker.socket, POLLIN, 0}, {worker.handle, POLLIN, 0}};
  poll(either, 2, -1);
  char kind = 0;
  Ending ending;
  if ((either[0].revents & POLLIN) == 0 || !read_message(worker.socket, kind, ending.text))
    return {Ending::How::kDied, "process " + std::to_string(worker.pid) + " ended"};
  ending.how = kind == 'v' ? Ending::How::kReturned : Ending::How::kThrew;
  return ending;
}

bool MyPool::alive(const Worker& worker) {
  pollfd gone = {worker.handle, POLLIN, 0};
  return poll(&gone, 1, 0) == 0;
}

void MyPool::end(const Worker& worker) {
  shutdown(worker.socket, SHUT_WR);  // the worker ends when it can get no more requests
  waitpid(worker.pid, nullptr, 0);
  close(worker.socket);
  close(worker.handle);
}

MyPool::Worker MyPool::start() {
  static std::mutex one_at_a_time;  // so that no worker inherits the other end of another's socket
  const std::lock_guard<std::mutex> hold(one_at_a_time);
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  const int parent = getpid();
  int pid = -1;
  while ((pid = fork()) < 0) usleep(50'000);  // no process now: the other workers go on
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    dup2(ends[1], 3);
    close_range(4, ~0U, 0);  // closes the inherited sockets of the other workers
    work(3);
  }
  close(ends[1]);
  return {pid, ends[0], static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

void MyPool::work(int socket) {
  char kind = 0;
  for (std::string request; read_message(socket, kind, request);) {
    bool answered = false;
    try {
      answered = write_message(socket, 'v', work_(request));
    } catch (const std::exception& error) {
      answered = write_message(socket, 'e', error.what());
    }
    if (!answered) break;
  }
  _exit(0);
}
