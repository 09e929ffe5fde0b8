"""A seccomp filter refuses one system call after the other, to a program with an executor and to
its workers: with EPERM, and by ending the process that makes the call.

Whatever the call is: there are never more processes than asked for, nothing hangs longer than its
limit, and either the pool continues or an error names the call.

    pytest executor/tests/seccomp_test.py                     the calls that the executor makes
    POOLPROOF_ALL_CALLS=1 pytest executor/tests/seccomp_test.py      all that this kernel has

The program is $POOLPROOF_BIN/poolproof_seccomp_program; without that, the one of build/release.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("POOLPROOF_BIN", ROOT / "build/release/bin"))
PROGRAM = BIN / "poolproof_seccomp_program"
LIMIT_S = 45  # the program's own waits end earlier
MOST = 2  # the program and its worker; one more while a worker is being loaded

# The calls of the executor and its workers, and those that the C library makes for them.
CALLS = """
brk capget capset clone clone3 close close_range dup3 epoll_wait execve exit_group fcntl fstat futex
getdents64 geteuid getegid getgid getgroups getpid getppid getrandom getresgid getresuid getsockopt
getpriority gettid getuid ioctl kill lseek madvise mmap mprotect munmap newfstatat openat pidfd_open
pidfd_send_signal pipe2 poll ppoll prctl pread64 prlimit64 read readlink recvfrom recvmsg
rt_sigaction rt_sigprocmask sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity
sendmsg sendto set_robust_list set_tid_address setfsgid setfsuid socketpair statx waitid write
writev
""".split()  # noqa: SIM905

# How an error names the call if other code makes it: the loader, the C library.
OTHER_NAMES = {
    "clone3": "pthread_create",
    "mmap": "pthread_create",
    "mprotect": "pthread_create",
    "openat": "/proc/self/status",
    "read": "/proc/self/status",
    "close": "error while loading shared libraries",
    "newfstatat": "error while loading shared libraries",
    "pread64": "error while loading shared libraries",
    "futex": "futex facility",
    "prlimit64": "pthread_create",
    "arch_prctl": "thread-local storage",
}


def numbers() -> dict[str, int]:
    for folder in ("/usr/include", *map(str, Path("/usr/include").glob("*-linux-gnu"))):
        header = Path(folder) / "asm/unistd_64.h"
        if header.exists():
            found = re.findall(r"#define __NR_(\w+) (\d+)", header.read_text())
            return {name: int(number) for name, number in found}
    return {}


NUMBERS = numbers()
# A thread that cannot end spins in the C library, and a thread that joins it waits. We cannot help
# that.
NOT_TRIED = {"exit"}
WANTED = sorted(NUMBERS) if os.environ.get("POOLPROOF_ALL_CALLS") else CALLS
TRIED = [call for call in WANTED if call in NUMBERS and call not in NOT_TRIED]


def in_session(session: int) -> int:
    """How many processes of this session live; zombies do not count."""
    count = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        count += int(fields[3]) == session and fields[0] != "Z"
    return count


class Run:
    """One run of the program in its own session, and the largest number of processes seen there."""

    def __init__(self, call: str, action: str) -> None:
        self.most = 0
        self.program = subprocess.Popen(
            [str(PROGRAM), str(NUMBERS[call]), action],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        watch = threading.Thread(target=self._watch)
        watch.start()
        try:
            self.output, _ = self.program.communicate(timeout=LIMIT_S)
            self.hung = False
        except subprocess.TimeoutExpired:
            self.output, self.hung = "", True
        finally:
            self._end_session()
            watch.join()

    def _watch(self) -> None:
        while self.program.poll() is None and self.most < 50:
            self.most = max(self.most, in_session(self.program.pid))
            time.sleep(0.02)
        if self.most >= 50:
            self._end_session()

    def _end_session(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.program.pid, signal.SIGKILL)
        self.program.wait()


def goes_on(output: str) -> bool:
    return (
        "value: value" in output
        and re.search(r"crash: .*(SIGABRT|SIGSEGV|unknown cause)", output) is not None
        and "deadline: task 3 had started" in output
    )


@pytest.mark.skipif(not NUMBERS, reason="no header of this machine numbers its system calls")
@pytest.mark.parametrize("call", TRIED)
def test_a_call_that_is_refused_is_named_or_the_pool_goes_on(call: str) -> None:
    run = Run(call, "e")
    assert not run.hung
    assert run.most <= MOST + 1
    named = call in run.output or OTHER_NAMES.get(call, call) in run.output
    assert goes_on(run.output) or named or "rseq" in run.output, run.output


@pytest.mark.skipif(not NUMBERS, reason="no header of this machine numbers its system calls")
@pytest.mark.parametrize("call", TRIED)
def test_a_call_that_ends_its_process_leaves_an_error_or_ends_the_program(call: str) -> None:
    run = Run(call, "k")
    assert not run.hung
    assert run.most <= MOST + 1
    program_died = run.program.returncode == -signal.SIGSYS
    assert goes_on(run.output) or "SIGSYS" in run.output or program_died, run.output


@pytest.mark.skipif(not NUMBERS, reason="no header of this machine numbers its system calls")
def test_a_refused_getpid_is_told_with_the_error_that_the_filter_gives() -> None:
    run = Run("getpid", "e")
    assert "getpid: Operation not permitted" in run.output
