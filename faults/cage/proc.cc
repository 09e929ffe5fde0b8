#include "faults/cage/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <memory>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

template <typename Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string proc_path(int pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  // The name is in parentheses and may itself contain parentheses and spaces, so search for the
  // last one.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  Stat stat;
  const auto pid = to_number<int>(text.substr(0, open > 0 ? open - 1 : 0));
  if (!pid) return std::nullopt;
  stat.pid = *pid;
  stat.name = std::string(text.substr(open + 1, close - open - 1));

  std::vector<std::string_view> fields;  // fields[0] is field 3 of proc(5)
  std::size_t at = close + 1;
  while (at < text.size()) {
    const auto begin = text.find_first_not_of(" \n", at);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(" \n", begin), text.size());
    fields.push_back(text.substr(begin, end - begin));
    at = end;
  }
  if (fields.size() < 50) return std::nullopt;
  const auto ppid = to_number<int>(fields[1]);
  const auto group = to_number<int>(fields[2]);
  const auto user = to_number<unsigned long long>(fields[11]);
  const auto system = to_number<unsigned long long>(fields[12]);
  const auto threads = to_number<int>(fields[17]);
  const auto start = to_number<unsigned long long>(fields[19]);
  const auto exit_code = to_number<int>(fields[49]);
  if (!ppid || !group || !user || !system || !threads || !start || !exit_code) return std::nullopt;
  stat.state = fields[0].front();
  stat.ppid = *ppid;
  stat.group = *group;
  stat.threads = *threads;
  stat.cpu_ticks = *user + *system;
  stat.start = *start;
  stat.exit_code = *exit_code;
  return stat;
}

std::optional<Stat> read_stat(int pid) {
  const FileText file = read_file(proc_path(pid, "stat"), 4096);
  return file.error == 0 ? parse_stat(file.text) : std::nullopt;
}

bool may_read_exit_code(int pid) {
  if (::geteuid() == 0) return true;
  struct stat owner;
  const std::string directory = "/proc/" + std::to_string(pid);
  return ::stat(directory.c_str(), &owner) == 0 && owner.st_uid == ::geteuid();
}

FileText read_file(const std::string& path, std::size_t at_most) {
  FileText result;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    result.error = errno;
    return result;
  }
  std::array<char, 4096> buffer;
  while (result.text.size() < at_most) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) result.error = errno;
    if (got <= 0) break;
    result.text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (result.text.size() > at_most) result.text.resize(at_most);
  return result;
}

std::vector<int> numbers_in(const std::string& directory) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), ::closedir);
  if (!entries) return numbers;
  while (const dirent* entry = ::readdir(entries.get()))
    if (const auto number = to_number<int>(entry->d_name)) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string link_target(const std::string& path) {
  std::array<char, 4096> buffer;
  const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
  return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

std::vector<Stat> processes_inside(Containment containment) {
  const int self = ::getpid();
  std::vector<Stat> all;
  for (const int pid : numbers_in("/proc"))
    if (pid != self)
      if (auto stat = read_stat(pid)) all.push_back(std::move(*stat));
  if (containment == Containment::kPidNamespace) return all;

  std::multimap<int, const Stat*> children;
  for (const Stat& stat : all) children.emplace(stat.ppid, &stat);
  std::vector<Stat> inside;
  std::vector<int> parents = {self};
  while (!parents.empty()) {
    const int parent = parents.back();
    parents.pop_back();
    const auto [first, last] = children.equal_range(parent);
    for (auto child = first; child != last; ++child) {
      inside.push_back(*child->second);
      parents.push_back(child->second->pid);
    }
  }
  std::sort(inside.begin(), inside.end(),
            [](const Stat& a, const Stat& b) { return a.pid < b.pid; });
  return inside;
}

}  // namespace poolproof::faults
