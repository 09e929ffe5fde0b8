// What a cage costs, in each mode: prints medians. README.md quotes it with the command.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "faults/cage/cage.h"

namespace {

using poolproof::faults::Cage;
using poolproof::faults::CageOptions;

constexpr int kRounds = 100;

double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

nlohmann::json await(Cage& cage, const std::string& ev) {
  while (true) {
    pollfd news = {cage.fd(), POLLIN, 0};
    ::poll(&news, 1, -1);
    while (auto message = cage.receive())
      if (message->at("ev") == ev) return *message;
  }
}

void measure(bool namespaces) {
  std::map<std::string, std::vector<double>> taken;
  std::string mode;
  for (int round = 0; round < kRounds; ++round) {
    CageOptions options;
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    options.program = here / "poolproof_cage";
    options.command = {"/bin/sh", "-c", "sleep 60 & sleep 60 & sleep 60 & wait"};
    options.env["PATH"] = "/usr/bin:/bin";
    options.cwd = "/";
    options.namespaces = namespaces;
    const double begun = now_ms();
    double ended = 0;
    {
      Cage cage(options);
      mode = await(cage, "ready").at("mode");
      const double ready = now_ms();
      taken["1 start, until ready"].push_back(ready - begun);
      cage.ping(1);
      await(cage, "pong");
      const double pong = now_ms();
      taken["2 ping"].push_back(pong - ready);
      cage.snapshot(1);
      await(cage, "snapshot");
      const double shot = now_ms();
      taken["3 snapshot of about 4 processes"].push_back(shot - pong);
      ended = now_ms();
      cage.end();
      await(cage, "healed");
      taken["4 end, until healed"].push_back(now_ms() - ended);
    }
    taken["5 end, until nothing is left"].push_back(now_ms() - ended);
  }
  for (auto& [what, times] : taken) {
    std::sort(times.begin(), times.end());
    std::printf("%-14s %-32s median %6.2f ms, worst %6.2f ms\n", mode.c_str(), what.c_str() + 2,
                times[times.size() / 2], times.back());
  }
}

}  // namespace

int main() {
  measure(true);
  measure(false);
}
