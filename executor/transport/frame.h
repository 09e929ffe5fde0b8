// One message on a channel: a fixed little-endian header of 28 bytes, then the payload.
//
//   magic u32 | version u8 | kind u8 | flags u16 | task u64 | length u64 | crc32c u32 | payload
//
// The checksum covers the payload first, and then the header before the checksum. So the checksum
// of the payload can be computed where the payload is made, before its task number is known. A
// frame counts only when it is whole and its checksum is right (law L4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "poolproof/bytes.h"
#include "poolproof/error.h"

namespace poolproof::transport {

enum class FrameKind : std::uint8_t {
  kHello = 1,        // worker: ready
  kOffer = 2,        // parent: here is a task
  kWithdraw = 3,     // parent: give it back, if you have not claimed it
  kStop = 4,         // parent: end when you are idle
  kClaim = 5,        // worker: the task is mine; written before anything of it is decoded
  kWithdrawn = 6,    // worker: given back
  kValue = 7,        // worker: the encoded result
  kFailed = 8,       // worker: what was thrown
  kTally = 9,        // parent, before each offer: in `task`, the digest of what it received
  kInitialize = 10,  // parent, first of all: run this before your hello
  kInitBegun = 11,   // worker: sent before the call is decoded; kFailed of task 0: it threw
  kMemory = 12,      // worker, before some replies: in `task`, its anonymous memory in bytes
  kRefusal = 13,  // worker, before its hello: why it cannot serve, or what it has refused, as text
};

struct Frame {
  FrameKind kind = FrameKind::kHello;
  TaskId task = 0;
  Bytes payload = {};
  // The length of its payload, if there was no memory for it; `payload` is empty then.
  std::size_t dropped = 0;
  bool operator==(const Frame&) const = default;
};

// A payload that is sent, perhaps more than once, and its checksum.
struct Payload {
  explicit Payload(Bytes content);
  const Bytes bytes;
  const std::uint32_t sum;
};
using SharedPayload = std::shared_ptr<const Payload>;  // null: empty

// The exit codes of a worker: its channel failed, a task has written to the channel, it cannot
// serve.
inline constexpr int kChannelFailed = 113;
inline constexpr int kChannelForged = 114;
inline constexpr int kCannotServe = 115;  // it has given the reason, on stderr and in kRefusal

inline constexpr std::size_t kHeaderSize = 28;
inline constexpr std::size_t kLongestFailure = std::size_t{128} << 10;
using Header = std::array<std::byte, kHeaderSize>;
Header make_header(FrameKind kind, TaskId task, const Payload* payload);
// The value of FrameParser::digest after one more frame with this header.
std::uint32_t extend_digest(std::uint32_t digest, const Header& header);
// Header and payload in one block.
Bytes to_bytes(const Frame& frame);

// How memory for a payload is allocated.
enum class Growth {
  kWithWhatCame,  // at most four times what has come, because the length is only a claim
  kAtOnce,        // the peer is trusted
};

// Takes bytes and returns frames, however the bytes are cut. If there is no memory for a payload,
// the payload is read and dropped: its frame reports this, and the next frame is whole again. After
// an error no more frames come.
class FrameParser {
 public:
  explicit FrameParser(std::size_t max_payload, Growth growth = Growth::kWithWhatCame)
      : max_payload_(max_payload), growth_(growth) {}

  void feed(std::span<const std::byte> bytes);
  // The kind and the task of the frame whose header has come, but whose payload has not come
  // completely.
  std::optional<std::pair<FrameKind, TaskId>> begun() const;
  std::optional<Frame> next();  // whole frames, in order
  // What is wrong with the stream. next() still returns the frames before the error.
  const std::optional<std::string>& error() const { return error_; }
  bool torn() const { return have_ != 0; }  // in the middle of a frame
  // A digest of the headers of all frames so far, and so of their payloads; it differs while
  // torn().
  std::uint32_t digest() const { return torn() ? ~digest_ : digest_; }

 private:
  void accept_header();
  void keep(std::span<const std::byte> part);
  void reserve(std::size_t more);
  void finish_frame();

  std::size_t longest_of(FrameKind kind) const;

  const std::size_t max_payload_;
  const Growth growth_;
  Header header_{};
  std::size_t have_ = 0;  // bytes of the current frame, header included
  std::size_t length_ = 0;
  std::uint32_t expected_sum_ = 0;
  std::uint32_t sum_ = 0;
  std::uint32_t digest_ = 0;
  Frame current_;
  std::deque<Frame> whole_;
  std::optional<std::string> error_;
};

inline constexpr std::size_t kMostNested = 16;
// What was thrown in a worker, as it is encoded in kFailed: the type, the text, the code, what is
// nested in it, and whether that was before, in or after the function (kDecode, kTask, kEncode).
Bytes to_bytes(const Failure& thrown);
// The only decoder of these bytes. nullopt: they are not what to_bytes writes.
std::optional<Failure> parse_failure(std::span<const std::byte> bytes, TaskId task);

}  // namespace poolproof::transport
