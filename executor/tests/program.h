// Another program, started by a test: its output, its state, its end.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace poolproof::testing_support {

class Program {
 public:
  // argv[0] is `path`, unless `name` says otherwise.
  Program(const std::string& path, const std::vector<std::string>& args,
          const char* name = nullptr);
  ~Program();  // kills it if it still runs
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  int pid() const;
  void signal(int number);
  void await_stop();     // after SIGSTOP
  std::string output();  // all of stdout, until it is closed; then the program is reaped
  int status() const { return status_; }  // as wait() gives it, after output()

 private:
  struct Running;  // Boost's, which takes seconds to compile
  std::unique_ptr<Running> running_;
  int status_ = -1;
};

}  // namespace poolproof::testing_support
