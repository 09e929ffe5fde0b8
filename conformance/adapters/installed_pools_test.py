"""Drives the adapters of foreign pools once through everything that they translate.

The expected values are what a foreign pool does, not what it should do: these tests test the
adapters, and the scenarios judge the pools.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from importlib.metadata import version

import billiard_pool
import loky_errors
import pytest
from billiard.exceptions import WorkerLostError
from driver import HERE, Harness
from loky import process_executor

OPEN = "open forever"  # the pool never settles it: the task is lost


@dataclass(frozen=True)
class Facts:
    """What an adapter reports about its pool."""

    program: str
    package: str = ""  # "": of the standard library
    unencodable_argument: str = "encode-args"
    unencodable_result: str = "encode-result"
    death: str = "pool-broken"
    cause: str | None = None
    blames: bool = False
    cancelled: str = ""  # "": cancels nothing
    killed: tuple[str, ...] = ()  # possible ends of a task that a shutdown by force ends
    callback: bool = True


EVERY = [
    Facts("concurrent_futures_spawn.py", cancelled="cancelled"),
    Facts("concurrent_futures_forkserver.py", cancelled="cancelled"),
    Facts("multiprocessing_pool_spawn.py", death=OPEN, killed=(OPEN,)),
    Facts("loky_executor.py", "loky", death="worker-lost", cause="signal:KILL",
          cancelled="cancelled", killed=("shutdown",)),
    Facts("loky_reusable.py", "loky", death="worker-lost", cause="signal:KILL",
          cancelled="cancelled", killed=("shutdown",)),
    Facts("joblib_backend.py", "joblib", death="worker-lost", cause="signal:KILL",
          killed=("shutdown",), callback=False),
    Facts("pebble_pool.py", "pebble", unencodable_argument=OPEN, unencodable_result="worker-lost",
          death="worker-lost", cause="signal:KILL", blames=True, cancelled="cancelled",
          killed=(OPEN, "pool-broken")),
    Facts("mpire_pool.py", "mpire", unencodable_argument=OPEN, unencodable_result=OPEN,
          death="worker-lost", killed=(OPEN,)),
    # A death takes this pool 10 s and more: what it reports then is tested below.
    Facts("billiard_pool.py", "billiard", unencodable_argument=OPEN, death=OPEN, killed=(OPEN,)),
]  # fmt: skip
every_pool = pytest.mark.parametrize("facts", EVERY, ids=[each.program[:-3] for each in EVERY])


def test_every_adapter_of_an_installed_pool_is_here() -> None:
    elsewhere = {"concurrent_futures_fork.py", "multiprocessing_pool.py"}  # pools_test.py
    programs = {p.name for p in HERE.glob("*.py") if "\n    kit.serve(" in p.read_text()}
    assert programs - elsewhere == {each.program for each in EVERY}


@every_pool
def test_tasks_run_in_workers_and_end_as_they_ended(facts: Facts) -> None:
    with Harness(facts.program) as harness:
        hello = harness.wait(lambda: harness.named("hello"))[0]
        if facts.package:
            assert hello["version"] == version(facts.package)
        assert ("done_callback" in hello["capabilities"]) == facts.callback
        assert hello["longest_wait"]["seconds"] <= 60 and ".py" in hello["longest_wait"]["source"]
        harness.open()
        for n in range(2):
            harness.submit(f"t{n}", "rendezvous", value=[n])
        pids = {harness.meeting(f"t{n}").pid for n in range(2)}
        assert len(pids) == 2 and harness.process.pid not in pids
        harness.answer(harness.meeting("t0"), "go")
        assert harness.outcome("t0") == {"kind": "value", "value": [0]}
        harness.answer(harness.meeting("t1"), "throw", text="thrown on purpose")
        thrown = harness.outcome("t1")
        assert thrown["kind"] == "task-error" and "thrown on purpose" in thrown["native"]["text"]
        if facts.callback:
            args = {"ledger": harness.ledger_path, "rendezvous": harness.rendezvous_path}
            more = {"do": "submit", "id": "then", "body": "echo", "args": {**args, "value": 2}}
            harness.submit("t2", "echo", value=1, on_done=more)
            assert harness.outcome("then") == {"kind": "value", "value": 2}
        harness.submit("last", "large", bytes=100_000)
        harness.answer(harness.meeting("last"), "go")
        harness.send(cmd="close", how="drain")
        assert harness.outcome("last") == {"kind": "value", "value": {"length": 100_000}}
        harness.wait(lambda: harness.named("closed"))
        assert not pids & set(harness.living())
        assert harness.bye() == 0
        harness.wait(lambda: not harness.living())  # a resource tracker sees its end a little later


ALL_PROGRAMS = ["concurrent_futures_fork.py", "multiprocessing_pool.py", "broken/sound.py"] + [
    each.program for each in EVERY
]


@pytest.mark.parametrize("program", ALL_PROGRAMS)
def test_a_pool_does_with_its_workers_lives_what_its_adapter_says_that_it_can(program: str) -> None:
    with Harness(program) as harness:
        can = set(harness.wait(lambda: harness.named("hello"))[0]["capabilities"])
        recycles, initializes = "recycles" in can, "initializer" in can
        harness.open(2, tasks_per_worker=1 if recycles else None, initializer=initializes)
        for n in range(5):
            harness.submit(f"t{n}", "echo", value=n)
        for n in range(5):
            assert harness.outcome(f"t{n}") == {"kind": "value", "value": n}
        starts = [line["pid"] for n in range(5) for line in harness.ledger.of(f"t{n}", "start")]
        inits = [line["pid"] for line in harness.ledger.lines if line["ev"] == "init"]
        assert len(starts) == 5
        assert (len(set(starts)) == 5) == recycles
        assert len(inits) == len(set(inits))
        assert set(starts) <= set(inits) if initializes else not inits
        if "resize" in can:
            harness.resize(1)
            for n in range(2):
                harness.submit(f"one{n}", "rendezvous")
            first = harness.wait(lambda: [m for m in harness.meetings if not m.answered])[0]
            harness.stays(lambda: len([m for m in harness.meetings if not m.answered]) == 1, 0.5)
            harness.answer(first, "go")
            other = {"one0": "one1", "one1": "one0"}[first.task]
            harness.answer(harness.meeting(other), "go")
            assert harness.outcome(other)["kind"] == "value"
            harness.resize(2)
            for n in range(2):
                harness.submit(f"two{n}", "rendezvous")
            assert len({harness.meeting(f"two{n}").pid for n in range(2)}) == 2
            for n in range(2):
                harness.answer(harness.meeting(f"two{n}"), "go")
                assert harness.outcome(f"two{n}")["kind"] == "value"
        harness.close()
        assert harness.bye() == 0


@every_pool
def test_what_cannot_be_encoded_is_told_as_the_pool_has_it(facts: Facts) -> None:
    kinds = {"encode-result": facts.unencodable_result, "encode-args": facts.unencodable_argument}
    with Harness(facts.program) as harness:
        harness.open()
        for stage, kind in kinds.items():
            harness.submit(stage, "carry", stage=stage, value=1)
            harness.answer(harness.meeting(stage, stage), "throw", text="neither in nor out")
            if kind == OPEN:
                harness.stays(lambda stage=stage: not harness.outcomes(stage), 0.5)
                continue
            outcome = harness.outcome(stage)
            assert outcome["kind"] == kind
            assert kind != stage or "neither in nor out" in outcome["native"]["text"]


@every_pool
def test_a_death_is_told_as_the_pool_has_it_and_recovery_is_as_declared(facts: Facts) -> None:
    with Harness(facts.program) as harness:
        recovers = harness.wait(lambda: harness.named("hello"))[0]["recovers"]
        harness.open()
        harness.submit("t1", "rendezvous")
        meeting = harness.meeting("t1")
        os.kill(meeting.pid, signal.SIGKILL)
        if facts.death == OPEN:
            harness.stays(lambda: not harness.outcomes("t1"), 0.5)
            return
        outcome = harness.outcome("t1")
        assert (outcome["kind"], outcome.get("cause")) == (facts.death, facts.cause)
        assert outcome.get("blame") == ({"pid": meeting.pid} if facts.blames else None)
        if recovers == "breaks":
            harness.close()
            harness.open()
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2") == {"kind": "value", "value": 1}
        harness.close()
        assert harness.bye() == 0


@every_pool
def test_what_waits_can_be_cancelled_where_the_pool_can(facts: Facts) -> None:
    with Harness(facts.program) as harness:
        harness.open()
        for n in range(8):
            harness.submit(f"t{n}", "rendezvous")
        harness.meeting("t0")
        harness.send(cmd="cancel", id="t7")
        if facts.cancelled:
            assert harness.outcome("t7")["kind"] == facts.cancelled
        else:
            assert harness.refusal("cancel")["id"] == "t7"


# billiard's terminate() waits 7 s for its own thread, and so would this test.
@pytest.mark.parametrize("facts", [each for each in EVERY if each.package != "billiard"])
def test_a_shutdown_by_force_is_the_pools_own(facts: Facts) -> None:
    with Harness(facts.program) as harness:
        harness.open()
        harness.submit("t0", "rendezvous")
        harness.answer(harness.meeting("t0"), "sleep")
        if not facts.killed:
            harness.send(cmd="close", how="kill")
            assert "kill" in harness.refusal("close")["why"]
            return
        harness.close("kill")
        told = [outcome["kind"] for outcome in harness.outcomes("t0")] or [OPEN]
        assert len(told) == 1 and told[0] in facts.killed
        assert harness.bye() == 0


@pytest.mark.parametrize("program", ["pebble_pool.py", "mpire_pool.py", "billiard_pool.py"])
def test_a_deadline_ends_the_task_that_hangs(program: str) -> None:
    with Harness(program) as harness:
        harness.open()
        harness.submit("t1", "rendezvous", deadline_ms=300)
        harness.answer(harness.meeting("t1"), "loop")
        assert harness.outcome("t1")["kind"] == "deadline"


# --- tables -----------------------------------------------------------------------------------

LOKY = loky_errors.table(process_executor)


@pytest.mark.parametrize(
    ("codes", "cause"),
    [
        ("{SIGKILL(-9)}", "signal:KILL"),
        ("{SIGSEGV(-11), SIGSEGV(-11)}", "signal:SEGV"),
        ("{EXIT(0)}", "exit:0"),
        ("{EXIT(0), EXIT(0), SIGKILL(-9)}", None),
        ("{UNKNOWN(255)}", None),
        ("{UNKNOWN(255), EXIT(1)}", None),
        ("{}", None),
    ],
)
def test_loky_tells_a_cause_only_where_all_its_dead_workers_agree(
    codes: str, cause: str | None
) -> None:
    text = f"A worker process was terminated.\n\nThe exit codes of the workers are {codes}\nMore"
    outcome = loky_errors.outcome_of(process_executor.TerminatedWorkerError(text), LOKY)
    assert (outcome["kind"], outcome.get("cause")) == ("worker-lost", cause)


@pytest.mark.parametrize(
    ("status", "cause"), [("signal 9 (SIGKILL)", "signal:KILL"), ("exitcode 0", "exit:0")]
)
def test_billiard_tells_how_a_lost_worker_ended(status: str, cause: str) -> None:
    error = WorkerLostError(f"Worker exited prematurely: {status} Job: 3.")
    outcome = billiard_pool.Billiard().outcome(error)
    assert (outcome["kind"], outcome["cause"]) == ("worker-lost", cause)


def test_the_lock_pins_what_is_judged() -> None:
    lock = (HERE.parents[1] / ".python.lock").read_text()
    for package in {each.package for each in EVERY} - {""}:
        assert re.search(rf"^{package}=={re.escape(version(package))} ", lock, re.MULTILINE)
