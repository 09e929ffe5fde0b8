#include "faults/cage/attempt_for_test.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "faults/cage/proc.h"
#include "faults/cage/watch.h"

namespace poolproof::faults {
namespace {

constexpr int kLimit_ms = 20'000;

bool readable(int fd, int limit_ms) {
  pollfd one = {fd, POLLIN, 0};
  return ::poll(&one, 1, limit_ms) == 1;
}

}  // namespace

std::filesystem::path program_beside_this(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

std::string fresh_token() {
  static int count = 0;
  return "token-" + std::to_string(::getpid()) + "-" + std::to_string(++count) + "-" +
         std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::vector<int> processes_with(const std::string& token) {
  std::vector<int> pids;
  for (const int pid : numbers_in("/proc")) {
    const auto stat = read_stat(pid);
    if (!stat || !stat->alive() || pid == ::getpid()) continue;
    // If the first thread of a process has ended, its command line is read through another thread.
    std::string command;
    for (const int tid : numbers_in("/proc/" + std::to_string(pid) + "/task"))
      command +=
          read_file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/cmdline")
              .text;
    if (command.find(token) != std::string::npos) pids.push_back(pid);
  }
  return pids;
}

std::vector<Fd> pidfds_of(const std::vector<int>& pids) {
  std::vector<Fd> pidfds;
  for (const int pid : pids)
    if (Fd pidfd = open_pidfd(pid)) pidfds.push_back(std::move(pidfd));
  return pidfds;
}

std::vector<int> cages_of(int parent) {
  const std::string end(1, '\0');  // so that no longer number matches
  return processes_with(end + "--parent" + end + std::to_string(parent) + end);
}

bool all_end(const std::vector<Fd>& pidfds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLimit_ms);
  for (const Fd& pidfd : pidfds) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        limit - std::chrono::steady_clock::now());
    if (!readable(pidfd.get(), std::max(0, static_cast<int>(left.count())))) return false;
  }
  return true;
}

Attempt::Attempt(bool namespaces, const std::function<void(CageOptions&)>& change) {
  CageOptions options;
  options.program = program_beside_this("poolproof_cage");
  options.command = {program_beside_this("cage_test_body").string(), token_};
  options.cwd = "/";
  options.namespaces = namespaces;
  if (change) change(options);
  cage_ = std::make_unique<Cage>(options);
}

bool Attempt::take_one() {
  try {
    while (true) {
      if (!readable(cage_->fd(), kLimit_ms)) {
        std::string heard;
        for (const auto& message : all_) heard += message.dump() + "\n";
        throw std::runtime_error("the cage said nothing for 20 s, after\n" + heard);
      }
      auto message = cage_->receive();
      if (!message) continue;
      all_.push_back(std::move(*message));
      used_.push_back(false);
      return true;
    }
  } catch (const CageError& error) {
    end_text_ = error.what();
    return false;
  }
}

nlohmann::json Attempt::await(const std::string& ev,
                              const std::function<bool(const nlohmann::json&)>& fits) {
  for (std::size_t i = 0;; ++i) {
    while (i >= all_.size())
      if (!take_one()) throw std::runtime_error("no `" + ev + "` came: " + end_text_);
    if (used_[i] || all_[i].at("ev") != ev || (fits && !fits(all_[i]))) continue;
    used_[i] = true;
    return all_[i];
  }
}

void Attempt::tell(const std::string& packet) {
  if (::write(cage_->line_fd(), packet.data(), packet.size()) < 0)
    throw std::runtime_error("the adapter does not listen to: " + packet);
}

std::string Attempt::ask(const std::string& packet) {
  tell(packet);
  return hear();
}

std::string Attempt::hear() {
  std::array<char, 65536> buffer;
  if (!readable(cage_->line_fd(), kLimit_ms)) throw std::runtime_error("the adapter says nothing");
  const ssize_t got = ::read(cage_->line_fd(), buffer.data(), buffer.size());
  if (got < 0) throw std::runtime_error("the adapter's line cannot be read");
  return {buffer.data(), static_cast<std::size_t>(got)};
}

nlohmann::json Attempt::ready() {
  auto message = await("ready");
  EXPECT_EQ(ask("paths " + message.at("ledger").get<std::string>() + " " +
                message.at("rendezvous").get<std::string>()),
            "ok");
  return message;
}

nlohmann::json Attempt::meet(const std::string& task) {
  ask("worker " + task);
  return await("met", [&](const auto& message) { return message.at("task") == task; });
}

std::vector<nlohmann::json> Attempt::processes(int snap, nlohmann::json* whole) {
  cage_->snapshot(snap);
  const auto last = await("snapshot", [&](const auto& m) { return m.at("snap") == snap; });
  if (whole != nullptr) *whole = last;
  std::vector<nlohmann::json> found;
  for (const auto& message : all_)
    if (message.at("ev") == "process" && message.at("snap") == snap) found.push_back(message);
  EXPECT_EQ(found.size(), last.at("count").get<std::size_t>());
  return found;
}

bool Attempt::ended() {
  while (end_text_.empty())
    if (!take_one()) return true;
  return true;
}

std::string Attempt::end_text() {
  ended();
  return end_text_;
}

}  // namespace poolproof::faults
