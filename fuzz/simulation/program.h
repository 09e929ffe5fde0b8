// What a worker's program does: the same as worker/task_loop.cc, one move at a time. A move lasts
// until the program communicates.
#pragma once

#include "fuzz/simulation/kernel.h"

namespace poolproof::simulation {

class Program {
 public:
  Program(Facts& facts, Judge& judge, Kernel& kernel)
      : facts_(facts), judge_(judge), kernel_(kernel) {}

  bool can_move(const Process& process) const;
  void move(Process& process);
  // Sends a message in its own name that its program would not send.
  void forge(Process& process, FrameKind kind, TaskId task, Bytes payload);
  // For a process that no longer runs its program.
  void die(Process& process, ExitStatus exit, bool at_once);

 private:
  void refuse(Process& process);
  void serve(Process& process);
  void claim(Process& process, TaskId task);
  void run(Process& process);
  void initialize(Process& process);
  void send(Process& process, FrameKind kind, TaskId task, Bytes payload = {});
  void send_rest(Process& process);
  void fail(Process& process, TaskId task);

  Facts& facts_;
  Judge& judge_;
  Kernel& kernel_;
};

}  // namespace poolproof::simulation
