// For tests: while an object of this class exists, this process can start no thread.
#pragma once

#include <pthread.h>

#include <cstddef>

namespace poolproof::detail {

class NoThreads {
 public:
  NoThreads() {
    pthread_attr_t attributes;
    pthread_getattr_default_np(&attributes);
    pthread_attr_getstacksize(&attributes, &usual_);
    pthread_attr_destroy(&attributes);
    set(std::size_t{1} << 46);  // more than any address space has
  }
  ~NoThreads() { set(usual_); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  static void set(std::size_t stack) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }
  std::size_t usual_ = 0;
};

}  // namespace poolproof::detail
