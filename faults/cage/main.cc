// poolproof_cage: contains one attempt. The harness starts it (cage.h); do not start it by hand.
#include <fcntl.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "faults/cage/guard.h"
#include "faults/cage/keeper.h"

int main(int argc, char** argv) {
  poolproof::faults::GuardOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--no-namespaces")
      options.namespaces = false;
    else if (argument == "--parent" && i + 1 < argc)
      options.parent = std::atoi(argv[++i]);
    else
      options.parent = -1;
  }
  const bool has_fds = ::fcntl(poolproof::faults::kHarnessFd, F_GETFD) >= 0 &&
                       ::fcntl(poolproof::faults::kLineFd, F_GETFD) >= 0 &&
                       ::fcntl(poolproof::faults::kErrorsFd, F_GETFD) >= 0;
  if (options.parent <= 0 || !has_fds) {
    std::fputs(
        "poolproof_cage contains one attempt and is started by poolproof, not by hand:\n"
        "run `poolproof check` instead (faults/cage/protocol.md lists its descriptors).\n",
        stderr);
    return 64;
  }
  try {
    return poolproof::faults::stand_guard(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "poolproof_cage: the guard failed: %s\n", error.what());
    return 70;
  }
}
