// What the shared library exports; everything else in it is hidden. The types of exceptions are
// exported too, so that a catch on one side of a library boundary recognises what was thrown on the
// other side.
//
// Every header of poolproof includes this one before it declares anything. So an older C++ is
// refused here: the include of a file that does not exist ends the compilation, without a page of
// errors that follow from the first.
#pragma once

#if __cplusplus < 202002L
#error poolproof needs C++20: use -std=c++20 (CMake: target_compile_features(... cxx_std_20))
#include <poolproof_needs_cxx20>
#endif

#define POOLPROOF_EXPORT __attribute__((visibility("default")))
