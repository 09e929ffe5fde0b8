// The execution ledger: a FIFO into which every body writes a line when it starts and one when it
// ends, so that what ran is known without asking the pool.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "faults/cage/fd.h"

namespace poolproof::faults {

class Ledger {
 public:
  // Makes the FIFO. The reader keeps a write end open itself, so that it never sees EOF.
  explicit Ledger(const std::string& path);

  int fd() const { return fifo_.get(); }

  // How much to take at most: a writer that never pauses may not keep the keeper from its other
  // duties, yet all that a process wrote before its death must be taken before that is told.
  enum class Take { kSome, kAllThatCanWait };

  struct Invalid {
    std::string first;  // the text of the first of them
    int lines = 0;
  };

  // `on_entry` gets each line that is a JSON object; `on_invalid`, at most once, those that are
  // not.
  void drain(Take take, const std::function<void(nlohmann::json)>& on_entry,
             const std::function<void(Invalid)>& on_invalid);

 private:
  void take_lines(const std::function<void(nlohmann::json)>& on_entry, Invalid& invalid);

  Fd fifo_;
  std::size_t room_ = 0;  // what the FIFO holds at most
  std::string rest_;      // of a line whose end has not come
};

}  // namespace poolproof::faults
