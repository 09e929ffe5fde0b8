// Which file gets which text. tests/memory_cgroup_test.cc tests the kernel's part, with version 1.
// Version 2 is tested only here, on a folder that looks like it: few machines have its memory
// controller.
#include "executor/os/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace poolproof::os {
namespace {

namespace fs = std::filesystem;

class FakeCgroup : public testing::Test {
 protected:
  FakeCgroup() {
    char name[] = "/tmp/poolproof-test-XXXXXX";
    folder = mkdtemp(name);
  }
  ~FakeCgroup() override { fs::remove_all(folder); }

  void write(const std::string& file, const std::string& text) {
    std::ofstream(folder + "/" + file) << text;
  }
  std::string read(const std::string& file) {
    std::ifstream in(folder + "/" + file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string missing() { return missing_for_cgroups(folder, 1 << 20); }

  std::string folder;
};

TEST_F(FakeCgroup, of_version_2_is_limited_in_memory_and_has_no_swap) {
  write("memory.max", "");
  write("memory.swap.max", "");
  EXPECT_FALSE(limit_memory_in(folder, 64 << 20));
  EXPECT_EQ(read("memory.max"), "67108864");
  EXPECT_EQ(read("memory.swap.max"), "0");
}

TEST_F(FakeCgroup, of_version_2_where_there_is_no_swap_is_limited_in_memory_alone) {
  write("memory.max", "");
  EXPECT_FALSE(limit_memory_in(folder, 64 << 20));
  EXPECT_FALSE(fs::exists(folder + "/memory.swap.max"));
}

TEST_F(FakeCgroup, of_version_1_is_limited_in_memory_and_in_both_together) {
  write("memory.limit_in_bytes", "");
  write("memory.memsw.limit_in_bytes", "");
  EXPECT_FALSE(limit_memory_in(folder, 64 << 20));
  EXPECT_EQ(read("memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(read("memory.memsw.limit_in_bytes"), "67108864");
}

TEST_F(FakeCgroup, that_takes_no_limit_says_what_the_system_said) {
  const auto failed = limit_memory_in(folder, 64 << 20);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->number, ENOENT);
  EXPECT_NE(to_string(*failed).find("memory_cgroup"), std::string::npos);
}

TEST_F(FakeCgroup, takes_a_process_in_by_its_pid) {
  write("cgroup.procs", "");
  EXPECT_FALSE(move_into(folder, 4711));
  EXPECT_EQ(read("cgroup.procs"), "4711");
}

TEST_F(FakeCgroup, counts_kills_where_its_version_counts_them) {
  EXPECT_EQ(out_of_memory_kills_in(folder), std::nullopt);
  write("memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n");
  EXPECT_EQ(out_of_memory_kills_in(folder), 2u);
  write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  EXPECT_EQ(out_of_memory_kills_in(folder), 1u);
}

TEST_F(FakeCgroup, that_is_none_or_has_no_memory_controller_is_called_so_with_the_cure) {
  EXPECT_NE(missing().find(folder + ", which is no cgroup. Cure:"), std::string::npos) << missing();
  write("cgroup.procs", "");
  EXPECT_NE(missing().find("no memory controller"), std::string::npos) << missing();
  write("cgroup.controllers", "cpuset cpu io hugetlb pids\n");
  EXPECT_NE(missing().find("no memory controller"), std::string::npos) << missing();
}

TEST_F(FakeCgroup, of_version_2_hands_its_memory_controller_on_before_it_is_divided) {
  write("cgroup.procs", "");
  write("cgroup.controllers", "cpu memory pids\n");
  write("cgroup.subtree_control", "");
  const std::string complaint = missing();  // in this folder a new folder gets no files
  EXPECT_EQ(read("cgroup.subtree_control"), "+memory");
  EXPECT_NE(complaint.find("no cgroup for a worker can be made"), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("Delegate=memory"), std::string::npos);
}

TEST_F(FakeCgroup, of_version_2_that_hands_it_on_already_is_left_as_it_is) {
  write("cgroup.procs", "");
  write("cgroup.controllers", "cpu memory pids\n");
  write("cgroup.subtree_control", "cpu memory\n");
  missing();
  EXPECT_EQ(read("cgroup.subtree_control"), "cpu memory\n");
}

TEST_F(FakeCgroup, of_version_2_is_killed_as_one_where_the_kernel_can) {
  write("cgroup.procs", "");
  write("cgroup.kill", "");
  EXPECT_FALSE(remove_cgroup(folder)) << "a folder with files is not removed";
  EXPECT_EQ(read("cgroup.kill"), "1");
}

TEST_F(FakeCgroup, whose_processes_are_not_gone_yet_kills_them_and_says_so) {
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  write("cgroup.procs", std::to_string(child) + "\n");
  EXPECT_FALSE(remove_cgroup(folder));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, SIGKILL) << "it was killed";
}

TEST_F(FakeCgroup, that_is_gone_already_is_removed) {
  EXPECT_TRUE(remove_cgroup(folder + "/gone"));
}

}  // namespace
}  // namespace poolproof::os
