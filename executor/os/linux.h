// The Os interface for Linux: processes (spawn.h), pidfds, waitid, poll.
#pragma once

#include "executor/os/os.h"

namespace poolproof::os {

// Stateless; one object serves all pools of the program.
class LinuxOs : public Os {
 public:
  Instant now() override;
  std::variant<Child, SysError> spawn_worker(int index, const WorkerSettings& settings) override;
  std::optional<SysError> kill(Child& child) override;
  std::uint64_t rights() override;
  bool is_frozen(const Child& child) override;
  std::optional<ExitStatus> try_reap(const Child& child) override;
  ExitStatus reap(const Child& child) override;
  std::optional<std::uint64_t> out_of_memory_kills() override;
  std::optional<std::uint64_t> own_out_of_memory_kills(const Child& child) override;
  bool clear_away(const Child& child) override;
  IoResult read(int fd, std::span<std::byte> into) override;
  IoResult write(int channel, std::array<std::span<const std::byte>, 2> parts) override;
  std::size_t unread(int channel) override;
  void close(int fd) override;
  std::uint64_t identity(int fd) override;
  void abandon(const Child& child) override;
  std::variant<Bell, SysError> open_bell() override;
  void ring(const Bell& bell) override;
  void drain(const Bell& bell) override;
  std::optional<SysError> wait(std::span<Watch> watches, std::optional<Instant> until) override;
};

}  // namespace poolproof::os
