// A program of root that drops its rights, which rights_test.cc starts: which rights its tasks have
// then, which limits still end them, and what is left of them when the program is killed.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "executor/tests/meeting.h"
#include "poolproof/executor.h"

namespace {

using namespace poolproof;
using namespace poolproof::testing_support;
using namespace std::chrono_literals;

constexpr unsigned kUser = 54321;

void require(bool held, const char* what) {
  if (held) return;
  std::printf("%s: %s\n", what, std::strerror(errno));
  std::fflush(stdout);
  _exit(3);
}

// --- ways to drop rights; their names on the command line ---------------------------------------

void set_capabilities(std::uint32_t low) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct halves[2] = {{low, low, 0}, {0, 0, 0}};
  require(syscall(SYS_capset, &header, halves) == 0, "capset");
}

void drop(const std::string& way) {
  const gid_t one_group = kUser;
  if (way == "seteuid") {
    require(seteuid(kUser) == 0, "seteuid");
  } else if (way == "setegid") {
    require(setegid(kUser) == 0, "setegid");
  } else if (way == "setreuid") {
    require(setreuid(kUser, kUser) == 0, "setreuid");
  } else if (way == "setregid") {
    require(setregid(kUser, kUser) == 0, "setregid");
  } else if (way == "setresuid") {
    require(setgroups(0, nullptr) == 0 && setresgid(kUser, kUser, kUser) == 0, "setresgid");
    require(setresuid(kUser, kUser, kUser) == 0, "setresuid");
  } else if (way == "setgroups") {
    require(setgroups(1, &one_group) == 0, "setgroups");
  } else if (way == "capset") {
    set_capabilities((1u << CAP_NET_RAW) | (1u << CAP_SETPCAP));
  } else if (way == "capset-all") {
    set_capabilities(0);
  } else if (way == "bounding") {
    for (int each = 0; prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each) {
      if (each == CAP_SETPCAP) continue;
      require(prctl(PR_CAPBSET_DROP, each, 0, 0, 0) == 0, "PR_CAPBSET_DROP");
    }
  } else if (way == "bounding-and-user") {
    drop("bounding");
    drop("setresuid");
  } else if (way == "no-new-privs") {
    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
  } else if (way == "user-namespace") {
    require(unshare(CLONE_NEWUSER) == 0, "unshare(CLONE_NEWUSER)");
  } else if (way == "raw-setresuid") {  // this thread alone
    require(syscall(SYS_setresuid, kUser, kUser, kUser) == 0, "setresuid");
  } else if (way == "setfsuid") {  // this thread alone
    setfsuid(kUser);
  } else {
    require(way == "nothing", "no such way");
  }
}

// --- what a process may do -----------------------------------------------------------------------

std::string status_line(const std::string& key) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(key + ":", 0) == 0) return line.substr(key.size() + 1);
  }
  return "";
}

struct Rights {
  std::string users, groups, more_groups;
  std::uint64_t effective = 0, permitted = 0, bounding = 0;
  int no_new_privileges = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(users, groups, more_groups, effective, permitted, bounding, no_new_privileges);
  }
};

Rights own_rights() {
  const auto mask = [](const char* key) {
    return std::strtoull(status_line(key).c_str(), nullptr, 16);
  };
  return {status_line("Uid"),
          status_line("Gid"),
          status_line("Groups"),
          mask("CapEff"),
          mask("CapPrm"),
          mask("CapBnd"),
          std::stoi(status_line("NoNewPrivs"))};
}

// The bounding set has no effect in a process that can gain nothing.
std::string what_is_more(const Rights& task, const Rights& program) {
  if (task.users != program.users) return "users" + task.users + " for" + program.users;
  if (task.groups != program.groups) return "groups" + task.groups + " for" + program.groups;
  if (task.more_groups != program.more_groups) return "groups" + task.more_groups;
  if ((task.effective & ~program.effective) != 0) return "effective capabilities";
  if ((task.permitted & ~program.permitted) != 0) return "permitted capabilities";
  if (task.no_new_privileges < program.no_new_privileges) return "new privileges";
  if ((task.bounding & ~program.bounding) != 0 && task.no_new_privileges == 0)
    return "bounding set";
  return "";
}

// --- the program ---------------------------------------------------------------------------------

void say(const std::string& what) {
  std::printf("%s\n", what.c_str());
  std::fflush(stdout);
}

