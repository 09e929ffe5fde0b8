// The execution ledger: one line for each start and end of a body, past the pool, to a FIFO that
// the harness always drains. Runs in the workers.
#pragma once

#include <string>

namespace poolproof::adapter {

// Where a task reports: its opaque id and the two addresses that came with its arguments.
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

// Opens the FIFO, writes one line of at most 512 bytes in one write, closes it. Throws
// std::system_error naming the FIFO, or std::length_error for an id that fills the line.
// `child` is told, if it is not 0. An initializer writes kInit, of a place without a task.
void write_ledger(const Place& place, Entry entry, int child = 0);

}  // namespace poolproof::adapter
