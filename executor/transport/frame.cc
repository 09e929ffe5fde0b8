#include "executor/transport/frame.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "executor/transport/crc32c.h"
#include "executor/transport/thrown.h"
#include "poolproof/task.h"

namespace poolproof::transport {
namespace {

constexpr std::uint32_t kMagic = 0x46505031;  // "1PPF"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSummed = kHeaderSize - sizeof(std::uint32_t);  // the header before the sum

template <class T>
void store(std::byte* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    at[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}
template <class T>
T load(const std::byte* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  return static_cast<T>(value);
}

}  // namespace

Payload::Payload(Bytes content) : bytes(std::move(content)), sum(crc32c(bytes)) {}

Header make_header(FrameKind kind, TaskId task, const Payload* payload) {
  Header header{};
  store(&header[0], kMagic);
  store(&header[4], kVersion);
  store(&header[5], static_cast<std::uint8_t>(kind));
  store(&header[6], std::uint16_t{0});
  store(&header[8], task);
  store(&header[16], static_cast<std::uint64_t>(payload != nullptr ? payload->bytes.size() : 0));
  const std::uint32_t before = payload != nullptr ? payload->sum : 0;
  store(&header[kSummed], crc32c(std::span(header).first(kSummed), before));
  return header;
}

std::uint32_t extend_digest(std::uint32_t digest, const Header& header) {
  return crc32c(header, digest);
}

Bytes to_bytes(const Frame& frame) {
  const Payload payload(frame.payload);
  const Header header = make_header(frame.kind, frame.task, &payload);
  Bytes bytes(header.size() + frame.payload.size());
  std::copy(frame.payload.begin(), frame.payload.end(),
            std::copy(header.begin(), header.end(), bytes.begin()));
  return bytes;
}

void FrameParser::feed(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !error_) {
    if (have_ < kHeaderSize) {
      const std::size_t take = std::min(bytes.size(), kHeaderSize - have_);
      std::copy_n(bytes.begin(), take, header_.begin() + static_cast<std::ptrdiff_t>(have_));
      have_ += take;
      bytes = bytes.subspan(take);
      if (have_ == kHeaderSize) accept_header();
    } else {
      const std::size_t take = std::min(bytes.size(), length_ - (have_ - kHeaderSize));
      const auto part = bytes.first(take);
      keep(part);
      sum_ = crc32c(part, sum_);
      have_ += take;
      bytes = bytes.subspan(take);
    }
    if (!error_ && have_ >= kHeaderSize && have_ - kHeaderSize == length_) finish_frame();
  }
}

void FrameParser::keep(std::span<const std::byte> part) {
  if (current_.dropped != 0) return;
  try {
    reserve(part.size());
    current_.payload.insert(current_.payload.end(), part.begin(), part.end());
  } catch (const std::bad_alloc&) {
    current_.dropped = length_;
  } catch (const std::length_error&) {  // longer than any vector can be
    current_.dropped = length_;
  }
  if (current_.dropped != 0) current_.payload = Bytes();
}

void FrameParser::reserve(std::size_t more) {
  const std::size_t needed = current_.payload.size() + more;
  if (needed <= current_.payload.capacity()) return;
  const bool whole = growth_ == Growth::kAtOnce || needed >= length_ / 4;
  current_.payload.reserve(whole ? length_ : std::max(needed, 2 * current_.payload.capacity()));
}

std::optional<std::pair<FrameKind, TaskId>> FrameParser::begun() const {
  if (error_ || have_ < kHeaderSize) return std::nullopt;
  return std::pair(current_.kind, current_.task);
}

std::optional<Frame> FrameParser::next() {
  if (whole_.empty()) return std::nullopt;
  Frame frame = std::move(whole_.front());
  whole_.pop_front();
  return frame;
}

// The error of a task is accepted whatever the limit is; the user's limit concerns results.
std::size_t FrameParser::longest_of(FrameKind kind) const {
  return kind == FrameKind::kFailed ? std::max(max_payload_, kLongestFailure) : max_payload_;
}

void FrameParser::accept_header() {
  const auto kind = load<std::uint8_t>(&header_[5]);
  const auto length = load<std::uint64_t>(&header_[16]);
  if (load<std::uint32_t>(&header_[0]) != kMagic) {
    error_ = "not a frame: the magic number is missing";
  } else if (load<std::uint8_t>(&header_[4]) != kVersion) {
    error_ = "a frame of version " + std::to_string(load<std::uint8_t>(&header_[4]));
  } else if (kind < static_cast<int>(FrameKind::kHello) ||
             kind > static_cast<int>(FrameKind::kRefusal)) {
    error_ = "a frame of unknown kind " + std::to_string(kind);
  } else if (load<std::uint16_t>(&header_[6]) != 0) {
    error_ = "a frame with unknown flags";
  } else if (length > longest_of(static_cast<FrameKind>(kind))) {
    error_ = "a frame that claims " + std::to_string(length) + " bytes, more than the limit of " +
             std::to_string(longest_of(static_cast<FrameKind>(kind)));
  }
  current_ = {.kind = static_cast<FrameKind>(kind), .task = load<TaskId>(&header_[8])};
  length_ = static_cast<std::size_t>(length);
  expected_sum_ = load<std::uint32_t>(&header_[kSummed]);
  sum_ = 0;
}

void FrameParser::finish_frame() {
  if (crc32c(std::span(header_).first(kSummed), sum_) != expected_sum_) {
    error_ = "a frame whose checksum is wrong";
    return;
  }
  digest_ = extend_digest(digest_, header_);
  whole_.push_back(std::move(current_));
  have_ = 0;
}

namespace {

detail::Step step_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::kDecode:
      return detail::Step::kDecodeArgs;
    case FailureKind::kEncode:
      return detail::Step::kEncodeResult;
    default:
      return detail::Step::kRun;
  }
}

