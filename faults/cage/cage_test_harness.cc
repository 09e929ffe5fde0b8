// A harness for the cage's tests that the tests kill. It fills a cage with processes, reports that,
// and waits. Arguments: the cage program, the body program, a token, "namespaces" or "subreaper".
// With only the cage program as argument, it prints what the probe says about this machine.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "faults/cage/cage.h"

namespace {

void await(int fd) {
  pollfd one = {fd, POLLIN, 0};
  if (::poll(&one, 1, 20'000) != 1) std::exit(80);
}

nlohmann::json next(poolproof::faults::Cage& cage) {
  while (true) {
    await(cage.fd());
    if (auto message = cage.receive()) return *message;
  }
}

void ask(poolproof::faults::Cage& cage, const std::string& text) {
  if (::write(cage.line_fd(), text.data(), text.size()) < 0) std::exit(81);
  await(cage.line_fd());
  std::array<char, 4096> answer;
  if (::read(cage.line_fd(), answer.data(), answer.size()) <= 0) std::exit(82);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) {
    const auto doors = poolproof::faults::probe_doors(argv[1]);
    std::printf("%s, mounts %d: %s\n", doors.mode.c_str(), doors.mounts, doors.why.c_str());
    if (!doors.no_syscalls.empty()) std::printf("no tracer: %s\n", doors.no_syscalls.c_str());
    return 0;
  }
  if (argc != 5) return 2;
  poolproof::faults::CageOptions options;
  options.program = argv[1];
  options.command = {argv[2], argv[3]};
  options.cwd = "/";
  options.namespaces = std::string(argv[4]) == "namespaces";
  poolproof::faults::Cage cage(options);
  const auto ready = next(cage);
  if (ready.at("ev") != "ready") {
    std::fprintf(stderr, "%s\n", ready.dump().c_str());
    return 83;
  }
  ask(cage, "paths " + ready.at("ledger").get<std::string>() + " " +
                ready.at("rendezvous").get<std::string>());
  ask(cage, "sleeper");
  ask(cage, "daemon");
  ask(cage, "leaderless");
  ask(cage, "worker t1");
  while (next(cage).at("ev") != "met") {
  }
  // Keeps copies of all our descriptors, so closing our end makes no EOF.
  const pid_t holder = ::fork();
  if (holder == 0)
    while (true) ::pause();
  std::printf("%s %d\n", ready.at("mode").get<std::string>().c_str(), holder);
  std::fflush(stdout);
  while (true) ::pause();
}
