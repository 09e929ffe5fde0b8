// An exception of any type as text, so that another process can report it.
#pragma once

#include <cstdint>
#include <exception>

#include "executor/transport/frame.h"

namespace poolproof::transport {

// The type, the text, the error code and the nested exceptions; each is cut so that the whole fits
// into kLongestFailure. `what` is null for an exception of another language.
TaskFailure describe_thrown(std::uint8_t step, const std::exception_ptr& what);

}  // namespace poolproof::transport
