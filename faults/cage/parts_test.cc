// The parts of the cage that are pure, or nearly pure.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "faults/cage/outbox.h"
#include "faults/cage/proc.h"
#include "faults/cage/visible.h"
#include "faults/cage/wait_words.h"

namespace poolproof::faults {
namespace {

namespace fs = std::filesystem;

std::string words(const std::string& syscall, char state = 'S', const std::string& wchan = "0") {
  ThreadWait thread;
  thread.state = state;
  thread.syscall = syscall;
  thread.wchan = wchan;
  return wait_words(thread, [](int fd) { return fd == 5 ? "pipe:[123]" : ""; });
}

std::string call(long number, const std::string& arguments) {
  return std::to_string(number) + " " + arguments + " 0x7ffc 0x7f00\n";
}

TEST(WaitWords, say_what_a_thread_waits_for_and_whether_it_ends_by_itself) {
  EXPECT_EQ(words(call(SYS_read, "0x5 0x1 0x2 0x0 0x0 0x0")), "read fd 5 pipe:[123]");
  EXPECT_EQ(words(call(SYS_read, "0x6 0x1 0x2 0x0 0x0 0x0")), "read fd 6");
  EXPECT_EQ(words(call(SYS_futex, "0x7f 0x80 0x2 0x0 0x0 0x0")), "futex, no time limit");
  EXPECT_EQ(words(call(SYS_futex, "0x7f 0x189 0x0 0x7ffc 0x0 0xffffffff")),
            "futex, with a time limit");
  EXPECT_EQ(words(call(SYS_futex, "0x7f 0x86 0x0 0x0 0x0 0x0")),
            "futex with an owner, no time limit");
  EXPECT_EQ(words(call(SYS_wait4, "0xc 0x0 0x0 0x0 0x0 0x0")), "wait for child 12");
  EXPECT_EQ(words(call(SYS_wait4, "0xffffffff 0x0 0x0 0x0 0x0 0x0")), "wait for any child");
  EXPECT_EQ(words(call(SYS_ppoll, "0x7f 0x3 0x0 0x0 0x8 0x0")), "poll of 3 fds, no time limit");
  EXPECT_EQ(words(call(SYS_clock_nanosleep, "0x0 0x0 0x7f 0x0 0x0 0x0")), "sleep");
#ifdef SYS_poll
  EXPECT_EQ(words(call(SYS_poll, "0x7f 0x1 0xffffffff 0x0 0x0 0x0")),
            "poll of 1 fd, no time limit");
  EXPECT_EQ(words(call(SYS_poll, "0x7f 0x1 0x64 0x0 0x0 0x0")), "poll of 1 fd, at most 100 ms");
#endif
#ifdef SYS_epoll_wait
  EXPECT_EQ(words(call(SYS_epoll_wait, "0x4 0x7f 0x40 0xffffffff 0x0 0x8")),
            "epoll fd 4, no time limit");
#endif
}

TEST(WaitWords, know_a_wait_that_only_somebody_else_can_end) {
  for (const auto& [number, arguments] : std::vector<std::pair<long, std::string>>{
           {SYS_read, "0x5 0x1 0x2 0x0 0x0 0x0"},
           {SYS_futex, "0x7f 0x80 0x2 0x0 0x0 0x0"},
           {SYS_wait4, "0xffffffff 0x0 0x0 0x0 0x0 0x0"},
           {SYS_ppoll, "0x7f 0x3 0x0 0x0 0x8 0x0"},
           {SYS_pselect6, "0x7f 0x3 0x0 0x0 0x0 0x0"},
           {SYS_epoll_pwait, "0x4 0x7f 0x40 0xffffffff 0x0 0x8"},
           {SYS_rt_sigsuspend, "0x7f 0x8 0x0 0x0 0x0 0x0"},
           {SYS_rt_sigtimedwait, "0x7f 0x7f 0x0 0x8 0x0 0x0"}})
    EXPECT_TRUE(has_no_limit(call(number, arguments))) << number;
  for (const auto& [number, arguments] : std::vector<std::pair<long, std::string>>{
           {SYS_futex, "0x7f 0x189 0x0 0x7ffc 0x0 0xffffffff"},
           {SYS_ppoll, "0x7f 0x3 0x7ffc 0x0 0x8 0x0"},
           {SYS_pselect6, "0x7f 0x3 0x0 0x0 0x7ffc 0x0"},
           {SYS_epoll_pwait, "0x4 0x7f 0x40 0x64 0x0 0x8"},
           {SYS_clock_nanosleep, "0x0 0x0 0x7f 0x0 0x0 0x0"},
           {SYS_rt_sigtimedwait, "0x7f 0x7f 0x7ffc 0x8 0x0 0x0"},
           {SYS_restart_syscall, "0x0 0x0 0x0 0x0 0x0 0x0"},
           {SYS_ptrace, "0x0 0x0 0x0 0x0 0x0 0x0"}})
    EXPECT_FALSE(has_no_limit(call(number, arguments))) << number;
  for (const char* line : {"running", "-1 0x7ffc 0x7f00", "", "0 0x5"})
    EXPECT_FALSE(has_no_limit(line)) << line;
}

TEST(WaitWords, never_guess) {
  EXPECT_EQ(words("running\n", 'R'), "running");
  EXPECT_EQ(words("", 'Z'), "ended");
  EXPECT_EQ(words("", 'T'), "stopped");
  EXPECT_EQ(words("-1 0x7ffc 0x7f00\n", 'S', "exit_mm"), "outside a system call in exit_mm");
  EXPECT_EQ(words(call(998, "0x0 0x0 0x0 0x0 0x0 0x0"), 'D', "io_schedule"),
            "system call 998 in io_schedule, uninterruptible");
  EXPECT_EQ(words("what is this", 'S', "do_wait"), "unknown in do_wait");
  ThreadWait thread;
  thread.state = 'S';
  thread.syscall_error = EPERM;
  EXPECT_EQ(wait_words(thread, [](int) { return ""; }), "unavailable: EPERM");
}

TEST(Stat, a_name_with_brackets_and_spaces_is_read_whole) {
  const std::string rest =
      " S 4 4 4 0 -1 1 0 0 0 0 10 20 0 0 20 0 3 0 777 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 17 1 0 0 0 0 0 "
      "1 "
      "1 1 1 1 1 1 139\n";
  const auto stat = parse_stat("12 (a) b (c)" + rest);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->name, "a) b (c");
  EXPECT_EQ(stat->pid, 12);
  EXPECT_EQ(stat->ppid, 4);
  EXPECT_EQ(stat->cpu_ticks, 30U);
  EXPECT_EQ(stat->threads, 3);
  EXPECT_EQ(stat->start, 777U);
  EXPECT_EQ(stat->exit_code, 139);
  EXPECT_FALSE(parse_stat("12 (a) S 4 4").has_value());
  EXPECT_FALSE(parse_stat("").has_value());
}

TEST(Stat, a_zombie_with_other_threads_is_alive) {
  Stat stat;
  stat.state = 'Z';
  EXPECT_FALSE(stat.alive());
  stat.threads = 2;
  EXPECT_TRUE(stat.alive());
}

TEST(Packet, a_list_that_does_not_fit_is_cut_and_counted) {
  nlohmann::json message = {{"small", {1, 2}}, {"large", nlohmann::json::array()}};
  for (int i = 0; i < 20000; ++i) message["large"].push_back("item " + std::to_string(i));
  const std::string packet = encode_packet(message);
  EXPECT_LE(packet.size(), kLargestPacket);
  const auto read = nlohmann::json::parse(packet);
  EXPECT_EQ(read.at("large").size() + read.at("large_cut").get<std::size_t>(), 20000U);
  EXPECT_EQ(read.at("small").size(), 2U);
  EXPECT_FALSE(read.contains("small_cut"));
}

TEST(Packet, invalid_text_is_escaped_or_replaced_and_never_ends_the_keeper) {
  EXPECT_EQ(escaped("a\x1b[31m\xc3\xa9\xff"), "a\\x1b[31m\xc3\xa9\\xff");
  EXPECT_EQ(escaped("abcdef", 4), "abcd");
  EXPECT_EQ(escaped("abc\n", 4), "abc") << "an escape is never cut in half";
  EXPECT_NO_THROW(encode_packet({{"name", "\xff\xfe"}}));
}

class Visible : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/visible-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    place_ = fs::canonical(pattern);
    for (const char* name : {"one", "two", "three"}) fs::create_directories(place_ / name / "bin");
    std::ofstream(place_ / "three/bin/python") << "x";
    fs::create_symlink("../../three/bin/python", place_ / "two/bin/python");
    fs::create_symlink(place_ / "two", place_ / "link");
  }
  void TearDown() override { fs::remove_all(place_); }

  std::set<std::string> needed(const std::vector<std::string>& texts) {
    return needed_entries({place_.string()}, texts).at(place_.string());
  }
  std::string in(const std::string& path) { return (place_ / path).string(); }

  fs::path place_;
};

