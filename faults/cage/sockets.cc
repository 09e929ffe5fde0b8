#include "faults/cage/sockets.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "faults/cage/proc.h"

namespace poolproof::faults {
namespace {

constexpr std::size_t kLargestTable = 4U << 20;  // bytes
constexpr std::string_view kListens = "0A", kUnconnected = "07";

using Words = std::vector<std::string_view>;

void split(std::string_view line, Words& words) {
  words.clear();
  for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != line.npos;) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
}

// All rows except the heading. The tables are those of the whole machine, so nothing is copied.
template <typename Take>
void each_row(std::string_view text, Take take) {
  Words words;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    text.remove_prefix(end + 1);
    split(text.substr(0, text.find('\n')), words);
    take(words);
  }
}

unsigned long number_in(std::string_view text, int base = 10) {
  unsigned long number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

}  // namespace

// "Num RefCount Protocol Flags Type St Inode Path"
void add_unix_sockets(std::string_view text, SocketNames& names) {
  each_row(text, [&](const Words& row) {
    // A connection that was not accepted yet has no inode, so no descriptor refers to it.
    if (row.size() < 7 || row[6] == "0") return;
    names[number_in(row[6])] = row.size() > 7 ? "unix " + std::string(row[7]) : "";
  });
}

// "sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode"; addresses are
// HEX:HEXPORT.
void add_ports(std::string_view text, const std::string& protocol, SocketNames& names) {
  const bool stream = protocol.rfind("tcp", 0) == 0;
  each_row(text, [&](const Words& row) {
    if (row.size() < 10 || row[3] != (stream ? kListens : kUnconnected)) return;
    const auto colon = row[1].rfind(':');
    if (colon == std::string::npos) return;
    const unsigned long port = number_in(row[1].substr(colon + 1), 16);
    if (port != 0)
      names[number_in(row[9])] =
          (stream ? "listens on " : "") + protocol + " port " + std::to_string(port);
  });
}

SocketNames socket_names_of(int pid, const std::set<unsigned long>& inodes) {
  const std::string net = "/proc/" + std::to_string(pid) + "/net/";
  SocketNames names;
  add_unix_sockets(read_file(net + "unix", kLargestTable).text, names);
  const auto known = [&](unsigned long inode) { return names.count(inode) > 0; };
  // For each of these tables the kernel walks all its hash tables: this takes milliseconds on a
  // large machine.
  if (std::all_of(inodes.begin(), inodes.end(), known)) return names;
  for (const char* protocol : {"tcp", "tcp6", "udp", "udp6"})
    add_ports(read_file(net + protocol, kLargestTable).text, protocol, names);
  return names;
}

unsigned long socket_inode(std::string_view target) {
  constexpr std::string_view kPrefix = "socket:[";
  return target.substr(0, kPrefix.size()) == kPrefix ? number_in(target.substr(kPrefix.size())) : 0;
}

}  // namespace poolproof::faults
