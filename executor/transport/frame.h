// One message on a channel: a fixed little-endian header of 28 bytes, then the payload.
//
//   magic u32 | version u8 | kind u8 | flags u16 | task u64 | length u64 | crc32c u32 | payload
//
// The sum covers the payload and then the header before it, so that it can be made where the
// payload is, before anyone knows which task number it will get. A frame counts only when it is
// whole and its sum is right (law L4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "poolproof/codec.h"
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
  kFailed = 8,       // worker: the encoded TaskFailure
  kTally = 9,        // parent, before each offer: in `task`, the digest of all it has heard
  kInitialize = 10,  // parent, first of all: run this before your hello
  kInitBegun = 11,  // worker: written before anything of it is decoded; kFailed of task 0: it threw
  kMemory = 12,     // worker, before a reply now and then: in `task`, its anonymous memory in bytes
};

struct Frame {
  FrameKind kind = FrameKind::kHello;
  TaskId task = 0;
  Bytes payload;
  bool operator==(const Frame&) const = default;
};

// A payload that is sent, perhaps more than once, and its sum.
struct Payload {
  explicit Payload(Bytes content);
  const Bytes bytes;
  const std::uint32_t sum;
};
using SharedPayload = std::shared_ptr<const Payload>;  // null: empty

inline constexpr std::size_t kHeaderSize = 28;
inline constexpr std::size_t kLongestFailure = std::size_t{128} << 10;
using Header = std::array<std::byte, kHeaderSize>;
Header make_header(FrameKind kind, TaskId task, const Payload* payload);
// What FrameParser::digest is after one more frame with this header.
std::uint32_t extend_digest(std::uint32_t digest, const Header& header);
// Header and payload in one block.
Bytes to_bytes(const Frame& frame);

// Bytes in, frames out, however the bytes are cut. Memory grows with the bytes that came, never
// with a length that was merely claimed. After an error nothing more comes out.
class FrameParser {
 public:
  explicit FrameParser(std::size_t max_payload) : max_payload_(max_payload) {}

  void feed(std::span<const std::byte> bytes);
  std::optional<Frame> next();  // whole frames, in order
  // What is wrong with the stream; frames before the fault still come out of next().
  const std::optional<std::string>& error() const { return error_; }
  bool torn() const { return have_ != 0; }  // in the middle of a frame
  // Of the headers of all frames so far, and thereby of their payloads; another one while torn.
  std::uint32_t digest() const { return torn() ? ~digest_ : digest_; }

 private:
  void accept_header();
  void finish_frame();

  std::size_t longest_of(FrameKind kind) const;

  const std::size_t max_payload_;
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

// How a task failed in the worker, as it travels in kFailed.
struct TaskFailure {
  std::uint8_t step = 0;  // detail::Step
  std::string type_name;
  std::string text;
  std::optional<ThrownCode> code = {};
  std::vector<Thrown> nested = {};  // at most kMostNested
  bool operator==(const TaskFailure&) const = default;
};
inline constexpr std::size_t kMostNested = 16;
Bytes to_bytes(const TaskFailure& failure);
std::optional<TaskFailure> parse_task_failure(std::span<const std::byte> bytes);
// The same for the one who asks for the result of `task`.
Failure to_failure(TaskFailure told, TaskId task);

}  // namespace poolproof::transport