void write_code(WireWriter& out, const std::optional<ThrownCode>& code) {
  out(code.has_value());
  if (code) out(code->category, code->value);
}

std::optional<ThrownCode> read_code(WireReader& in) {
  bool present = false;
  in(present);
  if (!present) return std::nullopt;
  ThrownCode code;
  in(code.category, code.value);
  return code;
}

}  // namespace

Bytes to_bytes(const Failure& thrown) {
  WireWriter out;
  out(static_cast<std::uint8_t>(step_of(thrown.kind)), thrown.type_name, thrown.text);
  write_code(out, thrown.code);
  out(static_cast<std::uint8_t>(thrown.nested.size()));
  for (const Thrown& each : thrown.nested) {
    out(each.type_name, each.text);
    write_code(out, each.code);
  }
  return out.take();
}

std::optional<Failure> parse_failure(std::span<const std::byte> bytes, TaskId task) {
  try {
    WireReader in(bytes);
    Failure failure;
    std::uint8_t step = 0;
    in(step, failure.type_name, failure.text);
    if (step > static_cast<std::uint8_t>(detail::Step::kEncodeResult)) return std::nullopt;
    failure.code = read_code(in);
    std::uint8_t nested = 0;
    in(nested);
    if (nested > kMostNested) return std::nullopt;
    for (; nested != 0; --nested) {
      Thrown& each = failure.nested.emplace_back();
      in(each.type_name, each.text);
      each.code = read_code(in);
    }
    if (in.remaining() != 0) return std::nullopt;
    const Origin origin = origin_of(static_cast<detail::Step>(step));
    failure.kind = origin.kind;
    failure.stage = origin.stage;
    failure.task = task;
    failure.started = true;
    return failure;
  } catch (const std::exception&) {  // BadBytes, bad_alloc: the one answer is "nonsense"
    return std::nullopt;
  }
}

}  // namespace poolproof::transport
