// The wait-for graph of a proof: as sentences for people, and as JSON for machines. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "conformance/observe/prove.h"

namespace poolproof::hang {

// "waits to read from pipe:[8891] (descriptor 5, empty)"
std::string sentence_of(const ThreadLook& thread);

// Several lines, each ended: processes, their threads, what each waits for and which threads could
// wake it, then the findings.
std::string graph_text(const Look& look, const Proof& proof);

// {verdict, reason, provided, processes: [{pid, parent, name, dead, threads: [{tid, name, call,
// waits, standing, reason, wakers: [{pid, fd}]}]}], findings: [{kind, pid, tid, processes, text}]}
nlohmann::json graph_json(const Look& look, const Proof& proof);

}  // namespace poolproof::hang
