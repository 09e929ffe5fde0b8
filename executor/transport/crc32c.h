// CRC-32C (Castagnoli, as in RFC 3720). Uses the processor's instruction if it has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace poolproof::transport {

// Continues `before` (0 at the start): crc32c(b, crc32c(a)) is the checksum of a followed by b.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0);

// The same with a table, for processors without the instruction; a test checks that both agree.
std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace poolproof::transport
