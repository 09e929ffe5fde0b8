// Building blocks of the small programs of cases_test.cc. Each case becomes a process tree in a
// known state, prints "ready" on stdout, and stays in that state.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

namespace poolproof::hang::cases {

using Pair = std::array<int, 2>;

// A case that cannot be set up must not look like a case that hangs.
#define DEMAND(what)      \
  do {                    \
    if (!(what)) {        \
      std::perror(#what); \
      std::_Exit(3);      \
    }                     \
  } while (false)

// The machine lacks what the case needs: the case is skipped, and the reason is printed.
#define NEED(what)        \
  do {                    \
    if (!(what)) {        \
      std::perror(#what); \
      std::_Exit(77);     \
    }                     \
  } while (false)

void ready();
Pair new_pipe();
Pair new_sockets(int type);
pid_t child(const std::function<void()>& body);  // a process that ends after `body`
char take(int fd);                               // reads one byte; waits for it
void give(int fd);                               // writes one byte

struct Shared {
  std::array<pthread_mutex_t, 2> locks;
  pthread_cond_t changed;
  sem_t semaphore;
};
Shared& shared_by_processes();
Shared& shared_by_threads();

void reads_its_own_pipe();  // the last step of some cases

using Cases = std::map<std::string, void (*)()>;
Cases stuck_cases();  // none of these can ever continue
Cases open_cases();   // these can: by time, by themselves, or because of an outsider

}  // namespace poolproof::hang::cases
