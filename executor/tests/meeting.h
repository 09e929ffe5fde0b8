// Where a test and the tasks in other processes meet, so that no test sleeps to synchronise: a
// folder with two FIFOs. A task says that it has arrived and waits until it is let go.
#pragma once

#include <string>
#include <vector>

namespace poolproof::testing_support {

class Meeting {
 public:
  Meeting();
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  const std::string& folder() const { return folder_; }  // the argument for `meet`
  int await();  // the pid of the next that arrives; aborts after a minute
  std::vector<int> await(int count);
  void let_go();             // all that wait, and all that come later
  void open_to_all_users();  // for tasks that drop their rights

 private:
  std::string folder_;
  int arrivals_ = -1;
  int gate_ = -1;
};

// In the task: arrive, and go on.
void arrive(const std::string& folder);
// In the task: arrive, and wait to be let go.
void meet(std::string folder);
int meet_and_return(std::string folder, int value);
// In the task: arrive, and stay for ever, on the CPU or asleep.
void meet_and_loop(std::string folder);
void meet_and_sleep(std::string folder);

// Whether process `pid` ends (is a zombie, or gone) within `ms`. It need not be a child.
bool ends_within(int pid, int ms);

}  // namespace poolproof::testing_support
