// The same small program for every way of linking: prints the results of an executor.
#include <cstdio>
#include <string>

std::string run_in_layer();
void enter_in_layer(int argc, char** argv);

int main([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
#ifdef CURED
  enter_in_layer(argc, argv);
#endif
  std::printf("%s\n", run_in_layer().c_str());
  return 0;
}
