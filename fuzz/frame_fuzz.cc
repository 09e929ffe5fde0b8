// Gives libFuzzer's inputs to the claims: ./dev fuzz. An input that breaks one is written to a
// file; call this program with that file to see it again.
#include "fuzz/frame_claims.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  poolproof::fuzz::claims_of_frames_hold({data, size});
  return 0;
}
