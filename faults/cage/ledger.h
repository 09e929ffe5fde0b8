// The execution ledger: a FIFO into which every body writes a line when it starts and a line when
// it ends. It shows what has run without asking the pool.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "faults/cage/fd.h"

namespace poolproof::faults {

class Ledger {
 public:
  // Makes the FIFO. The reader itself keeps a write end open, so that it never sees EOF.
  explicit Ledger(const std::string& path);

  int fd() const { return fifo_.get(); }

  // How much to read at most. A writer that never pauses must not keep the keeper from its other
  // work. But everything that a process wrote before its death must be read before the death is
  // reported.
  enum class Take { kSome, kAllThatCanWait };

  struct Invalid {
    std::string first;  // the text of the first invalid line
    int lines = 0;
  };

  // `on_entry` gets each line that is a JSON object. `on_invalid` is called at most once, for lines
  // that are not.
  void drain(Take take, const std::function<void(nlohmann::json)>& on_entry,
             const std::function<void(Invalid)>& on_invalid);

 private:
  void take_lines(const std::function<void(nlohmann::json)>& on_entry, Invalid& invalid);

  Fd fifo_;
  std::size_t room_ = 0;  // the capacity of the FIFO
  std::string rest_;      // the start of an unfinished line
};

}  // namespace poolproof::faults
