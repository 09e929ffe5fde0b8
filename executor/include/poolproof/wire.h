// The two archives by which values travel: cereal archives over plain memory. Codec (codec.h)
// defines which types travel, and how. Your own Codec gets one of these archives.
//
// Both ends are the same program, so numbers travel in the byte order of memory.
#pragma once

#include <cereal/cereal.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

#include "poolproof/bytes.h"

namespace poolproof {

// A cereal archive that appends to memory.
class WireWriter : public cereal::OutputArchive<WireWriter, cereal::AllowEmptyClassElision> {
 public:
  WireWriter() : OutputArchive(this) {}
  void write(const void* data, std::size_t size) {
    const auto* from = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }
  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

// A cereal archive over bytes that do not change during the read. It does not trust the bytes: it
// refuses a length that is larger than the rest before it allocates anything, and it refuses
// nesting so deep that it would overflow the stack. (So a container of objects that encode to
// nothing cannot travel.)
class WireReader : public cereal::InputArchive<WireReader, cereal::AllowEmptyClassElision> {
 public:
  static constexpr int kMaxDepth = 1000;

  explicit WireReader(std::span<const std::byte> bytes) : InputArchive(this), left_(bytes) {}
  void read(void* data, std::size_t size) {
    expect(size);
    if (size != 0) std::memcpy(data, left_.data(), size);
    left_ = left_.subspan(size);
  }
  std::size_t remaining() const { return left_.size(); }
  // The next `size` bytes, as a separate part.
  std::span<const std::byte> part(std::uint64_t size) {
    expect(size);
    const auto taken = left_.first(static_cast<std::size_t>(size));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  // Throws unless at least `size` bytes are left.
  void expect(std::uint64_t size) const {
    if (size > left_.size()) throw BadBytes("a length claims more bytes than the message has left");
  }
  void enter() {
    if (++depth_ > kMaxDepth) throw BadBytes("nested too deep");
  }
  void leave() { --depth_; }

 private:
  std::span<const std::byte> left_;
  int depth_ = 0;
};

// What cereal needs of an archive: numbers, sizes, blocks of numbers, and a check of every class.
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(WireWriter& out, const T& value) { out.write(&value, sizeof(T)); }
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(WireReader& in, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    unsigned char byte = 0;
    in.read(&byte, 1);
    if (byte > 1) throw BadBytes("a bool is neither 0 nor 1");
    value = byte == 1;
  } else {
    in.read(&value, sizeof(T));
  }
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(WireWriter& out, const cereal::SizeTag<T>& tag) {
  out.write(&tag.size, sizeof(tag.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(WireReader& in, cereal::SizeTag<T>& tag) {
  in.read(&tag.size, sizeof(tag.size));
  in.expect(tag.size);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(WireWriter& out, const cereal::BinaryData<T>& block) {
  out.write(block.data, block.size);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(WireReader& in, cereal::BinaryData<T>& block) {
  in.read(block.data, block.size);
}
template <class Archive, class T>
requires std::is_same_v<Archive, WireWriter> || std::is_same_v<Archive, WireReader>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
requires std::is_class_v<T>
void prologue(WireReader& in, const T&) { in.enter(); }
template <class T>
requires std::is_class_v<T>
void epilogue(WireReader& in, const T&) { in.leave(); }

}  // namespace poolproof

CEREAL_SETUP_ARCHIVE_TRAITS(poolproof::WireReader, poolproof::WireWriter)
// So that CEREAL_REGISTER_TYPE of a polymorphic class, used after this file, knows the archives.
CEREAL_REGISTER_ARCHIVE(poolproof::WireReader)
CEREAL_REGISTER_ARCHIVE(poolproof::WireWriter)
