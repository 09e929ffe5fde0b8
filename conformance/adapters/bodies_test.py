"""The bodies and their answers, each task in a fork of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import kit
import pytest
from driver import adapter

# Runs each task in a fork of its own and tells the child's wait status, as subprocess would.
FORKING = """
class Pool(Base):
    prepare = staticmethod(lambda: None)
    def submit(self, task):
        pid = os.fork()
        if pid == 0:
            self.prepare()
            kit.run(task.call)
            os._exit(77)
        self.child = pid
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        kit.settle(task.id, kit.value(status))
"""


@pytest.mark.parametrize(
    "signal_name", ["SEGV", "KILL", "ABRT", "TERM", "INT", "FPE", "BUS", "ILL"]
)
@pytest.mark.parametrize(
    "prepare",
    [
        "lambda: None",
        "lambda: __import__('faulthandler').enable()",
        "lambda: __import__('signal').pthread_sigmask(0, range(1, 65))",
        "lambda: [__import__('signal').signal(n, print) for n in (2, 4, 6, 7, 8, 11, 15)]",
    ],
    ids=["plain", "faulthandler", "blocked", "handled"],
)
def test_raise_ends_the_process_by_that_very_signal(signal_name: str, prepare: str) -> None:
    with adapter(f"{FORKING}\n    prepare = staticmethod({prepare})") as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "raise", signal=signal_name)
        expected = -signal.Signals["SIG" + signal_name]
        assert harness.outcome("t1") == {"kind": "value", "value": expected}


def test_raise_ends_the_process_from_any_thread() -> None:
    in_thread = """
    def prepare(self):
        import faulthandler, signal
        faulthandler.enable()
        signal.signal(signal.SIGTERM, print)
        run, kit.run = kit.run, lambda call: None
        thread = threading.Thread(target=run, args=(self.call,))
        thread.start()
        thread.join()
    def submit(self, task):
        self.call = task.call
        FORK(self, task)
"""
    code = FORKING + "FORK = Pool.submit\nclass Pool(Pool):" + in_thread
    with adapter(code) as harness:
        harness.open()
        for name in ("TERM", "SEGV"):
            harness.submit(name, "rendezvous")
            harness.answer(harness.meeting(name), "raise", signal=name)
            assert harness.outcome(name)["value"] == -signal.Signals["SIG" + name]


@pytest.mark.parametrize("code", [0, 3, 255])
def test_exit_is_an_exit_that_nothing_can_catch(code: int) -> None:
    with adapter(FORKING) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "exit", code=code)
        assert harness.outcome("t1")["value"] == code
        assert harness.ledger.of("t1", "start") and not harness.ledger.of("t1", "end")


@pytest.mark.parametrize(("deed", "state"), [("loop", "R"), ("sleep", "S")])
def test_loop_is_on_the_cpu_and_sleep_is_not(deed: str, state: str) -> None:
    with adapter(FORKING) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        meeting = harness.meeting("t1")
        harness.answer(meeting, deed)
        assert meeting.conn.recv(1) == b""  # the body has read its answer, and closed

        def state_now() -> str:
            stat = Path(f"/proc/{meeting.pid}/stat").read_text()
            return stat.rpartition(")")[2].split()[0]

        harness.wait(lambda: state_now() == state)
        harness.stays(lambda: not harness.outcomes("t1"), 0.5)
        os.kill(meeting.pid, signal.SIGKILL)
        assert harness.outcome("t1")["value"] == -signal.SIGKILL


def test_a_body_whose_harness_is_gone_ends_by_itself() -> None:
    with adapter(FORKING) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.meeting("t1").conn.close()
        assert harness.outcome("t1")["value"] == 1
        os.unlink(harness.rendezvous_path)
        harness.submit("t2", "rendezvous")
        assert harness.outcome("t2")["value"] == 1
        os.unlink(harness.ledger_path)
        harness.submit("t3", "echo", value=1)
        assert harness.outcome("t3")["value"] == 1
        assert harness.stderr().count("the harness is gone") == 3


def test_the_ledger_tells_start_and_end_with_the_pid_and_the_time() -> None:
    with adapter() as harness:
        harness.open()
        before = time.monotonic_ns()
        harness.submit("t\u00e9 1", "echo", value=None)
        assert harness.outcome("t\u00e9 1") == {"kind": "value", "value": None}
        harness.wait(lambda: len(harness.ledger.lines) == 2)
        start, end = harness.ledger.lines
        assert [start["ev"], end["ev"]] == ["start", "end"]
        assert start["task"] == end["task"] == "t\u00e9 1"
        assert start["pid"] == end["pid"] == harness.process.pid
        assert before < start["t_ns"] < end["t_ns"] < time.monotonic_ns()


@pytest.mark.parametrize("character", ["\x01", "\u00e9", "\U0001f40d"])
def test_the_longest_id_in_its_widest_form_fits_a_ledger_line(character: str) -> None:
    with adapter() as harness:
        harness.open()
        widest = character * kit.ID_CHARACTERS
        harness.submit(widest, "echo", value=1)
        assert harness.outcome(widest) == {"kind": "value", "value": 1}
        harness.wait(lambda: len(harness.ledger.lines) == 2)
