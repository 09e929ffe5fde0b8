// Every stored input, a seed or one that once broke a claim, keeps the claims. And each seed is
// what its name says.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "executor/transport/frame.h"
#include "fuzz/frame_claims.h"

namespace poolproof {
namespace {

namespace fs = std::filesystem;
using transport::Frame;
using transport::FrameKind;

std::vector<std::uint8_t> read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(FrameCorpus, keeps_the_claims) {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(FRAME_CORPUS)) {
    SCOPED_TRACE(entry.path());
    fuzz::claims_of_frames_hold(read(entry.path()));
    ++seen;
  }
  EXPECT_GE(seen, 5);
}

TEST(FrameCorpus, has_a_whole_message_of_every_kind) {
  std::set<FrameKind> kinds;
  for (const auto& entry : fs::directory_iterator(FRAME_CORPUS)) {
    const auto input = read(entry.path());
    if (input.size() < 2) continue;
    transport::FrameParser parser(1 << 16);
    parser.feed(std::as_bytes(std::span(input).subspan(1)));
    while (const auto frame = parser.next()) kinds.insert(frame->kind);
  }
  EXPECT_EQ(kinds.size(), 9u) << "a kind has no seed: libFuzzer would have to guess its message";
}

}  // namespace
}  // namespace poolproof
