// What must hold for any bytes that a channel may bring: checked for inputs that libFuzzer makes up
// (frame_fuzz.cc) and, in every test run, for those that are kept in corpus/frames.
#pragma once

#include <cstdint>
#include <span>

namespace poolproof::fuzz {

// The first byte says how the rest is cut, and whether its sums are mended first, since no random
// change hits upon a right sum. Aborts with file and line if a claim is broken.
void claims_of_frames_hold(std::span<const std::uint8_t> input);

}  // namespace poolproof::fuzz
