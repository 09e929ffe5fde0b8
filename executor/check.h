// A bug in our own code ends the program at once, with file and line, in release builds too.
#pragma once

#include <cstdio>
#include <cstdlib>

// `why`: what must hold, and what a reader should check first.
#define POOLPROOF_CHECK(condition, why)                                                       \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "%s:%d: poolproof: bug: %s: %s\n", __FILE__, __LINE__, #condition, \
                   why);                                                                      \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
