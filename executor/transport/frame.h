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
#include <utility>
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
  kRefusal = 13,  // worker, before its hello: why it cannot serve, or what it has refused, as text
};

struct Frame {
  FrameKind kind = FrameKind::kHello;
  TaskId task = 0;
  Bytes payload = {};
  // How long its payload was, if there was no memory for it; `payload` is empty then.
  std::size_t dropped = 0;
  bool operator==(const Frame&) const = default;
};

// A payload that is sent, perhaps more than once, and its sum.
struct Payload {
  explicit Payload(Bytes content);
  const Bytes bytes;
  const std::uint32_t sum;
};
using SharedPayload = std::shared_ptr<const Payload>;  // null: empty

// What a worker ends with when its channel fails under it, and when a task has written to it.
inline constexpr int kChannelFailed = 113;
inline constexpr int kChannelForged = 114;
inline constexpr int kCannotServe = 115;  // it has said why, on stderr and in kRefusal

inline constexpr std::size_t kHeaderSize = 28;
inline constexpr std::size_t kLongestFailure = std::size_t{128} << 10;
using Header = std::array<std::byte, kHeaderSize>;
Header make_header(FrameKind kind, TaskId task, const Payload* payload);
// What FrameParser::digest is after one more frame with this header.
std::uint32_t extend_digest(std::uint32_t digest, const Header& header);
// Header and payload in one block.
Bytes to_bytes(const Frame& frame);

// How memory is taken for a payload.
enum class Growth {
  kWithWhatCame,  // at most four times what has come: the length is merely claimed
  kAtOnce,        // the peer is trusted
};

// Bytes in, frames out, however the bytes are cut. A payload for which there is no memory is read
// and dropped: its frame says so, and the next one is whole again. After an error nothing more
// comes out.
class FrameParser {
 public:
  explicit FrameParser(std::size_t max_payload, Growth growth = Growth::kWithWhatCame)
      : max_payload_(max_payload), growth_(growth) {}

  void feed(std::span<const std::byte> bytes);
  // The kind and the task of the frame whose header has come, and whose payload has not yet.
  std::optional<std::pair<FrameKind, TaskId>> begun() const;
  std::optional<Frame> next();  // whole frames, in order
  // What is wrong with the stream; frames before the fault still come out of next().
  const std::optional<std::string>& error() const { return error_; }
  bool torn() const { return have_ != 0; }  // in the middle of a frame
  // Of the headers of all frames so far, and thereby of their payloads; another one while torn.
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
