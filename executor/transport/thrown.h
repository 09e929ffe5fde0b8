// An exception of any type as text, so that another process, or a person, can be told of it. The
// only place that looks into an exception.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "poolproof/error.h"

namespace poolproof::detail {
enum class Step : std::uint8_t;  // poolproof/task.h
}

namespace poolproof::transport {

// What a throw in a step of a worker says about the task.
struct Origin {
  FailureKind kind = FailureKind::kTask;
  Stage stage = Stage::kArgs;
};
Origin origin_of(detail::Step step);

// The type, the text, the error code and the nested exceptions; each is cut so that the whole fits
// into kLongestFailure. `what` is null for an exception of another language. The caller adds the
// task.
Failure describe_thrown(Origin origin, const std::exception_ptr& what);

// In one line: "std::out_of_range: at(); caused by std::bad_alloc".
std::string in_words(const Failure& thrown);
// The same of an exception; "out of memory" if there is none for the text.
std::string in_words(const std::exception_ptr& what) noexcept;

}  // namespace poolproof::transport
