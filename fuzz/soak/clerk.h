// Reads the ledger, watches the processes that appear in it, and brings both to the book in an
// order that can be judged: when a future has ended, all that was written before is read first.
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
  Clerk();   // makes the ledger, and reads it from now on
  ~Clerk();  // forgets it
  Clerk(const Clerk&) = delete;
  Clerk& operator=(const Clerk&) = delete;

  const std::string& ledger() const { return ledger_; }  // for `perform`

  // Any thread.
  Serial make_task(Deed deed, Instant limit_at);
  void future_ended(Serial task, Outcome outcome);
  // The log first, then the signal, to exactly this process. False: it is known to be gone.
  bool strike(const Identity& worker, Blow blow);
  // To all of the program's group, which is the program and its workers.
  void strike_all(Blow blow);
  void expect_no_spawns(Instant until);
  void expect_no_look(Instant until);
  // As long as it is held, nobody here opens descriptors: the program may not be able to.
  std::unique_lock<std::shared_mutex> hold_descriptors() const {
    return std::unique_lock(descriptors_);
  }
  std::shared_lock<std::shared_mutex> use_descriptors() const {
    return std::shared_lock(descriptors_);
  }
  // Whether the kernel shows it as stopped now; the book is told.
  bool look_whether_stopped(const Identity& worker);
  std::vector<Identity> alive() const;
  std::vector<Identity> hanging() const;
  bool hangs(const Identity& worker) const;
  Tally tally() const;
  std::vector<std::string> wrong() const;
  void complain(const std::string& what);  // of what is no matter of one task

  // After the pool's end: reads the last line and closes the book.
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
  mutable std::mutex mutex_;  // guards all below
  Book book_;
  std::map<Identity, int> handles_;  // pidfds of those that may live, or whose status is owed
  std::map<Identity, int> living_;
  std::vector<std::pair<Serial, Outcome>> ended_;
  std::vector<std::string> complaints_;
  bool finishing_ = false;
  std::string torn_;  // of the thread: the begin of a line
  std::thread thread_;
};

}  // namespace poolproof::fuzz::soak
