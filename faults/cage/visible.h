// Which entries of a place (/tmp, /dev/shm) must stay visible when the attempt gets a new one
// there: those through which the paths of the adapter's program, arguments, directory and
// environment go.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace poolproof::faults {

// For each place: the names of its top-level entries that exist and through which any path in
// `texts` goes. Symbolic links are followed. A text is a path, or contains paths:
// "A=/tmp/x:/tmp/y".
std::map<std::string, std::set<std::string>> needed_entries(const std::vector<std::string>& places,
                                                            const std::vector<std::string>& texts);

struct AdapterCommand {
  std::vector<std::string> argv;
  std::string cwd;
  std::vector<std::string> env;     // "NAME=value"
  rlimit open_files{};              // RLIMIT_NOFILE
  std::vector<sock_filter> filter;  // calls that stop for a tracer; empty: none
};

// Every text of a command that may contain a path. This includes the program as PATH finds it,
// arguments as seen from `cwd`, and the interpreter that a script names.
std::vector<std::string> texts_of(const AdapterCommand& command);

}  // namespace poolproof::faults
