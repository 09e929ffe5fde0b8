// What must hold for any bytes that come from outside. Checked for inputs that libFuzzer makes
// (fuzz.cc, record_fuzz.cc) and, in every test run, for the inputs in ../corpus (corpus_test.cc).
// Each function aborts with file and line if a claim is broken.
#pragma once

#include <cstdint>
#include <span>

namespace poolproof::fuzz {

using Input = std::span<const std::uint8_t>;

// Bytes of a channel between a parent and its worker. The first byte says how the rest is cut, and
// whether its checksums are corrected first, because no random change gives a right checksum.
void claims_of_frames_hold(Input input);

// A file as events.ndjson; record_input.h says how the first byte is used.
void claims_of_records_hold(Input input);

// The same input: what the reports make of such a record and its verdicts.
void claims_of_reports_hold(Input input);

// A message of an adapter.
void claims_of_messages_hold(Input input);

// The text of a scenario file.
void claims_of_scenarios_hold(Input input);

}  // namespace poolproof::fuzz
