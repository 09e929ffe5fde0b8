// events.ndjson as a file: one writer, one reader, and the footer that shows whether a run was cut
// off.
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
  using std::runtime_error::runtime_error;  // says file, line and how to fix it
};

// Writes lines in order. Each line is written completely (one write) before append returns. Any
// thread may call it. There is one lock, so `seq` is exactly the order of the file, but lines of
// several attempts may be mixed. Invalid UTF-8 in strings is replaced; it causes no exception. A
// field that nests too deep for a reader (nesting.h) is written as a string, its text as JSON.
class RecordWriter {
 public:
  // Replaces the file. It begins with `before`, the lines of an earlier record that this one
  // continues. The old file stays unchanged until all of them are in the new one. Throws
  // RecordError.
  explicit RecordWriter(const std::filesystem::path& file,
                        const std::vector<Observation>& before = {});
  ~RecordWriter();  // does not write the footer
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  // Sets seq and v.
  void append(Observation observation);
  // Called with each line in the order of the file, as a reader will see it, inside append and its
  // lock. Set it before the first append.
  std::function<void(Observation)> listener;
  void finish();  // writes the footer {events, sha256}; append nothing after it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Record {
  std::vector<Observation> observations;  // without the footer
  std::string cut_off;                    // why it is not whole, as text; empty if it is
};

// Calls `each` for every complete line but the footer, in order; only one line is in memory at a
// time. A malformed line before the last one throws RecordError (a damaged record). Returns why the
// record is not whole, as text: an incomplete last line, or a footer that is missing or does not
// match; empty if it is whole.
std::string for_each_line(const std::filesystem::path& file,
                          const std::function<void(Observation)>& each);

Record read_record(const std::filesystem::path& file);  // all lines together

}  // namespace poolproof::conformance
