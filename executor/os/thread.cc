#include "executor/os/thread.h"

#include <pthread.h>
#include <signal.h>

#include <exception>
#include <utility>

#include "executor/os/os.h"

namespace poolproof::os {

std::thread start_quiet_thread(const char* name, std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // a new thread inherits this mask
  try {
    std::thread thread(std::move(body));
    pthread_setname_np(thread.native_handle(), name);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
}

std::optional<std::thread> Os::start_thread(const char* name, std::function<void()> body) {
  try {
    return start_quiet_thread(name, std::move(body));
  } catch (const std::exception&) {  // no thread (EAGAIN), or no memory for one
    return std::nullopt;
  }
}

}  // namespace poolproof::os
