#include "faults/cage/cut.h"

#include <limits.h>
#include <sys/socket.h>

#include <algorithm>
#include <numeric>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

constexpr std::size_t kLongestList = IOV_MAX;

// A list argument of a call: its address in the process's memory, and its content.
struct List {
  std::uint64_t address = 0;
  std::vector<iovec> parts;
};

template <typename T>
bool read_into(pid_t pid, std::uint64_t address, T* to, std::size_t count) {
  const std::string bytes = read_memory(pid, address, count * sizeof(T));
  if (bytes.size() != count * sizeof(T)) return false;
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(to));
  return true;
}

std::optional<List> list_of(pid_t pid, const std::string& call, const Syscall& syscall) {
  const int argument = list_argument(call);
  if (argument < 0) return std::nullopt;
  List list{syscall.arguments.at(static_cast<std::size_t>(argument)), {}};
  std::size_t count = syscall.arguments[2];
  if (call == "sendmsg" || call == "recvmsg") {
    msghdr message{};
    if (!read_into(pid, list.address, &message, 1)) return std::nullopt;
    list.address = reinterpret_cast<std::uint64_t>(message.msg_iov);
    count = message.msg_iovlen;
  }
  list.parts.resize(std::min(count, kLongestList));
  if (!read_into(pid, list.address, list.parts.data(), list.parts.size())) return std::nullopt;
  return list;
}

void write_memory(pid_t pid, std::uint64_t address, const std::vector<iovec>& parts) {
  iovec from{const_cast<iovec*>(parts.data()), parts.size() * sizeof(iovec)};
  iovec to{reinterpret_cast<void*>(address), from.iov_len};
  if (::process_vm_writev(pid, &from, 1, &to, 1, 0) != static_cast<ssize_t>(from.iov_len))
    throw CallFailed("process_vm_writev");
}

}  // namespace

std::string read_memory(pid_t pid, std::uint64_t address, std::size_t size) {
  std::string bytes(size, '\0');
  iovec to{bytes.data(), bytes.size()};
  iovec from{reinterpret_cast<void*>(address), bytes.size()};
  const ssize_t got = ::process_vm_readv(pid, &to, 1, &from, 1, 0);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

std::optional<long> bytes_of(pid_t pid, const std::string& call, const Syscall& syscall) {
  if (const int argument = byte_argument(call); argument >= 0)
    return static_cast<long>(syscall.arguments.at(static_cast<std::size_t>(argument)));
  const auto list = list_of(pid, call, syscall);
  if (!list) return std::nullopt;
  return std::accumulate(
      list->parts.begin(), list->parts.end(), 0L,
      [](long sum, const iovec& part) { return sum + static_cast<long>(part.iov_len); });
}

long bytes_kept(Moment moment, long bytes) {
  const long kept = moment == Moment::kTornByte   ? 1
                    : moment == Moment::kTornLast ? bytes - 1
                                                  : bytes / 2;
  return kept < bytes ? kept : 0;
}

Cut cut_call(pid_t tid, pid_t pid, const std::string& call, const Syscall& syscall, long kept) {
  Cut cut;
  if (cut.argument = byte_argument(call); cut.argument >= 0) {
    Syscall shorter = syscall;
    auto& count = shorter.arguments.at(static_cast<std::size_t>(cut.argument));
    cut.value = std::exchange(count, static_cast<std::uint64_t>(kept));
    replace_syscall(tid, shorter);
    return cut;
  }
  const auto list = list_of(pid, call, syscall);
  if (!list) throw CallFailed("process_vm_readv");
  cut.address = list->address;
  cut.list = list->parts;
  std::vector<iovec> shorter = list->parts;
  auto left = static_cast<std::size_t>(kept);
  for (iovec& part : shorter) {
    part.iov_len = std::min(part.iov_len, left);
    left -= part.iov_len;
  }
  write_memory(pid, cut.address, shorter);
  return cut;
}

void restore(const Cut& cut, pid_t tid, pid_t pid) {
  if (cut.argument >= 0)
    restore_argument(tid, cut.argument, cut.value);
  else if (!cut.list.empty())
    write_memory(pid, cut.address, cut.list);
}

}  // namespace poolproof::faults
