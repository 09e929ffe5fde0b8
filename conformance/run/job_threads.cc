#include "conformance/run/job_threads.h"

#include <poll.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace poolproof::conformance {

struct JobThreads::State {
  int stop_fd = -1;
  std::mutex lock;
  std::condition_variable something_to_do, nothing_at_work;
  std::function<void(std::size_t)> begin, work;
  std::function<bool()> enough;
  std::size_t next = 0, count = 0, at_work = 0;
  bool over = false;     // the threads must end
  bool stopped = false;  // no further item of this list begins
  std::exception_ptr thrown;
  std::vector<std::thread> threads;

  bool asked_to_stop() const {
    pollfd one = {stop_fd, POLLIN, 0};
    return stop_fd >= 0 && ::poll(&one, 1, 0) > 0;
  }

  void keep(std::exception_ptr what) {
    if (!thrown) thrown = std::move(what);
    stopped = true;
  }

  // Call with the lock held: takes the next item and calls begin for it; false if there is none.
  bool take(std::size_t& item) {
    if (stopped || next >= count) return false;
    if (enough && enough()) {
      count = next;
      return false;
    }
    if (asked_to_stop()) {
      stopped = true;
      return false;
    }
    item = next++;
    try {
      begin(item);
      return true;
    } catch (...) {
      keep(std::current_exception());
      return false;
    }
  }

  void live() {
    std::unique_lock<std::mutex> hold(lock);
    for (;;) {
      something_to_do.wait(hold, [&] { return over || (!stopped && next < count); });
      if (over) return;
      std::size_t item = 0;
      if (take(item)) {
        ++at_work;
        hold.unlock();
        std::exception_ptr failed;
        try {
          work(item);
        } catch (...) {
          failed = std::current_exception();
        }
        hold.lock();
        if (failed) keep(failed);
        --at_work;
      }
      if (at_work == 0 && (stopped || next >= count)) nothing_at_work.notify_all();
    }
  }
};

JobThreads::JobThreads(int threads, int stop_fd) : state_(std::make_unique<State>()) {
  state_->stop_fd = stop_fd;
  for (int i = 0; i < std::max(1, threads); ++i)
    state_->threads.emplace_back([state = state_.get()] { state->live(); });
}

JobThreads::~JobThreads() {
  {
    const std::lock_guard<std::mutex> hold(state_->lock);
    state_->over = true;
  }
  state_->something_to_do.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

bool JobThreads::each(std::size_t count, std::function<void(std::size_t)> begin,
                      std::function<void(std::size_t)> work, std::function<bool()> enough) {
  std::unique_lock<std::mutex> hold(state_->lock);
  state_->begin = std::move(begin);
  state_->work = std::move(work);
  state_->enough = std::move(enough);
  state_->next = 0;
  state_->count = count;
  state_->stopped = false;
  state_->thrown = nullptr;
  state_->something_to_do.notify_all();
  state_->nothing_at_work.wait(hold, [&] {
    return state_->at_work == 0 && (state_->stopped || state_->next >= state_->count);
  });
  state_->count = state_->next = 0;
  if (state_->thrown) std::rethrow_exception(state_->thrown);
  return !state_->stopped;
}

}  // namespace poolproof::conformance
