"""Drives the three pools for Node through every body, stage and answer that Node has.

The expected values are what a foreign pool does, not what it should do: these tests test the
adapters, and the scenarios judge the pools.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from driver import LIMIT_S, fd_facts
from node_driver import needs_pools, pool

POOLS = ["workerpool", "tinypool", "jest_worker"]
WORKERPOOL, TINYPOOL, JEST = POOLS
every_pool = pytest.mark.parametrize("name", POOLS)
pytestmark = needs_pools


# --- tasks that go well -----------------------------------------------------------------------


@every_pool
def test_hello_says_where_the_longest_wait_is_written(name: str) -> None:
    with pool(name) as harness:
        hello = harness.wait(lambda: harness.events)[0]
        assert hello["event"] == "hello" and hello["language"].startswith("JavaScript (Node ")
        assert hello["longest_wait"]["seconds"] <= 1 and ".js" in hello["longest_wait"]["source"]
        # A promise belongs to the language, and decoding in Node runs no code of a task.
        assert not {"done_callback", "arguments_cross"} & set(hello["capabilities"])
        assert {"worker_processes", "results_cross"} <= set(hello["capabilities"])
        assert harness.bye() == 0


@every_pool
def test_echo_returns_any_value_as_it_was_and_tasks_settle_once_each(name: str) -> None:
    values: list[Any] = [None, True, 0, -1.5, "caf\u00e9 \U0001f40d \x00", [], {"a": [1, {"b": 0}]}]
    values += list(range(100))
    with pool(name) as harness:
        harness.open()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        for n, value in enumerate(values):
            harness.submit(f"t{n}", "echo", value=value)
        harness.wait(lambda: len(harness.named("settled")) == len(values))
        harness.close(sorted(WAYS[name])[0])
        assert [harness.outcomes(f"t{n}") for n in range(len(values))] == [
            [{"kind": "value", "value": value}] for value in values
        ]
        harness.wait(lambda: len(harness.ledger.lines) == 2 * len(values))
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        assert all(before < line["t_ns"] < after for line in harness.ledger.lines)


@every_pool
def test_tasks_run_in_workers_of_which_there_are_as_many_as_asked_for(name: str) -> None:
    with pool(name) as harness:
        harness.open(workers=3)
        for n in range(4):
            harness.submit(f"t{n}", "rendezvous", value=n)
        pids = {harness.meeting(f"t{n}").pid for n in range(3)}
        assert len(pids) == 3 and harness.process.pid not in pids
        line = next(what for fd, (what, _) in fd_facts(harness.process.pid).items() if fd == 10)
        for pid in pids:
            assert line not in [what for what, _ in fd_facts(pid).values()]
        for n in range(4):
            harness.answer(harness.meeting(f"t{n}"), "go")
            assert harness.outcome(f"t{n}") == {"kind": "value", "value": n}
        harness.wait(lambda: len(harness.ledger.lines) == 8)
        assert {line["pid"] for line in harness.ledger.lines} == pids


@every_pool
def test_a_result_is_met_while_it_is_encoded_and_arrives(name: str) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "carry", stage="encode-result", value=[1, "two"])
        meeting = harness.meeting("t1", "encode-result")
        assert meeting.pid != harness.process.pid
        harness.answer(meeting, "go")
        assert harness.outcome("t1") == {"kind": "value", "value": [1, "two"]}
        harness.submit("t2", "large", bytes=3_000_000)
        harness.answer(harness.meeting("t2"), "go")
        assert harness.outcome("t2") == {"kind": "value", "value": {"length": 3_000_000}}
        assert len(harness.meetings) == 2


# --- tasks that throw -------------------------------------------------------------------------


@every_pool
def test_what_a_task_throws_is_its_own_error_and_is_told_in_its_words(name: str) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "throw", text="thrown on purpose")
        outcome = harness.outcome("t1")
        assert (outcome["kind"], outcome["certainty"]) == ("task-error", "ran")
        assert outcome["native"] == {"type": "Error", "text": "thrown on purpose"}
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2")["kind"] == "value"


@pytest.mark.parametrize(
    ("name", "kind"), [(WORKERPOOL, "worker-lost"), (TINYPOOL, "task-error"), (JEST, "task-error")]
)
def test_a_task_that_throws_nothing_is_told_as_the_pool_has_it(name: str, kind: str) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "throw-undecodable", text="never seen")
        assert harness.outcome("t1")["kind"] == kind


@pytest.mark.parametrize(
    ("name", "kind"), [(WORKERPOOL, "encode-result"), (TINYPOOL, "worker-lost"), (JEST, None)]
)
def test_a_result_that_cannot_be_encoded_is_told_as_the_pool_has_it(
    name: str, kind: str | None
) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "carry", stage="encode-result", value=1)
        first = harness.meeting("t1", "encode-result")
        harness.answer(first, "throw", text="not to be read")
        if kind is None:  # the pool ends its worker and runs the task again in another
            again = harness.meeting("t1", "encode-result")
            assert again.pid != first.pid and not harness.outcomes("t1")
            return
        assert harness.outcome("t1")["kind"] == kind


@every_pool
def test_an_argument_that_cannot_be_encoded_is_the_callers_error(name: str) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "carry", stage="encode-args", value=1)
        harness.answer(harness.meeting("t1", "encode-args"), "throw", text="not to be read")
        outcome = harness.outcome("t1")
        assert (outcome["kind"], outcome["certainty"]) == ("encode-args", "not-started")


# --- workers that die -------------------------------------------------------------------------


@every_pool
@pytest.mark.parametrize(
    ("deed", "more", "cause"),
    [
        ("exit", {"code": 0}, "exit:0"),
        ("raise", {"signal": "SEGV"}, "signal:SEGV"),
        ("raise", {"signal": "ABRT"}, "signal:ABRT"),
        ("", {}, "signal:KILL"),
    ],
)
def test_a_worker_that_dies_is_told_as_the_pool_has_it(
    name: str, deed: str, more: dict[str, Any], cause: str
) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        meeting = harness.meeting("t1")
        if deed:
            harness.answer(meeting, deed, **more)
        else:
            os.kill(meeting.pid, signal.SIGKILL)
        outcome = harness.outcome("t1")
        assert (outcome["kind"], outcome["scope"]) == ("worker-lost", "worker")
        assert outcome.get("cause") == (None if name == TINYPOOL else cause)
        assert outcome.get("blame") == ({"pid": meeting.pid} if name == JEST else None)
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2")["kind"] == "value"
        harness.close("kill")
        harness.open()
        harness.submit("t3", "echo", value=1)
        assert harness.outcome("t3")["kind"] == "value"
        harness.close("kill")
        assert harness.bye() == 0
        harness.wait(lambda: not harness.living())


def test_an_exit_code_of_its_own_makes_jest_worker_run_the_task_again() -> None:
    with pool(JEST) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        for _ in range(4):  # three retries
            harness.answer(harness.meeting("t1"), "exit", code=3)
        outcome = harness.outcome("t1")
        assert outcome["kind"] == "worker-lost" and "retry limit" in outcome["native"]["text"]
        assert len(harness.ledger.of("t1", "start")) == 4


# --- deadline, cancel, close, the end ---------------------------------------------------------

WAYS = {WORKERPOOL: {"cancel", "kill"}, TINYPOOL: {"kill"}, JEST: {"kill"}}


@every_pool
def test_a_deadline_is_only_for_pools_that_have_one(name: str) -> None:
    with pool(name) as harness:
        harness.open()
        # Long enough for a worker to start and meet us on a busy machine.
        harness.submit("t1", "rendezvous", deadline_ms=3000)
        if name != WORKERPOOL:
            assert "deadline" in harness.refusal("submit")["why"]
            return
        harness.answer(harness.meeting("t1"), "loop")
        assert harness.outcome("t1")["kind"] == "deadline"
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2")["kind"] == "value"


@every_pool
def test_cancel_is_only_for_pools_that_have_it(name: str) -> None:
    with pool(name) as harness:
        harness.open(workers=1)
        for task in ("runs", "waits", "last"):
            harness.submit(task, "rendezvous", value=task)
        harness.meeting("runs")
        harness.send(cmd="cancel", id="waits")
        if name == JEST:
            assert "cancels no task" in harness.refusal("cancel")["why"]
            return
        assert harness.outcome("waits")["kind"] == "cancelled"
        harness.send(cmd="cancel", id="runs")  # with the worker that runs it
        assert harness.outcome("runs")["kind"] == "cancelled"
        if name == WORKERPOOL:
            harness.answer(harness.meeting("last"), "go")
            assert harness.outcome("last") == {"kind": "value", "value": "last"}
        assert not harness.ledger.of("waits", "start")


@every_pool
@pytest.mark.parametrize("how", ["drain", "cancel", "kill"])
def test_close_is_the_pools_own_shutdown_and_leaves_nothing(name: str, how: str) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.outcome("t1")
        if how not in WAYS[name]:
            harness.send(cmd="close", how=how)
            assert how in harness.refusal("close")["why"]
            return
        harness.close(how)
        harness.wait(lambda: not harness.living())
        first = len(os.listdir(f"/proc/{harness.process.pid}/fd"))
        for n in range(2, 5):
            harness.open()
            harness.submit(f"t{n}", "echo", value=1)
            assert harness.outcome(f"t{n}")["kind"] == "value"
            harness.close(how)
            harness.wait(lambda: not harness.living())
            until = time.monotonic() + LIMIT_S
            while len(os.listdir(f"/proc/{harness.process.pid}/fd")) > first:
                # Node closes the pipes of a child that was killed a moment after its end.
                assert time.monotonic() < until, f"descriptors are left after round {n}"
        assert harness.bye() == 0


def test_workerpool_ends_what_runs_and_rejects_what_waits() -> None:
    with pool(WORKERPOOL) as harness:
        harness.open(workers=1)
        for task in ("runs", "waits"):
            harness.submit(task, "rendezvous", value=task)
        meeting = harness.meeting("runs")
        harness.send(cmd="close", how="cancel")
        outcome = harness.outcome("waits")
        assert (outcome["kind"], outcome["certainty"]) == ("shutdown", "not-started")
        harness.answer(meeting, "go")
        assert harness.outcome("runs") == {"kind": "value", "value": "runs"}
        harness.wait(lambda: harness.named("closed"))


@every_pool
@pytest.mark.parametrize("deed", ["loop", "sleep"])
def test_kill_ends_a_pool_whose_tasks_hang(name: str, deed: str) -> None:
    with pool(name) as harness:
        harness.open(workers=1)
        harness.submit("t1", "rendezvous")
        harness.submit("t2", "echo", value=1)
        harness.answer(harness.meeting("t1"), deed)
        harness.close("kill")
        kinds = [[outcome["kind"] for outcome in harness.outcomes(t)] for t in ("t1", "t2")]
        assert kinds == ([[], []] if name == JEST else [["shutdown"], ["shutdown"]])
        harness.wait(lambda: not harness.living())


@every_pool
def test_bye_with_an_open_pool_ends_the_program(name: str) -> None:
    with pool(name) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "sleep")
        assert harness.bye() == 0


@every_pool
def test_end_of_the_line_ends_the_adapter_while_its_tasks_hang(name: str) -> None:
    with pool(name) as harness:
        harness.open()
        for n in range(2):
            harness.submit(f"t{n}", "rendezvous")
            harness.answer(harness.meeting(f"t{n}"), "sleep")
        harness.line.close()
        harness.end()


@every_pool
def test_a_death_that_befalls_an_idle_worker_does_not_end_the_program(name: str) -> None:
    with pool(name) as harness:
        harness.open(workers=1)
        harness.submit("t1", "rendezvous")
        meeting = harness.meeting("t1")
        harness.answer(meeting, "go")
        harness.outcome("t1")
        os.kill(meeting.pid, signal.SIGKILL)
        harness.wait(lambda: meeting.pid not in harness.living())
        for n in range(2, 4):  # workerpool gives the first of them to the dead one
            harness.submit(f"t{n}", "echo", value=1)
            harness.outcome(f"t{n}")
        assert harness.outcome("t3")["kind"] == "value"
        assert harness.process.poll() is None
