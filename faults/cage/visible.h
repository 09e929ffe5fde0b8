// Which entries of a place (/tmp, /dev/shm) must stay visible when the attempt gets a fresh one
// there: those that the adapter's program, arguments, directory and environment lead through.
#pragma once

#include <linux/filter.h>
#include <sys/resource.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace poolproof::faults {

// Of each place the names of its top-level entries that exist and through which any of the paths in
// `texts` goes, symbolic links followed. A text is a path, or holds paths: "A=/tmp/x:/tmp/y".
std::map<std::string, std::set<std::string>> needed_entries(const std::vector<std::string>& places,
                                                            const std::vector<std::string>& texts);

struct AdapterCommand {
  std::vector<std::string> argv;
  std::string cwd;
  std::vector<std::string> env;     // "NAME=value"
  rlimit open_files{};              // RLIMIT_NOFILE
  std::vector<sock_filter> filter;  // calls that stop for a tracer; empty: none
};

// Every text of a command that may lead somewhere: also the program as PATH finds it, arguments as
// seen from `cwd`, and the interpreter that a script names.
std::vector<std::string> texts_of(const AdapterCommand& command);

}  // namespace poolproof::faults
