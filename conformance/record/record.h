// events.ndjson as a file: one writer, one reader, and the footer that shows a cut-off run.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "conformance/record/observation.h"

namespace poolproof::conformance {

class RecordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;  // says file, line and the mend
};

// Writes lines in order, each flushed whole (one write) before append returns. Any thread may call
// it: one lock, so that `seq` is strictly the order of the file, though lines of several attempts
// may stand between each other. Invalid UTF-8 in strings is replaced, never thrown on.
class RecordWriter {
 public:
  // Truncates; begins with `before`, lines of an earlier record that this one goes on with. The
  // file is as it was until all of them stand in the new one. Throws RecordError.
  explicit RecordWriter(const std::filesystem::path& file,
                        const std::vector<Observation>& before = {});
  ~RecordWriter();  // writes no footer by itself
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  // Sets seq and v.
  void append(Observation observation);
  // Told of each line in the order of the file, as a reader will see it, within append and its
  // lock. Set it before the first append.
  std::function<void(Observation)> listener;
  void finish();  // the footer: {events, sha256}; nothing may be appended afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Record {
  std::vector<Observation> observations;  // without the footer
  bool whole = false;                     // the footer is there and matches
  std::string cut_off;                    // why it is not whole, in words; empty if whole
};

// Reads all lines that are whole. A malformed line before the last throws RecordError (a damaged
// record); an incomplete last line, a missing footer or one that does not match sets `cut_off`.
Record read_record(const std::filesystem::path& file);

}  // namespace poolproof::conformance
