// Any split of the bytes gives the same messages; any corruption gives an error and no other
// message.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "executor/transport/frame.h"
#include "fuzz/property.h"

namespace poolproof::transport {
namespace {

constexpr std::size_t kLimit = 1 << 20;

rc::Gen<Frame> any_frame() {
  const auto payload =
      rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
  return rc::gen::apply(
      [](int kind, TaskId task, const std::vector<std::uint8_t>& content) {
        Frame frame{static_cast<FrameKind>(kind), task, {}};
        for (const std::uint8_t byte : content)
          frame.payload.push_back(static_cast<std::byte>(byte));
        return frame;
      },
      rc::gen::inRange(1, 10), rc::gen::arbitrary<TaskId>(), payload);
}

Bytes stream_of(const std::vector<Frame>& frames) {
  Bytes stream;
  for (const Frame& frame : frames) {
    const Bytes bytes = to_bytes(frame);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  return stream;
}

// Feeds the stream in pieces of the given sizes, over and over.
std::vector<Frame> parse(FrameParser& parser, const Bytes& stream, std::vector<std::size_t> cuts) {
  std::vector<Frame> frames;
  std::size_t at = 0;
  for (std::size_t i = 0; at < stream.size(); ++i) {
    const std::size_t wanted = cuts.empty() ? stream.size() : 1 + cuts[i % cuts.size()] % 64;
    const std::size_t size = std::min(wanted, stream.size() - at);
    parser.feed(std::span(stream).subspan(at, size));
    at += size;
    while (auto frame = parser.next()) frames.push_back(std::move(*frame));
  }
  return frames;
}

bool is_prefix(const std::vector<Frame>& part, const std::vector<Frame>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

TEST(FrameProperty, any_split_of_the_bytes_gives_the_same_messages) {
  fuzz::holds("split", 1000, [] {
    const auto frames = *rc::gen::container<std::vector<Frame>>(any_frame());
    const auto cuts = *rc::gen::arbitrary<std::vector<std::size_t>>();
    FrameParser parser(kLimit);
    RC_ASSERT(parse(parser, stream_of(frames), cuts) == frames);
    RC_ASSERT(!parser.error());
    RC_ASSERT(!parser.torn());
  });
}

TEST(FrameProperty, any_changed_byte_gives_an_error_and_no_message_from_there_on) {
  fuzz::holds("corruption", 2000, [] {
    const auto frames = *rc::gen::nonEmpty(rc::gen::container<std::vector<Frame>>(any_frame()));
    const auto cuts = *rc::gen::arbitrary<std::vector<std::size_t>>();
    Bytes stream = stream_of(frames);
    const auto where = *rc::gen::inRange<std::size_t>(0, stream.size());
    const auto change = *rc::gen::inRange(1, 256);
    stream[where] ^= static_cast<std::byte>(change);
    FrameParser parser(kLimit);
    const std::vector<Frame> seen = parse(parser, stream, cuts);
    RC_ASSERT(is_prefix(seen, frames));
    RC_ASSERT(seen.size() < frames.size());
    // A length that was changed to a longer one waits for bytes that never come: torn.
    RC_ASSERT(parser.error() || parser.torn());
  });
}

TEST(FrameProperty, a_stream_that_is_cut_off_is_torn_or_ends_between_two_messages) {
  fuzz::holds("cut off", 1000, [] {
    const auto frames = *rc::gen::nonEmpty(rc::gen::container<std::vector<Frame>>(any_frame()));
    const auto cuts = *rc::gen::arbitrary<std::vector<std::size_t>>();
    Bytes stream = stream_of(frames);
    stream.resize(*rc::gen::inRange<std::size_t>(0, stream.size()));
    FrameParser parser(kLimit);
    const std::vector<Frame> seen = parse(parser, stream, cuts);
    RC_ASSERT(is_prefix(seen, frames));
    RC_ASSERT(!parser.error());
    RC_ASSERT(parser.torn() == (stream_of(seen).size() != stream.size()));
  });
}

TEST(FrameProperty, arbitrary_bytes_never_harm_the_parser) {
  fuzz::holds("noise", 1000, [] {
    const auto noise = *rc::gen::arbitrary<std::vector<std::uint8_t>>();
    const auto cuts = *rc::gen::arbitrary<std::vector<std::size_t>>();
    Bytes stream;
    for (const std::uint8_t byte : noise) stream.push_back(static_cast<std::byte>(byte));
    FrameParser parser(kLimit);
    RC_ASSERT(parse(parser, stream, cuts).empty());
    RC_ASSERT(parser.error() || stream.size() < kHeaderSize);
  });
}

}  // namespace
}  // namespace poolproof::transport
