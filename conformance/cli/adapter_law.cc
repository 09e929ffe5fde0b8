#include "conformance/cli/adapter_law.h"

#include <fcntl.h>

#include <fstream>
#include <map>
#include <set>

namespace poolproof::cli {
namespace {

using nlohmann::json;

constexpr char kMove[] =
    "as its first act it moves the line from fd 0 to a private descriptor with CLOEXEC, points "
    "fd 0 at /dev/null and fd 1 at fd 2 (the kits do)";

bool is_socket(const std::string& target) { return target.rfind("socket:", 0) == 0; }

std::map<int, std::string> descriptors(const json& process) {
  std::map<int, std::string> fds;
  for (const json& fd : process.value("fds", json::array()))
    fds[fd.value("fd", -1)] = fd.value("to", "");
  return fds;
}

// nullopt if it cannot be read.
std::optional<bool> closes_on_exec(int outer_pid, int fd) {
  std::ifstream info("/proc/" + std::to_string(outer_pid) + "/fdinfo/" + std::to_string(fd));
  for (std::string line; std::getline(info, line);)
    if (line.rfind("flags:", 0) == 0)
      return (std::stoul(line.substr(6), nullptr, 8) & O_CLOEXEC) != 0;
  return std::nullopt;
}

}  // namespace

void look_at_the_line(Interview& talk) {
  const int pid = talk.ready().at("adapter").at("pid");
  json adapter;
  for (const json& process : talk.processes())
    if (process.at("pid") == pid) adapter = process;
  if (adapter.is_null()) return;  // it has ended; the next wait reports it
  std::map<int, std::string> fds = descriptors(adapter);
  for (const int fd : {0, 1})
    if (is_socket(fds[fd]))
      talk.find("fd " + std::to_string(fd) + " is still the line (" + fds[fd] +
                    "): a task that prints or reads would speak on it",
                kMove);
  if (fds[0] != "/dev/null" && !is_socket(fds[0]))
    talk.find("fd 0 is `" + fds[0] + "` and not /dev/null", kMove);
  if (!is_socket(fds[1]) && fds[1] != fds[2])
    talk.find("fd 1 is `" + fds[1] + "` and fd 2 is `" + fds[2] + "`: what a task prints is lost",
              kMove);
  const auto outer = talk.outer_pid(pid);
  for (const auto& [fd, target] : fds) {
    if (fd < 3 || !is_socket(target) || !outer) continue;
    if (closes_on_exec(*outer, fd) == false)
      talk.find(
          "fd " + std::to_string(fd) + " (" + target +
              ") is a socket without CLOEXEC: each program that a worker starts would hold it",
          "give every copy of the line FD_CLOEXEC (fcntl F_DUPFD_CLOEXEC)");
  }
}

void look_at_the_workers(Interview& talk) {
  const int pid = talk.ready().at("adapter").at("pid");
  const std::vector<json> processes = talk.processes();
  // A pool may give its workers other sockets for stdin and stdout. The line is a socket that the
  // adapter holds too.
  std::set<std::string> held;
  for (const json& process : processes)
    if (process.at("pid") == pid)
      for (const auto& [fd, target] : descriptors(process)) held.insert(target);
  for (const json& process : processes) {
    if (process.at("pid") == pid) continue;
    std::map<int, std::string> fds = descriptors(process);
    for (const int fd : {0, 1})
      if (is_socket(fds[fd]) && held.count(fds[fd]) > 0)
        talk.find("fd " + std::to_string(fd) + " of the worker `" + process.value("name", "?") +
                      "` is a socket: a task that prints or reads would speak on the line",
                  kMove);
  }
}

}  // namespace poolproof::cli
