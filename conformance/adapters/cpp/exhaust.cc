#include "conformance/adapters/cpp/exhaust.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <vector>

namespace poolproof::adapter {
namespace {

constexpr long long kChunk = 1 << 20;  // bytes
constexpr long long kPage = 4096;

using Refusal = std::optional<std::string>;

std::string refusal_of(const char* call) { return std::string(call) + ": " + std::strerror(errno); }

class Opened {
 public:
  explicit Opened(int fd) : fd_(fd) {}
  ~Opened() {
    if (fd_ >= 0) ::close(fd_);
  }
  Opened(Opened&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  Opened& operator=(Opened&&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Refusal take_memory(long long at_most) {
  std::vector<std::unique_ptr<char[]>> held;
  try {
    for (long long taken = 0; taken < at_most; taken += kChunk) {
      held.emplace_back(new char[kChunk]);
      std::memset(held.back().get(), 'x', kChunk);  // reserved memory alone costs nothing
    }
  } catch (const std::bad_alloc&) {
    return "";
  }
  return std::nullopt;
}

// The volatile keeps each stack frame, and the sum prevents a tail call.
int deeper(int depth) {  // NOLINT(misc-no-recursion): it is what it is for
  volatile bool ends = false;
  volatile char frame[4096] = {};
  frame[0] = static_cast<char>(depth);
  return ends ? 0 : deeper(depth + 1) + frame[0];
}

Refusal take_files(long long at_most) {
  std::vector<Opened> held;
  for (long long taken = 0; taken < at_most; ++taken) {
    Opened opened(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (opened.fd() < 0) return refusal_of("open");
    held.push_back(std::move(opened));
  }
  return std::nullopt;
}

Refusal take_file_size(long long at_most) {
  const char* place = std::getenv("TMPDIR");
  std::string path = std::string(place != nullptr ? place : "/tmp") + "/grows-XXXXXX";
  const Opened file(::mkostemp(path.data(), O_CLOEXEC));
  if (file.fd() < 0) return refusal_of("mkostemp");
  ::unlink(path.c_str());
  const std::vector<char> chunk(kChunk, 'x');
  for (long long taken = 0; taken < at_most; taken += kChunk)
    if (::write(file.fd(), chunk.data(), chunk.size()) < 0) return refusal_of("write");
  return std::nullopt;
}

// Writes to a mapping as large as a file can be made. If no memory is left for it, the kernel sends
// SIGBUS.
Refusal take_shared_memory(long long at_most) {
  const Opened file(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.fd() < 0) return refusal_of("open /dev/shm");
  if (::ftruncate(file.fd(), at_most) != 0) return refusal_of("ftruncate");
  const auto size = static_cast<std::size_t>(at_most);
  void* mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 0);
  if (mapped == MAP_FAILED) return refusal_of("mmap");
  for (long long at = 0; at < at_most; at += kPage) static_cast<volatile char*>(mapped)[at] = 'x';
  ::munmap(mapped, size);
  return std::nullopt;
}

}  // namespace

std::string exhaust(const std::string& what, long long at_most) {
  static const std::map<std::string, std::function<Refusal(long long)>> kTakers = {
      {"memory", take_memory},
      {"stack", [](long long) -> Refusal { return std::to_string(deeper(0)); }},
      {"files", take_files},
      {"file-size", take_file_size},
      {"shared-memory", take_shared_memory}};
  // Sets the default actions, whatever the pool has set.
  for (const int signal : {SIGSEGV, SIGBUS, SIGXFSZ}) ::signal(signal, SIG_DFL);
  if (const Refusal refusal = kTakers.at(what)(at_most)) return *refusal;
  throw std::runtime_error("nothing limits this process: it had " + std::to_string(at_most) +
                           " of " + what);
}

}  // namespace poolproof::adapter
