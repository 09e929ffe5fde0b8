#include "fuzz/belongings.h"

#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace poolproof::fuzz {
namespace {

std::size_t shared_memory() {
  std::size_t count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    for (const char* kind : {" /dev/shm/", " /memfd:", " /SYSV"}) {
      if (line.find(kind) != std::string::npos) ++count;
    }
  }
  std::error_code none;  // a machine may have no /dev/shm
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", none)) {
    if (entry.path().filename().string().find("poolproof") != std::string::npos) ++count;
  }
  return count;
}

// With its first thread, a program may get things that it keeps forever: a sanitizer's own thread,
// for example. So we start a first thread ourselves. A joined thread stays in the list for a
// moment.
bool had_a_thread() {
  std::string place;
  std::thread([&place] { place = "/proc/self/task/" + std::to_string(gettid()); }).join();
  while (std::filesystem::exists(place)) sched_yield();
  return true;
}

}  // namespace

Belongings belongings() {
  [[maybe_unused]] static const bool settled = had_a_thread();
  Belongings found;
  for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++found.descriptors;
  }
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    ++found.threads;
    std::ifstream children(thread.path() / "children");
    for (int pid = 0; children >> pid;) ++found.children;
  }
  found.shared_memory = shared_memory();
  return found;
}

Belongings belongings_after(const Belongings& before, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  Belongings now = belongings();
  while (now != before && std::chrono::steady_clock::now() < until) {
    sched_yield();
    now = belongings();
  }
  return now;
}

std::string to_string(const Belongings& belongings) {
  return std::to_string(belongings.descriptors) + " descriptors, " +
         std::to_string(belongings.threads) + " threads, " + std::to_string(belongings.children) +
         " children, " + std::to_string(belongings.shared_memory) + " shared memory";
}

}  // namespace poolproof::fuzz
