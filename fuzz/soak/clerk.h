// Reads the ledger, watches the processes that appear in it, and passes both to the book in an
// order that can be judged: when a future has ended, everything that was written before is read
// first.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fuzz/soak/book.h"

namespace poolproof::fuzz::soak {

class Clerk {
 public:
  Clerk();   // makes the ledger, and begins to read it
  ~Clerk();  // removes the ledger
  Clerk(const Clerk&) = delete;
  Clerk& operator=(const Clerk&) = delete;

  const std::string& ledger() const { return ledger_; }  // for `perform`

  // Any thread.
  Serial make_task(Deed deed, Instant limit_at);
  void future_ended(Serial task, Outcome outcome);
  // Writes the log first, then sends the signal, to exactly this process. False: it is known to be
  // gone.
  bool strike(const Identity& worker, Blow blow);
  // To the program's whole group: the program and its workers.
  void strike_all(Blow blow);
  void expect_no_spawns(Instant until);
  void expect_no_look(Instant until);
  // While it is held, this class opens no descriptors: the program may not be able to.
  std::unique_lock<std::shared_mutex> hold_descriptors() const {
    return std::unique_lock(descriptors_);
  }
  std::shared_lock<std::shared_mutex> use_descriptors() const {
    return std::shared_lock(descriptors_);
  }
  // Whether the kernel shows it as stopped now; also tells the book.
  bool look_whether_stopped(const Identity& worker);
  std::vector<Identity> alive() const;
  std::vector<Identity> hanging() const;
  bool hangs(const Identity& worker) const;
  Tally tally() const;
  std::vector<std::string> wrong() const;
  void complain(const std::string& what);  // for a problem that does not belong to one task

  // Call it after the pool's end: reads the last line and closes the book.
  void finish();

 private:
  void work();
  bool turn();
  void read_all(std::string& torn);
  void watch(const Identity& worker);
  void close_due();

  std::string folder_, ledger_;
  int fifo_ = -1, bell_ = -1;
  mutable std::shared_mutex descriptors_;
  mutable std::mutex mutex_;  // guards all members below
  Book book_;
  // Pidfds of processes that may live, or whose status is still needed.
  std::map<Identity, int> handles_;
  std::map<Identity, int> living_;
  std::vector<std::pair<Serial, Outcome>> ended_;
  std::vector<std::string> complaints_;
  bool finishing_ = false;
  std::string torn_;  // the thread's: the beginning of a line
  std::thread thread_;
};

}  // namespace poolproof::fuzz::soak
