// Where a test meets its tasks in other processes, so that no test sleeps to synchronise: a folder
// with two FIFOs. A task reports that it has arrived, and waits until it is released.
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
  int await();  // the pid of the next one that arrives; aborts after a minute
  std::vector<int> await(int count);
  void let_go();             // all that wait, and all that come later
  void open_to_all_users();  // for tasks that drop their rights

 private:
  std::string folder_;
  int arrivals_ = -1;
  int gate_ = -1;
};

// In the task: arrive, and continue.
void arrive(const std::string& folder);
// In the task: arrive, and wait to be released.
void meet(std::string folder);
int meet_and_return(std::string folder, int value);
// In the task: arrive, and stay forever, on the CPU or asleep.
void meet_and_loop(std::string folder);
void meet_and_sleep(std::string folder);

// Whether process `pid` ends (is a zombie, or gone) within `ms`. It need not be a child.
bool ends_within(int pid, int ms);

}  // namespace poolproof::testing_support
