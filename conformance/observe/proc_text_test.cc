#include "conformance/observe/proc_text.h"

#include <gtest/gtest.h>

namespace poolproof::hang {
namespace {

TEST(ProcText, stat_of_a_name_with_brackets_and_spaces) {
  const auto stat = parse_stat(
      "371 (a) (b c) S 12 13 14 0 -1 4194304 77 0 0 0 0 0 0 0 20 0 1 0 1520315 2990080 417 "
      "18446744073709551615 1 1 0 0 0 0 0 0 0 1 0 0 17 0 0 0 0 0 0 1 1 1 1 1 1 1 9\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) (b c");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 12);
  EXPECT_EQ(stat->session, 14);
  EXPECT_EQ(stat->start, 1520315U);
  EXPECT_EQ(stat->exit_status, 9);
  EXPECT_FALSE(stat->kernel);
  EXPECT_FALSE(parse_stat("371 (cut"));
  EXPECT_FALSE(parse_stat("371 (cut) S 1 2"));
}

TEST(ProcText, syscall_running_elsewhere_or_in_a_call) {
  EXPECT_TRUE(parse_syscall("running\n")->running);
  EXPECT_EQ(parse_syscall("-1 0x7ffe 0x7f02\n")->number, -1);
  const auto call = parse_syscall("202 0x7f01 0x189 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f02\n");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, 202);
  EXPECT_EQ(call->arguments[1], 0x189U);
  EXPECT_EQ(call->arguments[5], 0xffffffffU);
  EXPECT_FALSE(parse_syscall(""));
  EXPECT_FALSE(parse_syscall("202 0x1 zero"));
}

TEST(ProcText, status_and_schedstat) {
  const StatusText status = parse_status(
      "Name:\tx\nTracerPid:\t7\nNSpid:\t371\t4\nNSpgid:\t370\t3\nSigPnd:\t0000000000000001\n"
      "SigCgt:\t0000000000002000\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t2\n");
  EXPECT_EQ(status.tracer, 7);
  EXPECT_EQ(status.inner, 4);
  EXPECT_EQ(status.inner_group, 3);
  EXPECT_EQ(status.pending, 1U);
  EXPECT_EQ(status.caught, 0x2000U);
  EXPECT_EQ(status.switches, 9U);
  EXPECT_EQ(parse_schedstat("1181856 13203437 9\n"), std::pair(1181856UL, 9UL));
  EXPECT_FALSE(parse_schedstat("0 0"));
}

TEST(ProcText, descriptors_tell_their_kind_mode_and_details) {
  const Descriptor pipe =
      parse_descriptor(4, "pipe:[8891]", "pos:\t0\nflags:\t02000001\nino:\t8891\n");
  EXPECT_EQ(pipe.object, (Object{Object::Kind::pipe, "pipe:[8891]"}));
  EXPECT_TRUE(pipe.writes);
  EXPECT_FALSE(pipe.reads);
  const Descriptor bell = parse_descriptor(
      5, "anon_inode:[eventfd]", "flags:\t02\neventfd-count:                0\neventfd-id: 20\n");
  EXPECT_EQ(bell.object.name, "eventfd:20");
  EXPECT_TRUE(bell.reads && bell.writes);
  const Descriptor set = parse_descriptor(
      3, "anon_inode:[eventpoll]",
      "flags:\t02\ntfd:        6 events:       1f data:     7f7300000006  pos:0 ino:40f sdev:10\n");
  ASSERT_EQ(set.members.size(), 1U);
  EXPECT_EQ(set.members[0], (EpollMember{6, 0x1f, 0x40f}));
  const std::string timer = "flags:\t02\nclockid: 1\nit_value: ";
  EXPECT_TRUE(parse_descriptor(6, "anon_inode:[timerfd]", timer + "(59, 8)\n").armed);
  EXPECT_FALSE(parse_descriptor(6, "anon_inode:[timerfd]", timer + "(0, 0)\n").armed);
  EXPECT_EQ(parse_descriptor(7, "pidfd:[9]", "flags:\t02\nPid:\t-1\n").target, -1);
  EXPECT_TRUE(parse_descriptor(0, "/dev/pts/3", "flags:\t020002\n").signals_when_ready);
}

TEST(ProcText, maps_are_those_that_can_be_shared) {
  const auto maps = parse_maps(
      "55d0-55d1 r-xp 00000000 08:01 11 /usr/bin/x\n"
      "7f00-7f01 rw-s 00001000 00:1b 1037 /dev/shm/sem.a b (deleted)\n"
      "7f02-7f03 rw-s 00000000 00:01 9 /dev/zero (deleted)\n");
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_EQ(maps[0],
            (SharedMap{0x7f00, 0x7f01, 0x1000, "00:1b 1037", "/dev/shm/sem.a b (deleted)"}));
}

TEST(ProcText, locks_held_and_waited_for) {
  const auto locks = parse_locks(
      "1: FLOCK  ADVISORY  WRITE 12 00:1f:99 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 13 00:1f:99 0 "
      "EOF\n"
      "2: OFDLCK ADVISORY  READ -1 00:1f:98 0 EOF\n");
  ASSERT_EQ(locks.size(), 3U);
  EXPECT_EQ(locks[0], (FileLock{12, false, 99}));
  EXPECT_EQ(locks[1], (FileLock{13, true, 99}));
  EXPECT_EQ(locks[2].pid, -1);
}

TEST(ProcText, a_kernel_that_does_not_name_its_timers_tells_nothing) {
  EXPECT_EQ(has_interval_timer(" #0: <1>, hrtimer_wakeup, S:01\n"), false);
  EXPECT_EQ(has_interval_timer(" #0: <1>, tick_x, S:01\n #1: <2>, it_real_fn, S:01\n"), true);
  EXPECT_EQ(has_interval_timer(" #0: <1>, 0xffffffff81, S:01\n"), std::nullopt);
  EXPECT_EQ(has_interval_timer(""), std::nullopt);
}

TEST(ProcText, a_command_line_reaches_no_terminal_as_control_characters) {
  EXPECT_EQ(parse_cmdline(std::string_view("a\0\x1b[2J\0", 7)), "a  [2J");
  EXPECT_EQ(parse_cmdline("abcdefghij", 6), "abc...");
}

}  // namespace
}  // namespace poolproof::hang
