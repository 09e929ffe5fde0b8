// An exception of any type in words, so that it can be told in another process.
#pragma once

#include <cstdint>
#include <exception>

#include "executor/transport/frame.h"

namespace poolproof::transport {

// The type, the text, the error code and what is nested in it, each cut so that the whole fits into
// kLongestFailure. `what` is null for an exception of another language.
TaskFailure describe_thrown(std::uint8_t step, const std::exception_ptr& what);

}  // namespace poolproof::transport
