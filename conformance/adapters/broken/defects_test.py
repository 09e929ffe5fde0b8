"""Each broken pool breaks one promise, every time, and no other: with a death played by hand."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import leaks_shm
import pytest
from driver import Harness
from scene import BYSTANDERS, kill_a_victim, state_of, warm_up
from sound_pool_test import cpu_ticks


def told_of(harness: Harness, names: list[str] = BYSTANDERS) -> list[Any]:
    return [harness.outcome(name).get("value") for name in names]


def victim_of(harness: Harness) -> dict[str, Any]:
    """Plays the whole scene; returns the victim's outcome. All the bystanders got their values."""
    harness.open()
    warm_up(harness)
    kill_a_victim(harness)
    assert told_of(harness) == BYSTANDERS
    outcome = harness.outcome("victim")
    assert (outcome["kind"], outcome["cause"]) == ("worker-lost", "signal:KILL")
    return outcome


def test_sound_passes_the_scene_that_convicts_the_others() -> None:
    with Harness("broken/sound.py") as harness:
        harness.open()
        warm_up(harness)
        pid = kill_a_victim(harness)
        outcome = harness.outcome("victim")
        assert (outcome["kind"], outcome["cause"]) == ("worker-lost", "signal:KILL")
        assert outcome["blame"]["pid"] == pid
        assert told_of(harness) == BYSTANDERS
        harness.close()
        assert all(len(harness.ledger.of(name, "start")) == 1 for name in BYSTANDERS)
        assert harness.bye() == 0
        assert harness.living() == []


@pytest.mark.parametrize("attempt", range(5))
def test_loses_task_loses_one_bystander_that_finished(attempt: int) -> None:
    with Harness("broken/loses_task.py") as harness:
        harness.open()
        warm_up(harness)
        kill_a_victim(harness)
        outcome = harness.outcome("victim")
        assert (outcome["kind"], outcome["cause"]) == ("worker-lost", "signal:KILL")
        harness.wait(lambda: all(harness.ledger.of(name, "end") for name in BYSTANDERS))
        harness.submit("probe", "echo", value=1)
        assert harness.outcome("probe")["kind"] == "value"
        harness.close()
        told = [name for name in BYSTANDERS if harness.outcomes(name)]
        assert len(told) == len(BYSTANDERS) - 1


def test_loses_task_loses_nothing_where_nobody_else_was_at_work() -> None:
    with Harness("broken/loses_task.py") as harness:
        harness.open()
        warm_up(harness)
        kill_a_victim(harness, [])
        assert harness.outcome("victim")["kind"] == "worker-lost"
        for n in range(4):
            harness.submit(f"t{n}", "echo", value=n)
            assert harness.outcome(f"t{n}") == {"kind": "value", "value": n}


def test_hangs_on_death_leaves_the_victim_open_and_all_else_whole() -> None:
    with Harness("broken/hangs_on_death.py") as harness:
        harness.open()
        warm_up(harness)
        pid = kill_a_victim(harness)
        assert told_of(harness) == BYSTANDERS
        harness.stays(lambda: not harness.outcomes("victim"))
        assert state_of(pid) == "Z"
        before = cpu_ticks(harness.process.pid)
        harness.stays(lambda: not harness.outcomes("victim"), 0.5)
        assert cpu_ticks(harness.process.pid) - before <= 1  # it waits, and does not poll


def test_hangs_on_death_notices_the_deaths_that_it_brings_about_and_those_at_idle() -> None:
    with Harness("broken/hangs_on_death.py") as harness:
        harness.open()
        for pid in warm_up(harness):
            os.kill(pid, signal.SIGKILL)
        harness.submit("t1", "rendezvous", deadline_ms=200)
        harness.answer(harness.meeting("t1"), "loop")
        assert harness.outcome("t1")["kind"] == "deadline"
        kill_a_victim(harness, [])
        harness.close()  # and once it shuts down it watches all of them
        assert harness.outcome("victim")["kind"] == "worker-lost"
        harness.wait(lambda: not harness.living())


@pytest.mark.parametrize(
    ("deed", "more", "told"),
    [
        ("raise", {"signal": "SEGV"}, "exit:0"),
        ("exit", {"code": 0}, "exit:0"),
        ("exit", {"code": 3}, "exit:3"),
    ],
)
def test_lies_about_cause_lies_about_signals_only(
    deed: str, more: dict[str, object], told: str
) -> None:
    with Harness("broken/lies_about_cause.py") as harness:
        harness.open()
        harness.submit("victim", "rendezvous")
        harness.answer(harness.meeting("victim"), deed, **more)
        outcome = harness.outcome("victim")
        assert (outcome["kind"], outcome["cause"]) == ("worker-lost", told)


