// How the judge writes: every number with its unit, every text of a pool short. For verdicts and
// evidence. The reports escape text for a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/judge/history.h"

namespace poolproof::conformance::judging {

std::string duration(std::int64_t ns);                            // "0.4 ms", "1.203 s"
std::string alternatives(const std::vector<std::string>& words);  // "a, b or c"
std::string counted(std::size_t n, std::string_view noun);        // "1 fd", "3 fds"
std::string to_string(const ExitStatus& status);                  // "signal KILL", "exit status 3"
std::string name_of(const TaskHistory& task);                     // "t3 (victim)"
std::string names_of(const std::vector<const TaskHistory*>& tasks);  // at most six names
// `worker-lost, cause signal:KILL, TerminatedWorkerError: "..."`
std::string words_of(const Settled& settled);
std::string shortened(std::string_view text, std::size_t most_bytes);

}  // namespace poolproof::conformance::judging
