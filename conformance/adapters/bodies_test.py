"""The bodies and their answers, each task in a separate fork."""

from __future__ import annotations

import os
import pickle
import signal
import time
from pathlib import Path

import bodies
import kit
import pytest
from driver import adapter

# Runs each task in a separate fork and reports the child's wait status, as subprocess does.
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


def test_fork_leaves_a_child_that_holds_every_descriptor_and_the_body_meets_again() -> None:
    stubborn = """
    def prepare(self):
        import faulthandler, signal
        faulthandler.enable()
        for number in (2, 11, 15): signal.signal(number, print)
        signal.pthread_sigmask(0, range(1, 65))
        os.dup2(os.open("/dev/null", os.O_RDONLY), 77, inheritable=False)
"""
    with adapter(FORKING + stubborn) as harness:
        harness.open()
        harness.submit("t1", "rendezvous", value=1)
        harness.answer(harness.meeting("t1"), "fork")
        again = harness.meeting("t1")
        (struck,) = harness.wait(lambda: harness.ledger.of("t1", "struck"))
        child = struck["child"]
        assert struck["pid"] == again.pid != child

        def state_and_parent() -> list[str]:
            return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[:2]

        # It falls asleep, and is the worker's own.
        harness.wait(lambda: state_and_parent() == ["S", str(again.pid)])
        assert os.path.exists(f"/proc/{child}/fd/77")
        harness.answer(again, "go")
        assert harness.outcome("t1") == {"kind": "value", "value": 77}
        os.kill(child, signal.SIGTERM)  # nothing of the worker's handling is left in it
        harness.wait(lambda: child not in harness.living())


def test_close_fds_closes_all_from_3_on_and_the_body_goes_on() -> None:
    looking = FORKING.replace("os._exit(77)", "print(os.listdir('/proc/self/fd')); os._exit(77)")
    with adapter(looking.replace("kit.run", "os.dup2(0, 900); kit.run")) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "close-fds")
        assert harness.outcome("t1")["value"] == 77
        assert harness.ledger.of("t1", "struck") and harness.ledger.of("t1", "end")


def test_an_undecodable_exception_can_be_encoded_and_not_decoded() -> None:
    error = bodies.Undecodable("odd", 1)
    assert str(error) == "odd"
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(error))
    catching = """
class Pool(Base):
    def submit(self, task):
        try: kit.run(task.call)
        except Exception as error: kit.settle(task.id, kit.value(repr(error)))
"""
    with adapter(catching) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "throw-undecodable", text="nobody knows it")
        assert harness.outcome("t1")["value"] == "Undecodable('nobody knows it')"
        harness.wait(lambda: harness.ledger.of("t1", "struck"))
        assert not harness.ledger.of("t1", "end")


def test_large_meets_and_returns_as_many_letters_as_asked_for() -> None:
    with adapter() as harness:
        harness.open()
        # In the adapter's own process, which waits at the rendezvous during this.
        for size, told in ((3, "xxx"), (100_000_000, {"length": 100_000_000})):
            task = f"t{size}"
            harness.submit(task, "large", bytes=size)
            harness.answer(harness.meeting(task), "go")
            assert harness.outcome(task) == {"kind": "value", "value": told}
            harness.wait(lambda task=task: harness.ledger.of(task, "end"))


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
