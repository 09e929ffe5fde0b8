// As fuzz.cc, for inputs that are records: most changes leave the record readable.
#include <algorithm>
#include <string>

#include "fuzz/inputs/claims.h"
#include "fuzz/inputs/record_change.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  poolproof::fuzz::CLAIMS({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned int seed) {
  if (size < 2 || seed % 5 == 0) return LLVMFuzzerMutate(data, size, most);
  std::string text(data + 1, data + size);
  for (unsigned int edit = 0; edit <= seed % 3; ++edit)
    text = poolproof::fuzz::changed(text, seed + edit);
  if (text.size() + 1 > most) return LLVMFuzzerMutate(data, size, most);
  data[0] = 'r';
  std::copy(text.begin(), text.end(), data + 1);
  return text.size() + 1;
}
