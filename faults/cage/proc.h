// What /proc says about a process. Every function tolerates a process that ends between two reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::faults {

// A pid alone never identifies a process, because the number may be used again.
struct Identity {
  int pid = 0;
  unsigned long long start = 0;  // field 22 of /proc/PID/stat, clock ticks since boot
  auto operator<=>(const Identity&) const = default;
};

struct Stat {
  int pid = 0;
  std::string name;  // comm
  char state = '?';
  int ppid = 0;
  int group = 0;  // process group
  int threads = 1;
  unsigned long long cpu_ticks = 0;  // user and system together
  unsigned long long start = 0;
  int exit_code = 0;  // field 52, in the form of a wait status; also 0 if it may not be read
  Identity identity() const { return {pid, start}; }
  // A process whose first thread has ended appears as a zombie while its other threads still run.
  bool alive() const { return threads > 1 || (state != 'Z' && state != 'X'); }
};

std::optional<Stat> parse_stat(std::string_view text);  // nullopt: not the text of a stat file
std::optional<Stat> read_stat(int pid);                 // nullopt: gone

// Whether this process may read field 52 of that process (otherwise the kernel shows 0 there).
bool may_read_exit_code(int pid);

struct FileText {
  std::string text;
  int error = 0;  // errno of open or read
};
FileText read_file(const std::string& path, std::size_t at_most = 65536);

std::vector<int> numbers_in(const std::string& directory);  // its entries that are numbers, sorted
std::string link_target(const std::string& path);           // "" if it cannot be read

// How the keeper is contained. In a PID namespace everything in /proc is inside. As a subreaper,
// the descendants of this process are inside.
enum class Containment { kPidNamespace, kSubreaper };

// Every process inside except this one; zombies are included.
std::vector<Stat> processes_inside(Containment containment);

}  // namespace poolproof::faults