using Names = std::set<std::string>;

TEST_F(Visible, paths_are_found_alone_in_lists_and_after_an_equals_sign) {
  EXPECT_EQ(needed({in("one/bin")}), Names{"one"});
  EXPECT_EQ(needed({"PATH=/usr/bin:" + in("one/bin") + ":" + in("two")}), (Names{"one", "two"}));
  EXPECT_EQ(needed({"--x=" + in("one")}), Names{"one"});
  EXPECT_EQ(needed({in(""), place_.string(), "/usr/bin", "one", ""}), Names{});
  EXPECT_EQ(needed({in("missing/file")}), Names{});
  EXPECT_EQ(needed({"/usr/.." + in("./one/../two")}), (Names{"one", "two"}));
}

TEST_F(Visible, links_are_followed_to_everything_that_they_lead_through) {
  EXPECT_EQ(needed({in("two/bin/python")}), (Names{"two", "three"}));
  EXPECT_EQ(needed({in("link/bin/python")}), (Names{"link", "two", "three"}));
  fs::create_symlink(place_ / "loop", place_ / "loop");
  EXPECT_EQ(needed({in("loop")}), Names{"loop"});
}

TEST_F(Visible, the_program_is_looked_for_in_path_and_its_interpreter_too) {
  std::ofstream(place_ / "one/bin/adapter") << "#!/usr/bin/env python\n";
  AdapterCommand command;
  command.argv = {"adapter"};
  command.cwd = "/";
  command.env = {"PATH=/usr/bin", "TMPDIR=" + in("two")};
  EXPECT_EQ(needed(texts_of(command)), Names{}) << "TMPDIR is replaced";
  command.argv = {in("one/bin/adapter")};
  command.env = {"PATH=/usr/bin:/bin"};
  EXPECT_EQ(needed(texts_of(command)), Names{"one"});
  std::ofstream(place_ / "one/bin/adapter") << "#!" << in("two/bin/python") << " -u\n";
  EXPECT_EQ(needed(texts_of(command)), (Names{"one", "two", "three"}));
  command.cwd = in("one");
  command.argv = {"bin/adapter"};
  EXPECT_EQ(needed(texts_of(command)), (Names{"one", "two", "three"}));
}

}  // namespace
}  // namespace poolproof::faults
