// The execution ledger: one line for each start and end of a body. The lines do not go through the
// pool, but to a FIFO that the harness always drains. Runs in the workers.
#pragma once

#include <string>

namespace poolproof::adapter {

// Where a task reports: its opaque id, and the two addresses that came with its arguments.
struct Place {
  std::string task;
  std::string ledger;      // a FIFO
  std::string rendezvous;  // a Unix stream socket

  bool operator==(const Place&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(task, ledger, rendezvous);
  }
};

enum class Entry { kStart, kEnd, kStruck, kInit };

// Opens the FIFO, writes one line of at most 512 bytes in one write, and closes it. Throws
// std::system_error that names the FIFO, or std::length_error if the id does not fit. `child` is
// reported if it is not 0. An initializer writes kInit, with a place that has no task.
void write_ledger(const Place& place, Entry entry, int child = 0);

}  // namespace poolproof::adapter
