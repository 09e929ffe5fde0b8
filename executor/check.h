// A bug of our own ends the program at once, in release too, with file and line.
#pragma once

#include <cstdio>
#include <cstdlib>

// `why`: what must hold, and what a reader should look at first.
#define POOLPROOF_CHECK(condition, why)                                                       \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "%s:%d: poolproof: bug: %s: %s\n", __FILE__, __LINE__, #condition, \
                   why);                                                                      \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
