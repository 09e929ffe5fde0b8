// A program without a build id, linked to a library without one. It changes its own files while it
// runs: unnamed_program PROGRAM|LIBRARY-PATH NEW-CONTENTS-OR-"-" CHANGE. Each task has a new
// worker.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "poolproof/executor.h"

int of_the_library(int x);

namespace {

int of_the_program(int x) { return x + 1; }

void change(const std::string& file, const std::string& other, const std::string& how) {
  namespace fs = std::filesystem;
  if (how == "touch") {
    const timespec times[2] = {{1, 2}, {3, 4}};
    utimensat(AT_FDCWD, file.c_str(), times, 0);
  } else if (how == "rename") {
    fs::rename(file, file + ".old");
  } else if (how == "delete") {
    fs::remove(file);
  } else if (how == "link") {
    fs::create_hard_link(file, file + ".link");
  } else if (how == "copy") {  // the same contents in a new file, as an installer does
    fs::copy_file(file, file + ".new");
    fs::rename(file + ".new", file);
  } else if (how == "replace") {
    fs::copy_file(other, file + ".new");
    fs::rename(file + ".new", file);
  } else if (how == "mode") {
    chmod(file.c_str(), 0711);
  }
}

void run(poolproof::Executor& pool, int (*function)(int)) {
  try {
    std::printf("%d\n", pool.submit(function, 1).get());
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
  }
}

}  // namespace

int main(int, char** argv) {
  poolproof::Executor pool({.workers = 1, .tasks_per_worker = 1});
  run(pool, of_the_program);
  run(pool, of_the_library);
  change(argv[1], argv[2], argv[3]);
  run(pool, of_the_program);
  run(pool, of_the_library);
  std::fflush(stdout);
}
