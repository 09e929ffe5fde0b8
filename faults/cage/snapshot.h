// A picture of everything inside: each process with its threads, what they wait for, and its
// descriptors; the files and shared memory of the attempt.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "faults/cage/places.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

// The fields of `process` of protocol.md, without `snap`. What disappears during the look is left
// out.
nlohmann::json picture_of(const Stat& process);

std::vector<int> threads_in(int pid);

struct Turns {
  char state = 0;                   // 0: it is gone
  unsigned long long switches = 0;  // context switches
};

Turns turns_of(int pid, int tid);

// Names in /dev/shm, without those that were kept visible from outside.
std::vector<std::string> shared_memory_names(const Places& places);

// Paths of all files below `tmp`, the attempt's TMPDIR. With a private /tmp: of all files in it
// except the keeper's own `folder` and the entries that were kept visible from outside.
std::vector<std::string> file_paths(const Places& places, const std::string& folder,
                                    const std::string& tmp);

}  // namespace poolproof::faults
