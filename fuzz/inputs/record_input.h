// Fuzzer input as a record, in memory: reading it touches no disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "fuzz/inputs/claims.h"

namespace poolproof::fuzz {

// The text of a record. If the first byte is 'r', the rest is repaired: its lines are numbered, and
// it gets the right footer, because no random change would give these. With any other first byte
// the rest is the record as it is.
std::string record_of(Input input);

// The lines that are JSON objects, numbered from 1, and a footer that fits.
std::string repaired(std::string_view text);

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const;  // as long as this object lives

 private:
  int fd_;
};

}  // namespace poolproof::fuzz