// A signal with which the test says when to continue.
class BlockedSignal {
 public:
  explicit BlockedSignal(int number) {
    sigemptyset(&set_);
    sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void await() const {
    int number = 0;
    sigwait(&set_, &number);
  }

 private:
  sigset_t set_;
};

template <class F>
std::string end_of(F get) {
  try {
    get();
    return "value";
  } catch (const DeadlineError& error) {
    return std::string("DeadlineError: ") + error.what();
  } catch (const CancelledError& error) {
    return std::string("CancelledError: ") + error.what();
  } catch (const ShutdownExecutorError& error) {
    return std::string("ShutdownExecutorError: ") + error.what();
  } catch (const SpawnError& error) {
    return std::string("SpawnError: ") + error.what();
  } catch (const TimeoutError& error) {
    return std::string("HANG: ") + error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
}

// The rights of the worker that runs the task, compared with those that the program has dropped.
int compare(const std::string& way, const std::string& when, const std::string& folder) {
  const BlockedSignal go(SIGUSR1);
  if (when == "before") drop(way);
  Executor pool({.workers = 2});
  if (when == "made") drop(way);
  std::vector<Future<int>> held;
  std::vector<Future<Rights>> queued;
  if (when == "warm" || when == "busy") {
    for (int i = 0; i < 4; ++i) pool.submit([] {}).get();
    if (when == "busy") {
      for (int i = 0; i < 2; ++i) held.push_back(pool.submit(meet_and_return, folder, i));
      for (int i = 0; i < 6; ++i) queued.push_back(pool.submit(own_rights));
      go.await();
    }
    drop(way);
    if (when == "busy") arrive(folder);
  }
  const Rights program = own_rights();
  for (int i = 0; i < 6; ++i) queued.push_back(pool.submit(own_rights));
  for (Future<Rights>& each : queued) {
    const std::string more = what_is_more(each.get_for(50s), program);
    if (!more.empty()) say("a task has more: " + more);
  }
  for (Future<int>& each : held) say("held " + std::to_string(each.get_for(50s)));
  say("went on");
  return 0;
}

// The first submit comes from a thread that has changed its own user in that way.
int submit_first_in_changed_thread(const std::string& way) {
  Executor pool({.workers = 1});
  const auto task = [] { return status_line("Uid"); };
  std::thread([&] {
    drop(way);
    say("there " + end_of([&] { pool.submit(task).get_for(50s); }));
  }).join();
  std::string user;
  say("later " + end_of([&] { user = pool.submit(task).get_for(50s); }));
  say(user == status_line("Uid") ? "the same user" : "another user");
  return 0;
}

// The user differs for a while: no worker is possible meanwhile.
int differ_for_a_while(const std::string& way, const std::string& when) {
  {
    std::unique_ptr<Executor> pool;
    if (when != "before") pool = std::make_unique<Executor>(ExecutorOptions{.workers = 1});
    if (when == "warm") pool->submit([] {}).get();
    drop(way);
    say(end_of([&] {
      if (!pool) pool = std::make_unique<Executor>(ExecutorOptions{.workers = 1});
      pool->submit([] {}).get_for(50s);
    }));
  }
  require(seteuid(0) == 0 && setegid(0) == 0, "back");
  Executor after({.workers = 1});
  say("after " + std::to_string(after.submit([](int x) { return x; }, 7).get_for(50s)));
  return 0;
}

// --- tasks that drop their rights and hang ------------------------------------------------------

// What else a task does before it hangs.
void evade(const std::string& how) {
  if (how == "session") {
    require(setsid() > 0, "setsid");
  } else if (how == "group") {
    require(setpgid(0, 0) == 0, "setpgid");
  } else if (how == "low-descriptors") {
    for (int fd = 3; fd <= 64; ++fd) close(fd);
  } else if (how == "all-but-channel") {
    close_range(4, ~0U, 0);
  } else if (how == "all-descriptors") {
    close_range(0, ~0U, 0);
  }
}

void drop_evade_and_hang(std::string folder, std::string way, std::string evasion) {
  drop(way);
  evade(evasion);
  if (evasion == "loop") meet_and_loop(folder);
  arrive(folder);
  if (evasion == "stop") raise(SIGSTOP);
  if (evasion == "exec") execl("/bin/sleep", "sleep", "600", nullptr);
  while (true) pause();
}

// --- limits of tasks that hang, after the program and the tasks have dropped their rights -------

int limit(const std::string& programs_way, const std::string& tasks_way,
          const std::string& folder) {
  const BlockedSignal go(SIGUSR1);
  Executor pool({.workers = 4});
  const auto hang = [&](const TaskOptions& options) {
    return pool.submit(options, drop_evade_and_hang, folder, tasks_way, std::string("nothing"));
  };
  std::vector<Future<void>> starts;  // so that starts do not use up the limits
  for (int i = 0; i < 4; ++i) starts.push_back(pool.submit(meet, folder));
  for (Future<void>& each : starts) each.get();
  Future<void> dead = hang({.deadline = 4s}), over = hang({.run_limit = 4s});
  Future<void> unwanted = hang({}), ended = hang({});
  go.await();
  drop(programs_way);
  unwanted.cancel({.running = Running::kKill});
  say("cancel " + end_of([&] { unwanted.get_for(50s); }));
  say("deadline " + end_of([&] { dead.get_for(50s); }));
  say("run_limit " + end_of([&] { over.get_for(50s); }));
  pool.shutdown({.running = Running::kKill});
  say("shutdown " + end_of([&] { ended.get_for(50s); }));
  siginfo_t info{};
  if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0) say("a worker is left");
  return 0;
}

// --- the program is killed ----------------------------------------------------------------------

// How the program ends, once SIGUSR1 tells it to. "kill": from outside, at any time.
void end_myself(const std::string& how, const std::string& folder) {
  if (how == "crash") {
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
  } else if (how == "exit-in-thread") {
    std::thread([] { syscall(SYS_exit_group, 0); }).join();  // a sanitizer makes _exit wait
  } else if (how == "exec") {
    execl("/bin/sleep", "sleep", "600", nullptr);
  } else if (how == "fork") {
    if (fork() == 0) {  // a child that stays alive, and holds what it has
      close(STDOUT_FILENO);
      alarm(120);
      arrive(folder);
    }
  }
  while (true) pause();
}

struct Plan {
  std::string folder, programs_way, tasks_way, evasion, end;
  bool in_initializer = false;
};

int be_killed(const Plan& plan) {
  const BlockedSignal go(SIGUSR1);
  ExecutorOptions options{.workers = 1, .channel_grace = 120s};  // the closed channel does not help
  if (plan.in_initializer) {
    options.initializer =
        make_initializer(drop_evade_and_hang, plan.folder, plan.tasks_way, plan.evasion);
  }
  Executor pool(std::move(options));
  Future<void> hung = plan.in_initializer ? pool.submit([] {})
                                          : pool.submit(drop_evade_and_hang, plan.folder,
                                                        plan.tasks_way, plan.evasion);
  go.await();
  drop(plan.programs_way);
  if (plan.end == "kill") arrive(plan.folder);
  end_myself(plan.end, plan.folder);
  return 1;
}

// Becomes the root of a user namespace that has many users, as in a rootless container.
void enter_namespace() {
  int entered[2];
  require(pipe(entered) == 0, "pipe");
  const int self = getpid(), helper = fork();
  if (helper == 0) {
    char byte = 0;
    require(read(entered[0], &byte, 1) == 1, "read");
    for (const char* map : {"/uid_map", "/gid_map"}) {
      std::ofstream file("/proc/" + std::to_string(self) + map);
      file << "0 100000 65536" << std::flush;
      require(file.good(), "map");
    }
    _exit(0);
  }
  int status = -1;
  require(unshare(CLONE_NEWUSER) == 0 && write(entered[1], "x", 1) == 1, "unshare");
  require(waitpid(helper, &status, 0) == helper && status == 0, "the helper's end");
  close(entered[0]);
  close(entered[1]);
  require(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0, "root of the namespace");
}

}  // namespace

// LeakSanitizer examines its own process like a debugger, which a program that has changed its user
// may not do.
extern "C" int __lsan_is_turned_off() { return 1; }

int main(int argc, char** argv) try {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "in-namespace") {
    enter_namespace();
    words.erase(words.begin());
  }
  const std::string what = words.empty() ? "" : words[0];
  if (what == "compare" && words.size() == 4) return compare(words[1], words[2], words[3]);
  if (what == "differ" && words.size() == 3) return differ_for_a_while(words[1], words[2]);
  if (what == "thread" && words.size() == 2) return submit_first_in_changed_thread(words[1]);
  if (what == "limit" && words.size() == 4) return limit(words[1], words[2], words[3]);
  if (what == "be-killed" && words.size() == 7) {
    return be_killed({words[1], words[2], words[3], words[4], words[5], words[6] == "initializer"});
  }
  return 2;
} catch (const ExecutorError& error) {
  say(error.what());
  return 0;
}
