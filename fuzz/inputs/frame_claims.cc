#include <algorithm>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "executor/check.h"
#include "executor/transport/frame.h"
#include "fuzz/inputs/claims.h"
#include "poolproof/codec.h"

namespace poolproof::fuzz {
namespace {

using transport::Frame;
using transport::FrameKind;
using transport::FrameParser;
using transport::kHeaderSize;

constexpr std::size_t kLimit = 1 << 16;

struct Heard {
  std::vector<Frame> frames;
  bool failed = false;
  bool torn = false;
  std::uint32_t digest = 0;
  bool operator==(const Heard&) const = default;
};

Heard hear(const Bytes& stream, std::size_t piece) {
  FrameParser parser(kLimit);
  Heard heard;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    parser.feed(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
    while (std::optional<Frame> frame = parser.next()) heard.frames.push_back(std::move(*frame));
  }
  heard.failed = parser.error().has_value();
  heard.torn = !heard.failed && parser.torn();
  heard.digest = heard.failed ? 0 : parser.digest();
  return heard;
}

// The same stream as far as it has frames, with correct checksums.
Bytes with_right_sums(const Bytes& stream) {
  Bytes fixed;
  std::size_t at = 0;
  while (stream.size() - at >= kHeaderSize) {
    Frame frame;
    std::uint64_t length = 0;
    frame.kind = static_cast<FrameKind>(stream[at + 5]);
    std::memcpy(&frame.task, &stream[at + 8], sizeof(frame.task));
    std::memcpy(&length, &stream[at + 16], sizeof(length));
    at += kHeaderSize;
    const std::size_t size = std::min<std::uint64_t>(length, stream.size() - at);
    frame.payload.assign(stream.begin() + static_cast<std::ptrdiff_t>(at),
                         stream.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
    const Bytes bytes = to_bytes(frame);
    fixed.insert(fixed.end(), bytes.begin(), bytes.end());
  }
  fixed.insert(fixed.end(), stream.begin() + static_cast<std::ptrdiff_t>(at), stream.end());
  return fixed;
}

// Reading a payload as a value gives the value or an exception, and takes no more memory than its
// bytes can fill.
template <class T>
void decodes_or_throws(const Bytes& payload) {
  try {
    WireReader in(payload);
    const T value = Codec<T>::decode(in);
    WireWriter out;
    Codec<T>::encode(out, value);
    POOLPROOF_CHECK(out.bytes().size() <= payload.size(), "a value is longer than what it came of");
  } catch (const std::exception&) {  // the exception says what is wrong with the bytes
  }
}

void payload_is_harmless(const Frame& frame) {
  if (const auto failure = transport::parse_failure(frame.payload, 7)) {
    const auto again = transport::parse_failure(transport::to_bytes(*failure), 7);
    POOLPROOF_CHECK(again == failure, "a failure does not survive its own encoding");
  }
  decodes_or_throws<std::string>(frame.payload);
  decodes_or_throws<std::vector<std::vector<std::string>>>(frame.payload);
  decodes_or_throws<std::map<std::string, std::optional<double>>>(frame.payload);
  decodes_or_throws<std::tuple<bool, std::vector<double>, std::array<int, 3>>>(frame.payload);
}

}  // namespace

void claims_of_frames_hold(Input input) {
  if (input.empty()) return;
  const std::size_t piece = 1 + (input[0] & 0x7F);
  Bytes stream(input.size() - 1);
  if (!stream.empty()) std::memcpy(stream.data(), &input[1], stream.size());
  if ((input[0] & 0x80) != 0) stream = with_right_sums(stream);

  const Heard whole = hear(stream, std::max<std::size_t>(stream.size(), 1));
  POOLPROOF_CHECK(hear(stream, piece) == whole, "how the bytes are cut changes what is heard");
  std::size_t told = 0;
  for (const Frame& frame : whole.frames) {
    POOLPROOF_CHECK(frame.payload.size() <= std::max(kLimit, transport::kLongestFailure),
                    "a frame is longer than the limit");
    const Bytes bytes = to_bytes(frame);
    POOLPROOF_CHECK(hear(bytes, bytes.size()).frames == std::vector{frame},
                    "a frame does not survive its own encoding");
    told += bytes.size();
    payload_is_harmless(frame);
  }
  POOLPROOF_CHECK(told <= stream.size(), "more was heard than was said");
}

}  // namespace poolproof::fuzz
