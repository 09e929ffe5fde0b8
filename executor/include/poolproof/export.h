// What the shared library shows; all else in it is hidden. The types of exceptions are shown too,
// so that a catch on one side of a library's edge knows what was thrown on the other.
#pragma once

#define POOLPROOF_EXPORT __attribute__((visibility("default")))
