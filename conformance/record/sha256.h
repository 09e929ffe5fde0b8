// SHA-256 (FIPS 180-4), for the footer of a record: is the file still as it was written?
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace poolproof::conformance {

class Sha256 {
 public:
  void add(std::string_view bytes);
  std::string hex() const;  // 64 digits, for all bytes so far; more bytes may be added afterwards

 private:
  using Words = std::array<std::uint32_t, 8>;
  static Words mix(Words state, const unsigned char* block);

  Words state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> pending_{};  // the bytes of an incomplete block
  std::size_t pending_size_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace poolproof::conformance
