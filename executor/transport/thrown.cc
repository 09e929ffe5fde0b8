#include "executor/transport/thrown.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <typeinfo>
#include <utility>

#include "executor/transport/frame.h"
#include "poolproof/task.h"

namespace poolproof::transport {
namespace {

// For the exception itself, and for each that is nested in it.
constexpr std::size_t kLongestText = std::size_t{64} << 10, kLongestNestedText = 2048;
constexpr std::size_t kLongestName = std::size_t{4} << 10, kLongestNestedName = 512;
constexpr std::size_t kLongestCategory = 256, kAround = 64;
static_assert(kLongestText + kLongestName + kLongestCategory + kAround +
                  kMostNested *
                      (kLongestNestedText + kLongestNestedName + kLongestCategory + kAround) <
              kLongestFailure);

std::string name_of(const std::type_info* type) {
  if (type == nullptr) return "an exception of another language";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  std::string name = readable ? readable.get() : type->name();
  // The type that std::throw_with_nested makes; the program knows only the type inside it.
  const std::string wrapper = "std::_Nested_exception<";
  if (name.rfind(wrapper, 0) == 0 && name.back() == '>') {
    name = name.substr(wrapper.size(), name.size() - wrapper.size() - 1);
  }
  return name;
}

ThrownCode travelling(const std::error_code& code) {
  std::string category = code.category().name();
  category.resize(std::min(category.size(), kLongestCategory));
  return {std::move(category), code.value()};
}

// The size of the object is not known here, so this reads the bytes that an int would have. The
// object is in a block that is larger than that, with a header before it.
__attribute__((no_sanitize("address"))) int read_as_int(const void* object) {
  unsigned value = 0;
  for (unsigned i = 0; i < sizeof(int); ++i) {
    value |= unsigned{static_cast<const volatile unsigned char*>(object)[i]} << (8 * i);
  }
  return static_cast<int>(value);
}

std::string text_of_unknown(const std::exception_ptr& what) {
  const std::type_info* type = what ? what.__cxa_exception_type() : nullptr;
  if (dynamic_cast<const abi::__enum_type_info*>(type) == nullptr) return "(it carries no text)";
  const void* object = nullptr;  // the one member of std::exception_ptr
  static_assert(sizeof(what) == sizeof(object));
  std::memcpy(&object, &what, sizeof(object));
  return std::to_string(read_as_int(object)) + " (read as an int, as most enums are)";
}

std::string text_of_number(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

// The value of one of the types T, if that was thrown.
template <class... T>
std::optional<std::string> text_of_fundamental(const std::exception_ptr& what) {
  std::optional<std::string> text;
  const auto look_for = [&]<class One>(One*) {
    try {
      std::rethrow_exception(what);
    } catch (One value) {
      if constexpr (std::is_same_v<One, bool>) {
        text = value ? "true" : "false";
      } else if constexpr (std::is_same_v<One, char>) {
        text = std::string(1, value);
      } else if constexpr (std::is_floating_point_v<One>) {
        text = text_of_number(static_cast<double>(value));
      } else {
        text = std::to_string(value);
      }
    } catch (...) {
    }
    return text.has_value();
  };
  static_cast<void>((look_for(static_cast<T*>(nullptr)) || ...));
  return text;
}

std::string text_of_other(const std::exception_ptr& what) {
  const auto number =
      text_of_fundamental<int, unsigned, long, unsigned long, long long, unsigned long long, short,
                          unsigned short, bool, char, signed char, unsigned char, double, float,
                          long double>(what);
  return number ? *number : text_of_unknown(what);
}

// One exception; `next` becomes what is nested in it.
Thrown describe_one(const std::exception_ptr& what, std::exception_ptr& next) {
  Thrown thrown;
  thrown.type_name = name_of(what ? what.__cxa_exception_type() : nullptr);
  if (!what) {
    thrown.text = "(it carries no text)";
    return thrown;
  }
  try {
    std::rethrow_exception(what);
  } catch (const std::exception& each) {
    const char* text = each.what();
    thrown.text = text != nullptr ? text : "(its what() is null)";
    if (const auto* error = dynamic_cast<const std::system_error*>(&each)) {
      thrown.code = travelling(error->code());
    } else if (const auto* broken = dynamic_cast<const std::future_error*>(&each)) {
      thrown.code = travelling(broken->code());
    }
    if (const auto* outer = dynamic_cast<const std::nested_exception*>(&each)) {
      next = outer->nested_ptr();
    }
  } catch (const std::nested_exception& outer) {
    thrown.text = "(it carries no text)";
    next = outer.nested_ptr();
  } catch (const std::string& text) {
    thrown.text = text;
  } catch (const char* text) {
    thrown.text = text != nullptr ? text : "(a null pointer)";
  } catch (const std::error_code& code) {
    thrown.text = code.message();
    thrown.code = travelling(code);
  } catch (std::errc code) {
    thrown.text = std::make_error_code(code).message();
    thrown.code = travelling(std::make_error_code(code));
  } catch (...) {
    thrown.text = text_of_other(what);
  }
  return thrown;
}

}  // namespace

Origin origin_of(detail::Step step) {
  switch (step) {
    case detail::Step::kDecodeArgs:
      return {FailureKind::kDecode, Stage::kArgs};
    case detail::Step::kRun:
      break;
    case detail::Step::kEncodeResult:
      return {FailureKind::kEncode, Stage::kResult};
  }
  return {FailureKind::kTask, Stage::kArgs};
}

Failure describe_thrown(Origin origin, const std::exception_ptr& what) {
  const auto cut = [](std::string& text, std::size_t most) {
    if (text.size() > most) text.resize(most);
  };
  std::exception_ptr next;
  Thrown outer = describe_one(what, next);
  cut(outer.type_name, kLongestName);
  cut(outer.text, kLongestText);
  Failure failure;
  failure.kind = origin.kind;
  failure.stage = origin.stage;
  failure.type_name = std::move(outer.type_name);
  failure.text = std::move(outer.text);
  failure.code = std::move(outer.code);
  while (next && failure.nested.size() < kMostNested) {
    std::exception_ptr after;
    Thrown& each = failure.nested.emplace_back(describe_one(next, after));
    cut(each.type_name, kLongestNestedName);
    cut(each.text, kLongestNestedText);
    next = std::move(after);
  }
  return failure;
}

std::string in_words(const Failure& thrown) {
  // The text of some types of the library is their name, such as that of std::bad_alloc.
  const auto one = [](const std::string& type_name, const std::string& text) {
    return text == type_name ? text : type_name + ": " + text;
  };
  std::string words = one(thrown.type_name, thrown.text);
  for (const Thrown& each : thrown.nested) {
    words += "; caused by " + one(each.type_name, each.text);
  }
  return words;
}

std::string in_words(const std::exception_ptr& what) noexcept {
  try {
    return in_words(describe_thrown({}, what));
  } catch (...) {
    return "out of memory";  // short enough to need none
  }
}

}  // namespace poolproof::transport
