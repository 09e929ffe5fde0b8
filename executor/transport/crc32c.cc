#include "executor/transport/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

// This function also reads whole segments of a program. AddressSanitizer puts memory between the
// objects of a segment that must not be read.
#define POOLPROOF_READS_BETWEEN_OBJECTS __attribute__((no_sanitize("address")))

namespace poolproof::transport {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // bit-reflected

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? kPolynomial : 0);
    table[byte] = sum;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
// Tested once, when the first frame comes. The compiler's own __builtin_cpu_supports makes some
// twenty tests at the start of every program that has it. Under a hypervisor each costs 10 to 30
// us.
bool has_the_instruction() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __cpuid(1, a, b, c, d);
  return (c & bit_SSE4_2) != 0;
}

POOLPROOF_READS_BETWEEN_OBJECTS __attribute__((target("sse4.2"))) std::uint32_t
crc32c_by_instruction(std::span<const std::byte> bytes, std::uint32_t before) {
  std::uint64_t sum = ~before;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, at, 8);
    sum = __builtin_ia32_crc32di(sum, eight);
  }
  auto narrow = static_cast<std::uint32_t>(sum);
  for (; left != 0; --left, ++at) {
    narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
  }
  return ~narrow;
}
#endif

}  // namespace

POOLPROOF_READS_BETWEEN_OBJECTS std::uint32_t crc32c_by_table(std::span<const std::byte> bytes,
                                                              std::uint32_t before) {
  std::uint32_t sum = ~before;
  for (const std::byte byte : bytes) {
    sum = kTable[(sum ^ static_cast<std::uint32_t>(byte)) & 0xFF] ^ (sum >> 8);
  }
  return ~sum;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) {
#if defined(__x86_64__)
  static const bool has_instruction = has_the_instruction();
  if (has_instruction) return crc32c_by_instruction(bytes, before);
#endif
  return crc32c_by_table(bytes, before);
}

}  // namespace poolproof::transport
