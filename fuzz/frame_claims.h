// What must hold for any bytes that a channel may bring. Checked for inputs that libFuzzer makes
// (frame_fuzz.cc) and, in every test run, for the inputs in corpus/frames.
#pragma once

#include <cstdint>
#include <span>

namespace poolproof::fuzz {

// The first byte says how the rest is cut, and whether its checksums are corrected first, because
// no random change gives a right checksum. Aborts with file and line if a claim is broken.
void claims_of_frames_hold(std::span<const std::uint8_t> input);

}  // namespace poolproof::fuzz
