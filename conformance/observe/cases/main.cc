// hang_case NAME: becomes one of the cases, and stays in that state.
#include <cstdio>

#include "conformance/observe/cases/ground.h"

int main(int argc, char** argv) {
  namespace cases = poolproof::hang::cases;
  auto all = cases::stuck_cases();
  all.merge(cases::open_cases());
  const auto found = all.find(argc == 2 ? argv[1] : "");
  if (found == all.end()) {
    for (const auto& [name, body] : all) std::puts(name.c_str());
    return 2;
  }
  found->second();
}
