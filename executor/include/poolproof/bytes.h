// What travels between processes once it is encoded. Which types can be encoded: codec.h.
//
// A header that only needs bytes includes this one, and so reads nothing of cereal: future.h,
// wait.h, co_await.h, options.h.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "poolproof/export.h"

namespace poolproof {

using Bytes = std::vector<std::byte>;

// The content of the bytes does not match what they claim to be.
class POOLPROOF_EXPORT BadBytes : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace poolproof
