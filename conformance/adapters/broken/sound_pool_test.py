"""The sound pool keeps its promises; a broken one keeps those that its defect does not concern."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from driver import Harness
from scene import state_of, warm_up
from sound_books import Task, Worker
from sound_errors import PoolError, ShutDown
from sound_pool import SoundPool

HERE = Path(__file__).resolve().parent
SOUND = "broken/sound.py"
BROKEN = [
    f"broken/{path.name}"
    for path in sorted(HERE.glob("*.py"))
    if "(SoundPool):" in path.read_text() and not path.name.endswith("_test.py")
]
every_one = pytest.mark.parametrize("adapter", [SOUND, *BROKEN])
KEEPS_SOMETHING = ("leaks_fd", "leaks_child", "leaks_shm", "never_shuts_down")  # of a death


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@every_one
def test_idle_workers_that_die_are_replaced_unnoticed(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        pids = warm_up(harness)
        for _ in range(3):
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            for n in range(4):
                harness.submit(name := f"t{pids}{n}"[-20:], "echo", value=n)
                assert harness.outcome(name) == {"kind": "value", "value": n}
            harness.wait(lambda: len(harness.living()) == 2)
            pids = [pid for pid in harness.living()]
        harness.close()
        assert harness.bye() == 0


@every_one
@pytest.mark.parametrize("deed", ["loop", "sleep"])
def test_a_deadline_ends_the_hung_task_alone(adapter: str, deed: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        harness.submit("victim", "rendezvous", deadline_ms=300)
        for n in range(4):
            harness.submit(f"b{n}", "echo", value=n)
        meeting = harness.meeting("victim")
        harness.answer(meeting, deed)
        outcome = harness.outcome("victim")
        assert (outcome["kind"], outcome["cause"]) == ("deadline", "deadline")
        assert (outcome["intent"], outcome["certainty"]) == ("policy", "ran")
        assert outcome["blame"]["pid"] == meeting.pid
        assert [harness.outcome(f"b{n}")["value"] for n in range(4)] == list(range(4))
        harness.close()


def test_a_task_that_waits_past_its_deadline_never_starts() -> None:
    with Harness(SOUND) as harness:
        harness.open(workers=1)
        harness.submit("first", "rendezvous")
        harness.submit("late", "echo", value=1, deadline_ms=100)
        meeting = harness.meeting("first")
        outcome = harness.outcome("late")
        assert (outcome["kind"], outcome["certainty"]) == ("deadline", "not-started")
        harness.answer(meeting, "go")
        assert harness.outcome("first")["kind"] == "value"
        harness.close()
        assert not harness.ledger.of("late", "start")


@every_one
def test_the_death_of_the_parent_takes_all_workers_with_it(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        for n in range(2):
            harness.submit(f"t{n}", "rendezvous")
            harness.answer(harness.meeting(f"t{n}"), "sleep")
        harness.process.kill()
        harness.end()
        # The process that adopts them may need time to reap them.
        harness.wait(lambda: all(state_of(pid) == "Z" for pid in harness.living()), 1)


@pytest.mark.parametrize(
    "adapter", [name for name in (SOUND, *BROKEN) if Path(name).stem not in KEEPS_SOMETHING]
)
def test_rounds_leave_no_descriptor_and_no_thread_behind(adapter: str) -> None:
    def size(harness: Harness) -> tuple[int, int]:
        proc = f"/proc/{harness.process.pid}"
        return len(os.listdir(f"{proc}/fd")), len(os.listdir(f"{proc}/task"))

    with Harness(adapter) as harness:
        harness.wait(lambda: harness.named("hello"))
        before = size(harness)
        for n in range(4):
            harness.open()
            harness.submit(f"v{n}", "rendezvous")
            os.kill(harness.meeting(f"v{n}").pid, signal.SIGKILL)
            if Path(adapter).stem != "hangs_on_death":
                harness.outcome(f"v{n}")
            harness.close("kill")
            # A joined thread may stay in the kernel's list for a moment.
            harness.wait(lambda: size(harness) == before, 2)


@every_one
def test_close_kill_settles_what_was_submitted_just_before(adapter: str) -> None:
    with Harness(adapter) as harness:
        for n in range(20):
            harness.open(workers=1)
            for task in range(3):
                harness.submit(f"t{n}.{task}", "echo", value=1)
            harness.close("kill")
            for task in range(3):
                (outcome,) = harness.outcomes(f"t{n}.{task}")
                assert outcome["kind"] in ("value", "shutdown")


class LateOrder(SoundPool):
    """As if the supervisor saw the shutdown before the submit that came before it."""

    def __init__(self, late: Task):
        self.late = late
        super().__init__(1)

    def _end_all(self) -> None:
        self._orders.append(lambda: self.queue.append(self.late))
        super()._end_all()


def test_what_is_submitted_in_the_very_moment_of_a_shutdown_by_force_is_settled() -> None:
    told: list[PoolError | None] = []
    pool = LateOrder(Task(b"", lambda _, failure: told.append(failure), None))
    pool.close("kill")
    assert [type(failure) for failure in told] == [ShutDown]


class LateListener(SoundPool):
    """As if the supervisor heard nothing from a worker until it has killed it."""

    def _listen(self, worker: Worker) -> None:
        if worker.doom:
            super()._listen(worker)


def meet_and_stay(fifo: str) -> None:
    Path(fifo).write_text("here")
    signal.pause()


def test_what_a_worker_said_before_it_was_killed_by_force_counts(tmp_path: Path) -> None:
    os.mkfifo(fifo := tmp_path / "fifo")
    told: list[PoolError | None] = []
    pool = LateListener(1)
    pool.submit(meet_and_stay, str(fifo), lambda _, failure: told.append(failure))
    assert fifo.read_text() == "here"
    pool.close("kill")
    assert [(type(failure), failure and failure.certainty) for failure in told] == [
        (ShutDown, "ran")
    ]


def test_a_reply_that_came_before_a_death_counts() -> None:
    with Harness(SOUND) as harness:
        harness.open()
        harness.submit("t1", "rendezvous", value=7)
        meeting = harness.meeting("t1")
        harness.process.send_signal(signal.SIGSTOP)  # it will find the reply and the death at once
        harness.answer(meeting, "go")
        wchan = Path(f"/proc/{meeting.pid}/wchan")
        harness.wait(lambda: harness.ledger.of("t1", "end") and "unix" in wchan.read_text())
        os.kill(meeting.pid, signal.SIGKILL)
        harness.wait(lambda: state_of(meeting.pid) == "Z")
        harness.process.send_signal(signal.SIGCONT)
        assert harness.outcome("t1") == {"kind": "value", "value": 7}
        harness.close()


def test_close_cancel_gives_up_what_waits_and_finishes_what_runs() -> None:
    with Harness(SOUND) as harness:
        harness.open(workers=1)
        harness.submit("runs", "rendezvous", value=1)
        harness.submit("waits", "echo", value=2)
        meeting = harness.meeting("runs")
        harness.send(cmd="close", how="cancel")
        assert harness.outcome("waits")["kind"] == "cancelled"
        harness.answer(meeting, "go")
        assert harness.outcome("runs") == {"kind": "value", "value": 1}
        harness.wait(lambda: harness.named("closed"))


def test_a_frozen_worker_is_ended_by_its_deadline_and_by_close() -> None:
    with Harness(SOUND) as harness:
        harness.open()
        (first, second) = warm_up(harness)
        harness.submit("t1", "rendezvous", deadline_ms=300)
        os.kill(harness.meeting("t1").pid, signal.SIGSTOP)
        assert harness.outcome("t1")["kind"] == "deadline"
        for pid in harness.living():
            os.kill(pid, signal.SIGSTOP)
        harness.close()
        harness.wait(lambda: not harness.living())
        assert first != second


def test_a_hundred_deaths_strike_only_their_own_tasks() -> None:
    with Harness(SOUND) as harness:
        harness.open(workers=3)
        for n in range(100):
            harness.submit(f"v{n}", "rendezvous")
            harness.submit(f"b{n}", "echo", value=n)
            meeting = harness.meeting(f"v{n}")
            if n % 2:
                os.kill(meeting.pid, signal.SIGKILL)
            else:
                harness.answer(meeting, "exit", code=n)
        for n in range(100):
            cause = "signal:KILL" if n % 2 else f"exit:{n}"
            assert harness.outcome(f"v{n}")["cause"] == cause
            assert harness.outcome(f"b{n}") == {"kind": "value", "value": n}
        harness.close()
        assert all(len(harness.outcomes(f"v{n}")) == 1 for n in range(100))
        assert harness.bye() == 0


def test_an_idle_pool_costs_nothing() -> None:
    with Harness(SOUND) as harness:
        harness.open()
        warm_up(harness)
        before = cpu_ticks(harness.process.pid)
        time.sleep(1)  # the time that is measured, and not synchronisation
        assert cpu_ticks(harness.process.pid) == before
