// The limiter: takes resources from the processes inside, gives them back, and reports what the
// kernel counted in between. Each limit has a kind (a row of the table in limit.cc):
//
//   memory            a memory cgroup: beyond it the kernel kills, and counts that
//   address-space     RLIMIT_AS: an allocation is refused      data: RLIMIT_DATA, the same
//   files             RLIMIT_NOFILE: an open is refused        file-size: RLIMIT_FSIZE
//   shared-memory     a small /dev/shm, if the attempt has its own
//   processes         a pids cgroup, or RLIMIT_NPROC of an ordinary user: no new process inside
//   cpu               a cpu cgroup: a twentieth of one core
//   exec              mounts without programs, if the attempt has its own
//
// `room` is what may still be taken: a little (kSome), for a body that must use it up, or nothing.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "faults/cage/limit_cgroup.h"
#include "faults/cage/places.h"
#include "faults/cage/proc.h"

namespace poolproof::faults {

struct LimitWish {
  int number = 0;     // chosen by the harness, and echoed
  std::string what;   // "memory" ...
  Identity who;       // the process that is limited; pid 0: everything inside
  bool room = false;  // a little is left; otherwise nothing
};

class Limits {
 public:
  // `on_group` is called with the path of each cgroup as soon as it is made, so that a process that
  // lives longer than this one can remove it.
  Limits(Containment containment, std::function<void(const std::string&)> on_group)
      : containment_(containment), on_group_(std::move(on_group)) {}
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;

  // The fields of `limited` (protocol.md); `error` says why the limit could not be set.
  nlohmann::json set(const LimitWish& wish, const Identity& adapter, const Places& places);
  nlohmann::json lift();  // lifts all; returns the fields of `lifted`

  // The fields of a `limit-seen` for each limit of this process, or of everything inside, that
  // counts.
  std::vector<nlohmann::json> seen_of(const Identity& who) const;

  // For each kind: "" if this machine allows it; otherwise the reason.
  nlohmann::json probe(const Places& places);

  void remove();  // removes the cgroups; nothing inside is alive any more

 private:
  struct Limit {
    LimitWish wish;
    std::string by;        // the mechanism, as text
    long long amount = 0;  // in the unit of the kind
    std::unique_ptr<Cgroup> group;
    nlohmann::json before;  // its counters when it was set
    std::function<void()> undo;
  };
  void limit_by_group(Limit& limit, const std::string& controller, long long amount);
  void limit_process(Limit& limit, const Identity& who);
  void limit_births(Limit& limit);
  void limit_shared_memory(Limit& limit, const Places& places);
  void take_in_all(Cgroup& group) const;

  Containment containment_;
  std::function<void(const std::string&)> on_group_;
  std::vector<Limit> limits_;
};

}  // namespace poolproof::faults
