// Which processes outside the tree hold something that the tree waits for: a scan of all other
// processes.
#pragma once

#include <map>
#include <set>

#include "conformance/observe/look.h"
#include "conformance/observe/proc_text.h"

namespace poolproof::hang {

struct Wanted {
  std::set<std::string> objects;  // names, as of Object
  std::set<std::string> maps;     // "device inode" of shared mappings
};

struct Table {  // all processes of the machine that this process can see
  std::map<pid_t, StatText> processes;
};

Table read_table();

// A name by which others may open what process `pid` has mapped there as `path`. The kernel still
// shows the name with which it was opened, even if the file was renamed or removed. Empty: there is
// none.
std::string name_of_mapped(pid_t pid, const SharedMap& map);

// `tree`: the processes inside. Finds the holders of what is wanted, and the processes that may be
// holders but that we may not look into.
void find_outsiders(const Table& table, const std::set<pid_t>& tree, pid_t root,
                    const Wanted& wanted, Look& look);

// Text of a file of /proc; nothing if it cannot be read (errno says why).
std::optional<std::string> read_text(const std::string& path);
std::optional<std::string> read_link(const std::string& path);
// The numbers that name the entries of a folder; nothing if it cannot be read.
std::optional<std::vector<int>> numbers_in(const std::string& folder);

}  // namespace poolproof::hang
