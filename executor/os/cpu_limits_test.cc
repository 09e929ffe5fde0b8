#include "executor/os/cpu_limits.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <fstream>
#include <string>
#include <thread>

#include "poolproof/cpu_count.h"

namespace poolproof {
namespace {

namespace fs = std::filesystem;

// A simulated machine, with only the files about CPUs.
class CpuLimits : public testing::Test {
 protected:
  CpuLimits() {
    char name[] = "/tmp/poolproof-cpus-XXXXXX";
    root = mkdtemp(name);
  }
  ~CpuLimits() override { fs::remove_all(root); }
  void file(const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  }
  void v2(const std::string& group, const std::string& top = "/") {
    file("proc/self/cgroup", "0::" + group + "\n");
    file("proc/self/mountinfo",
         "22 1 0:20 / /proc rw shared:5 - proc proc rw\n"
         "30 25 0:26 " +
             top + " /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  void v1(const std::string& group, const std::string& top = "/") {
    file("proc/self/cgroup", "9:memory:/m\n4:cpu,cpuacct:" + group + "\n2:cpuset:/s\n0::/u\n");
    file("proc/self/mountinfo",
         "31 30 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
         "32 30 0:28 " +
             top + " /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n");
  }
  void quota_v1(const std::string& group, const std::string& quota, const std::string& period) {
    file("sys/fs/cgroup/cpu" + group + "/cpu.cfs_quota_us", quota);
    file("sys/fs/cgroup/cpu" + group + "/cpu.cfs_period_us", period);
  }
  void core(int cpu, const std::string& name, const std::string& threads) {
    file("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + name, threads);
  }
  int count(int affinity, const char* cap = nullptr, bool physical = false) {
    std::vector<int> cpus;
    for (int cpu = 0; cpu < affinity; ++cpu) cpus.push_back(cpu);
    return os::count_cpus({.affinity = cpus, .root = root, .cap = cap, .physical = physical});
  }
  fs::path root;
};

TEST_F(CpuLimits, are_those_of_the_affinity_where_nothing_else_limits) {
  EXPECT_EQ(count(6), 6);
  EXPECT_EQ(count(0), 1);
}

TEST_F(CpuLimits, of_version_two_round_a_part_of_a_cpu_up) {
  v2("/app");
  file("sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(count(8), 2);
  file("sys/fs/cgroup/app/cpu.max", "1000 100000\n");
  EXPECT_EQ(count(8), 1);
  file("sys/fs/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(count(8), 8);
}

TEST_F(CpuLimits, are_the_smallest_of_all_groups_up_to_the_root) {
  v2("/a/b/c");
  file("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  file("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  EXPECT_EQ(count(8), 3);
  file("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(count(8), 2);
}

TEST_F(CpuLimits, of_version_one_are_read_from_the_cpu_hierarchy) {
  v1("/docker/x");
  quota_v1("/docker/x", "-1\n", "100000\n");
  EXPECT_EQ(count(8), 8);
  quota_v1("/docker", "250000\n", "100000\n");
  EXPECT_EQ(count(8), 3);
  quota_v1("/docker/x", "50000\n", "50000\n");
  EXPECT_EQ(count(8), 1);
}

TEST_F(CpuLimits, in_a_container_that_sees_only_its_own_group_are_found_at_the_top) {
  v1("/docker/x", "/docker/x");
  quota_v1("", "200000\n", "100000\n");
  EXPECT_EQ(count(8), 2);
  v2("/../outside");
  file("sys/fs/cgroup/cpu.max", "300000 100000\n");
  EXPECT_EQ(count(8), 3);
}

TEST_F(CpuLimits, below_a_mounted_part_are_looked_for_in_that_part) {
  v2("/slice/pod/app", "/slice");
  file("sys/fs/cgroup/pod/cpu.max", "200000 100000\n");
  file("sys/fs/cgroup/pod/app/cpu.max", "500000 100000\n");
  EXPECT_EQ(count(8), 2);
}

TEST_F(CpuLimits, that_make_no_sense_limit_nothing) {
  v2("/app");
  for (const char* text : {"", "garbage\n", "0 0\n", "100000\n", "-5 100000\n", "1e9 1\n"}) {
    file("sys/fs/cgroup/app/cpu.max", text);
    EXPECT_EQ(count(8), 8) << text;
  }
}

TEST_F(CpuLimits, may_be_made_tighter_by_the_environment_and_not_wider) {
  EXPECT_EQ(count(8, "3"), 3);
  EXPECT_EQ(count(8, "99"), 8);
  for (const char* text : {"", "0", "-2", "many", "3x"}) EXPECT_EQ(count(8, text), 8) << text;
}

TEST_F(CpuLimits, count_each_core_once_if_cores_are_asked_for) {
  core(0, "core_cpus_list", "0,2\n");
  core(1, "core_cpus_list", "1,3\n");
  core(2, "core_cpus_list", "0,2\n");
  core(3, "core_cpus_list", "1,3\n");
  EXPECT_EQ(count(4, nullptr, true), 2);
  EXPECT_EQ(count(4), 4);
  EXPECT_EQ(count(1, nullptr, true), 1);
  EXPECT_EQ(count(4, "1", true), 1);
  EXPECT_EQ(count(5, nullptr, true), 5) << "the fifth does not tell its core";
}

TEST_F(CpuLimits, know_the_older_name_of_a_cores_threads) {
  core(0, "thread_siblings_list", "0-1\n");
  core(1, "thread_siblings_list", "0-1\n");
  EXPECT_EQ(count(2, nullptr, true), 1);
}

TEST(CpuCount, follows_the_affinity_of_its_thread) {
  std::thread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(os::cpus_by_affinity().front(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(cpu_count(), 1);
    EXPECT_EQ(cpu_count({.physical = true}), 1);
  }).join();
  EXPECT_GE(cpu_count(), 1);
  EXPECT_LE(cpu_count({.physical = true}), cpu_count());
}

}  // namespace
}  // namespace poolproof
