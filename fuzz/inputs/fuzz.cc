// Gives libFuzzer's inputs to the claims that CLAIMS names: ./dev fuzz. An input that breaks one is
// written to a file; call this program with that file to see it again.
#include "fuzz/inputs/claims.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  poolproof::fuzz::CLAIMS({data, size});
  return 0;
}
