// A hang proof of the record, as the page draws it.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

namespace poolproof::reports {

// `fields` of a `proof` line that is `hung`, limited in size: {took, reason, provided, findings:
// [{kind, pid, processes, text}], more_processes, processes: [{pid, parent, name, dead,
// more_threads, threads: [{tid, waits, harness, wakers: [pid]}]}]}. `harness`: the thread waits for
// the adapter's line, which means for the harness.
nlohmann::json proof_story(const nlohmann::json& fields, std::size_t processes,
                           std::size_t text_bytes);

}  // namespace poolproof::reports