def test_runs_twice_runs_again_what_another_worker_is_at_and_tells_it_once() -> None:
    with Harness("broken/runs_twice.py") as harness:
        harness.open()
        warm_up(harness)
        kill_a_victim(harness)
        harness.answer(harness.meeting(BYSTANDERS[0]), "go")  # it is there a second time
        assert told_of(harness) == BYSTANDERS
        assert harness.outcome("victim")["kind"] == "worker-lost"
        harness.close()
        starts = [len(harness.ledger.of(name, "start")) for name in BYSTANDERS]
        assert starts == [2, 1, 1, 1, 1, 1]
        assert all(len(harness.outcomes(name)) == 1 for name in BYSTANDERS)


def test_runs_twice_runs_again_what_was_finished_last_where_nobody_else_is_at_work() -> None:
    with Harness("broken/runs_twice.py") as harness:
        harness.open()
        harness.submit("before", "echo", value=1)
        assert harness.outcome("before")["kind"] == "value"
        kill_a_victim(harness, [])
        assert harness.outcome("victim")["kind"] == "worker-lost"
        harness.close()
        assert len(harness.ledger.of("before", "end")) == 2


def test_blames_the_wrong_task_names_the_worker_of_a_bystander() -> None:
    with Harness("broken/blames_the_wrong_task.py") as harness:
        blame = victim_of(harness)["blame"]
        of_bystander = {line["pid"] for line in harness.ledger.of(BYSTANDERS[0], "start")}
        assert {blame["pid"]} == of_bystander
        harness.close()


def test_leaks_child_leaves_a_process_that_outlives_the_program() -> None:
    with Harness("broken/leaks_child.py") as harness:
        victim_of(harness)
        harness.close()
        assert harness.bye() == 0
        (left,) = harness.living()
        assert state_of(left) == "S"
        assert os.listdir(f"/proc/{left}/fd") == []
        os.kill(left, signal.SIGTERM)


def test_leaks_fd_keeps_the_handle_of_each_worker_that_died() -> None:
    def handles(harness: Harness) -> int:
        proc = Path(f"/proc/{harness.process.pid}/fd")
        return sum(os.readlink(fd).endswith("[pidfd]") for fd in proc.iterdir())

    with Harness("broken/leaks_fd.py") as harness:
        for round_ in range(1, 3):
            harness.open()
            harness.submit(f"v{round_}", "rendezvous")
            os.kill(harness.meeting(f"v{round_}").pid, signal.SIGKILL)
            assert harness.outcome(f"v{round_}")["kind"] == "worker-lost"
            harness.close()
            assert handles(harness) == round_
        assert harness.bye() == 0


def test_leaks_shm_leaves_a_name_for_each_worker_that_died() -> None:
    with Harness("broken/leaks_shm.py") as harness:
        pid = victim_of(harness)["blame"]["pid"]
        harness.close()
        assert harness.bye() == 0
        name = leaks_shm.NAME.format(pool=harness.process.pid, worker=pid, ns="*")
        (left,) = leaks_shm.SHARED_MEMORY.glob(name)
        left.unlink()


def test_never_shuts_down_does_so_until_a_worker_has_died() -> None:
    with Harness("broken/never_shuts_down.py") as harness:
        harness.open()
        warm_up(harness)
        harness.close()
        harness.open()
        kill_a_victim(harness)
        assert told_of(harness) == BYSTANDERS
        assert harness.outcome("victim")["kind"] == "worker-lost"
        harness.send(cmd="close", how="kill")
        harness.stays(lambda: len(harness.named("closed")) == 1)
        assert harness.living() == []  # the workers are gone: only the call does not return


@pytest.mark.parametrize("closed", [True, False])
def test_never_exits_ends_with_its_program_only_if_it_was_closed(closed: bool) -> None:
    with Harness("broken/never_exits.py") as harness:
        harness.open()
        warm_up(harness)
        if closed:
            harness.close()
        harness.send(cmd="bye")
        if closed:
            assert harness.end() == 0
        else:
            harness.stays(lambda: harness.process.poll() is None)


def test_swallows_exception_tells_none_for_what_a_task_throws_and_for_nothing_else() -> None:
    with Harness("broken/swallows_exception.py") as harness:
        harness.open()
        harness.submit("throws", "rendezvous", value=1)
        harness.answer(harness.meeting("throws"), "throw", text="thrown")
        assert harness.outcome("throws") == {"kind": "value", "value": None}
        harness.submit("result", "carry", stage="encode-result", value=1)
        harness.answer(harness.meeting("result", "encode-result"), "throw", text="thrown")
        assert harness.outcome("result")["kind"] == "encode-result"
        harness.close()
        assert harness.bye() == 0
