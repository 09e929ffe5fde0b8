// Where a cgroup can be made, read from texts, and a hierarchy of version 2 in a folder: the
// machine of the tests may have no memory controller there.
#include "faults/cage/limit_cgroup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "faults/cage/fd.h"

namespace poolproof::faults {
namespace {

namespace fs = std::filesystem;

const std::string kHybrid =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
const std::string kOwn = "8:pids:/\n4:memory:/a/b\n2:cpu,cpuacct:/\n0::/\n";

class Folder {
 public:
  Folder() {
    std::string pattern = fs::temp_directory_path() / "cgroup-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw CallFailed("mkdtemp " + pattern);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  std::string read(const fs::path& file) const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path() const { return path_; }

 private:
  fs::path path_;
};

std::string refusal(const std::string& controller, const std::string& mounts,
                    const std::string& own) {
  try {
    return "at " + find_cgroup_place(controller, mounts, own).parent;
  } catch (const std::runtime_error& why) {
    return why.what();
  }
}

TEST(CgroupPlace, of_version_1_is_our_own_group) {
  const CgroupPlace place = find_cgroup_place("memory", kHybrid, kOwn);
  EXPECT_EQ(place.version, 1);
  EXPECT_EQ(place.parent, "/sys/fs/cgroup/memory/a/b");
  EXPECT_EQ(find_cgroup_place("cpu", kHybrid, kOwn).parent, "/sys/fs/cgroup/cpu,cpuacct");
}

TEST(CgroupPlace, in_a_container_is_below_what_is_mounted_there) {
  const std::string mount = "35 31 0:32 /docker/7 /sys/fs/cgroup/memory rw - cgroup c rw,memory\n";
  EXPECT_EQ(refusal("memory", mount, "4:memory:/docker/7/x\n"), "at /sys/fs/cgroup/memory/x");
  EXPECT_EQ(refusal("memory", mount, "4:memory:/docker/8\n"),
            "no memory cgroup can be made: our own group is not visible below "
            "/sys/fs/cgroup/memory");
}

TEST(CgroupPlace, says_why_there_is_none) {
  EXPECT_EQ(refusal("memory", "", kOwn),
            "no memory cgroup can be made: no cgroup hierarchy with it is mounted");
}

TEST(CgroupPlace, of_version_2_is_where_the_controller_is_handed_on) {
  const Folder folder;
  folder.write("cgroup.subtree_control", "cpu memory pids\n");
  folder.write("user/cgroup.subtree_control", "cpu memory\n");
  folder.write("user/session/cgroup.subtree_control", "\n");
  const std::string mount = "41 31 0:38 / " + folder.path() + " rw - cgroup2 cgroup2 rw\n";
  const std::string own = "0::/user/session\n";
  EXPECT_EQ(refusal("memory", mount, own), "at " + folder.path() + "/user");
  EXPECT_EQ(refusal("pids", mount, own), "at " + folder.path());
  EXPECT_EQ(refusal("io", mount, own),
            "no io cgroup can be made: no group above us hands the controller on to its children "
            "(cgroup.subtree_control)");
}

// In a real cgroup the kernel makes the files; here the test makes them, in a folder.
TEST(Cgroup, of_version_2_is_spoken_to_in_its_own_words) {
  const Folder folder;
  Cgroup group("memory", {2, folder.path(), folder.path()});
  const std::string own = group.path().substr(folder.path().size() + 1);
  for (const char* file : {"memory.max", "memory.swap.max", "cgroup.procs"})
    folder.write(own + "/" + file, "");
  folder.write(own + "/memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n");
  folder.write(own + "/memory.current", "4096\n");
  group.limit(64 << 20);
  EXPECT_EQ(folder.read(group.path() + "/memory.max"), "67108864");
  EXPECT_EQ(folder.read(group.path() + "/memory.swap.max"), "0");
  group.take_in(12);
  EXPECT_EQ(folder.read(group.path() + "/cgroup.procs"), "12");
  EXPECT_EQ(group.counters(), (nlohmann::json{{"oom_kill", 2}}));
  EXPECT_EQ(group.usage(), 4096);
}

TEST(Cgroup, says_which_call_failed_and_where) {
  try {
    const Cgroup group("memory", {1, "/nonexistent", "/nonexistent/here"});
    FAIL();
  } catch (const CallFailed& failure) {
    EXPECT_EQ(std::string(failure.what()).rfind("mkdir /nonexistent/here/poolproof-", 0), 0U);
    EXPECT_NE(std::string(failure.what()).find("ENOENT"), std::string::npos);
  }
}

TEST(Cgroup, that_never_was_counts_as_removed) {
  EXPECT_TRUE(remove_cgroup("/nonexistent/poolproof-0"));
}

}  // namespace
}  // namespace poolproof::faults
