// What may happen at any step: faults of workers and machine, and unexpected requests of the
// program's threads.
#pragma once

#include <vector>

#include "executor/supervise/inbox.h"
#include "fuzz/simulation/program.h"

namespace poolproof::simulation {

struct Strike {
  What what = What::kFreeze;
  int who = 0;
  int how = 0;
};

class Strikes {
 public:
  Strikes(Facts& facts, Kernel& kernel, Program& program, supervise::Inbox& inbox)
      : facts_(facts), kernel_(kernel), program_(program), inbox_(inbox) {}

  // All strikes that are possible now, in a fixed order; `brief`: only a few of each kind. Valid
  // until the next call.
  const std::vector<Strike>& possible(bool brief);
  void make(const Strike& strike);
  // Faults stop: frozen or stalled processes continue, and hanging ones end. A program does not get
  // back the rights that it needs for a kill.
  void heal();
  // Requests of the program, as its threads would send them.
  void cancel(TaskId task, bool kills);
  void shut_down(const supervise::ShutdownAsked& asked);

 private:
  bool has_task(bool (*is_such)(const TaskPlan& task)) const;
  void of_worker(const Process& process, bool brief);
  void strike(const Strike& strike, Process& process);
  void forge(Process& process, int how);
  void change_rights(Kill kill);

  Facts& facts_;
  Kernel& kernel_;
  Program& program_;
  supervise::Inbox& inbox_;
  std::vector<Strike> possible_;
};

}  // namespace poolproof::simulation
