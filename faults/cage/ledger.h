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

  // Takes every byte that waits now. `on_entry` gets each line that is a JSON object, `on_invalid`
  // the text of each that is not.
  void drain(const std::function<void(nlohmann::json)>& on_entry,
             const std::function<void(std::string)>& on_invalid);

 private:
  Fd fifo_;
  std::string rest_;  // of a line whose end has not come
};

}  // namespace poolproof::faults
