"""Drives the registered Python pools, and the sound one, through every body, stage and answer.

The expected values are what a foreign pool does, not what it should do: these tests test the
adapters, and the scenarios judge the pools.
"""

from __future__ import annotations

import os
import signal
import time

import pytest
from driver import Harness

FUTURES, POOL, SOUND = "concurrent_futures_fork.py", "multiprocessing_pool.py", "broken/sound.py"
ALL = [FUTURES, POOL, SOUND]
STAGES = ("encode-args", "decode-args", "encode-result", "decode-result")
IN_PARENT = ("encode-args", "decode-result")
OPEN = "open forever"  # the pool never settles it: the task is lost

every_pool = pytest.mark.parametrize("adapter", ALL)


# --- tasks that go well -----------------------------------------------------------------------


@every_pool
def test_hello_is_sound_and_names_its_longest_wait(adapter: str) -> None:
    with Harness(adapter) as harness:
        hello = harness.wait(lambda: harness.events)[0]
        assert hello["event"] == "hello" and hello["language"] == "Python"
        assert hello["longest_wait"]["seconds"] < 5 and ".py" in hello["longest_wait"]["source"]
        assert {"worker_processes", "arguments_cross", "results_cross"} <= set(
            hello["capabilities"]
        )
        assert harness.bye() == 0


@every_pool
def test_echo_returns_any_value_as_it_was(adapter: str) -> None:
    values = [
        None,
        True,
        0,
        -1.5,
        "caf\u00e9 \U0001f40d \x00",
        [],
        {"a": [1, {"b": None}]},
        "x" * 60000,
    ]
    with Harness(adapter) as harness:
        harness.open()
        for n, value in enumerate(values):
            harness.submit(f"t{n}", "echo", value=value)
        for n, value in enumerate(values[:-1]):
            assert harness.outcome(f"t{n}") == {"kind": "value", "value": value}
        assert harness.outcome("t7") == {"kind": "value", "value": {"length": 60000}}


@every_pool
def test_tasks_run_in_workers_of_which_there_are_as_many_as_asked_for(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open(workers=3)
        for n in range(3):
            harness.submit(f"t{n}", "rendezvous", value=n)
        pids = {harness.meeting(f"t{n}").pid for n in range(3)}
        assert len(pids) == 3 and harness.process.pid not in pids
        for n in range(3):
            harness.answer(harness.meeting(f"t{n}"), "go")
            assert harness.outcome(f"t{n}") == {"kind": "value", "value": n}
        harness.wait(lambda: len(harness.ledger.lines) == 6)
        assert {line["pid"] for line in harness.ledger.lines} == pids


@every_pool
@pytest.mark.parametrize("stage", STAGES)
def test_carry_meets_where_its_stage_is_and_the_value_arrives(adapter: str, stage: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        harness.submit("t1", "carry", stage=stage, value=[1, "two"])
        meeting = harness.meeting("t1", stage)
        assert (meeting.pid == harness.process.pid) == (stage in IN_PARENT)
        started = bool(harness.ledger.of("t1", "start"))
        assert started == stage.endswith("result")
        harness.answer(meeting, "go")
        assert harness.outcome("t1") == {"kind": "value", "value": [1, "two"]}
        assert len(harness.meetings) == 1


@every_pool
def test_a_callback_is_the_pools_own_and_may_submit(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        args = {"ledger": harness.ledger_path, "rendezvous": harness.rendezvous_path}
        more = {"do": "submit", "id": "then", "body": "echo", "args": {**args, "value": 2}}
        harness.submit("t1", "echo", value=1, on_done=more)
        assert harness.outcome("then") == {"kind": "value", "value": 2}
        harness.submit("t2", "echo", value=1, on_done={"do": "meet"})
        meeting = harness.meeting("t2", "callback")
        assert meeting.pid == harness.process.pid
        assert [outcome["kind"] for outcome in harness.outcomes("t2")] == ["value"]
        harness.answer(meeting, "throw", text="thrown by a callback")
        harness.wait(lambda: harness.ledger.of("t2", "struck"))
        harness.submit("t3", "echo", value=3)
        if adapter == POOL:  # an exception of a callback ends its one thread for results
            harness.stays(lambda: not harness.outcomes("t3"))
            return
        assert harness.outcome("t3") == {"kind": "value", "value": 3}


# --- tasks that throw -------------------------------------------------------------------------


@every_pool
def test_what_a_task_throws_is_its_own_error_and_is_told_in_its_words(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "throw", text="thrown on purpose")
        outcome = harness.outcome("t1")
        assert outcome["kind"] == "task-error"
        assert "thrown on purpose" in outcome["native"]["text"]
        harness.wait(lambda: harness.ledger.of("t1", "struck"))
        assert not harness.ledger.of("t1", "end")
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2")["kind"] == "value"


@pytest.mark.parametrize(
    ("adapter", "stage", "kind"),
    [
        (FUTURES, "encode-args", "encode-args"),
        (FUTURES, "decode-args", "pool-broken"),
        (FUTURES, "encode-result", "encode-result"),
        (FUTURES, "decode-result", "pool-broken"),
        (POOL, "encode-args", "encode-args"),
        (POOL, "decode-args", OPEN),
        (POOL, "encode-result", "encode-result"),
        (POOL, "decode-result", OPEN),
        *((SOUND, stage, stage) for stage in STAGES),
    ],
)
def test_what_cannot_be_encoded_or_decoded_is_told_as_the_pool_has_it(
    adapter: str, stage: str, kind: str
) -> None:
    with Harness(adapter) as harness:
        harness.open()
        harness.submit("t1", "carry", stage=stage, value=1)
        harness.answer(harness.meeting("t1", stage), "throw", text="neither in nor out")
        harness.wait(lambda: harness.ledger.of("t1", "struck"))
        if kind == OPEN:
            harness.stays(lambda: not harness.outcomes("t1"))
            return
        outcome = harness.outcome("t1")
        assert outcome["kind"] == kind
        if kind == stage:
            assert "neither in nor out" in outcome["native"]["text"]
            harness.submit("t2", "echo", value=1)
            assert harness.outcome("t2")["kind"] == "value"


# --- workers that die -------------------------------------------------------------------------


@every_pool
@pytest.mark.parametrize(
    ("deed", "more", "cause"),
    [
        ("exit", {"code": 0}, "exit:0"),
        ("exit", {"code": 3}, "exit:3"),
        ("raise", {"signal": "SEGV"}, "signal:SEGV"),
        ("raise", {"signal": "TERM"}, "signal:TERM"),
        ("", {}, "signal:KILL"),
    ],
)
@pytest.mark.parametrize("point", ["running", "decode-args", "encode-result"])
def test_a_worker_that_dies_is_told_as_the_pool_has_it(
    adapter: str, point: str, deed: str, more: dict[str, object], cause: str
) -> None:
    with Harness(adapter) as harness:
        harness.open()
        if point == "running":
            harness.submit("t1", "rendezvous")
        else:
            harness.submit("t1", "carry", stage=point, value=1)
        meeting = harness.meeting("t1", point)
        if deed:
            harness.answer(meeting, deed, **more)
        else:
            os.kill(meeting.pid, signal.SIGKILL)
        if adapter == POOL:
            harness.stays(lambda: not harness.outcomes("t1"), 0.7)
            return
        outcome = harness.outcome("t1")
        if adapter == FUTURES:
            assert (outcome["kind"], outcome["scope"]) == ("pool-broken", "pool")
            assert "cause" not in outcome
        else:
            assert (outcome["kind"], outcome["cause"]) == ("worker-lost", cause)
            assert outcome["certainty"] == ("not-started" if point == "decode-args" else "ran")
            assert outcome["blame"]["pid"] == meeting.pid
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2")["kind"] == ("pool-broken" if adapter == FUTURES else "value")
        harness.close()
        harness.open()
        harness.submit("t3", "echo", value=1)
        assert harness.outcome("t3")["kind"] == "value"
        harness.close()
        assert harness.bye() == 0
        assert harness.living() == []


# --- close, cancel, the end -------------------------------------------------------------------

WAYS = {FUTURES: {"drain", "cancel"}, POOL: {"drain", "kill"}, SOUND: {"drain", "cancel", "kill"}}


@every_pool
@pytest.mark.parametrize("how", ["drain", "cancel", "kill"])
def test_close_is_the_pools_own_shutdown_and_leaves_nothing(adapter: str, how: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.outcome("t1")
        if how not in WAYS[adapter]:
            harness.send(cmd="close", how=how)
            assert how in harness.refusal("close")["why"]
            return
        harness.close(how)
        harness.wait(lambda: not harness.living())
        harness.open()
        harness.submit("t2", "echo", value=1)
        assert harness.outcome("t2")["kind"] == "value"
        harness.close(how)
        assert harness.bye() == 0


@pytest.mark.parametrize("adapter", [FUTURES, SOUND])
def test_a_pool_that_was_struck_and_closed_leaves_no_descriptor(adapter: str) -> None:
    sizes: list[list[str]] = []
    with Harness(adapter) as harness:
        for n in range(3):
            harness.open()
            harness.submit(f"t{n}", "rendezvous")
            meeting = harness.meeting(f"t{n}")
            if n > 0:  # the first round, without a strike, is the measure
                os.kill(meeting.pid, signal.SIGKILL)
            else:
                harness.answer(meeting, "go")
            harness.outcome(f"t{n}")
            harness.close()
            sizes.append(sorted(os.listdir(f"/proc/{harness.process.pid}/fd")))
        assert sizes[0] == sizes[1] == sizes[2]


@every_pool
def test_drain_waits_for_all_that_was_submitted(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        for n in range(5):
            harness.submit(f"t{n}", "rendezvous", value=n)
        harness.send(cmd="close", how="drain")
        for n in range(5):
            harness.answer(harness.meeting(f"t{n}"), "go")
            assert not harness.named("closed")
        harness.wait(lambda: harness.named("closed"))
        assert harness.events[-1]["event"] == "closed"
        assert [harness.outcome(f"t{n}")["value"] for n in range(5)] == list(range(5))


@pytest.mark.parametrize("adapter", [POOL, SOUND])
@pytest.mark.parametrize("deed", ["loop", "sleep"])
def test_kill_ends_a_pool_whose_tasks_hang(adapter: str, deed: str) -> None:
    with Harness(adapter) as harness:
        harness.open(workers=1)
        harness.submit("t1", "rendezvous")
        harness.submit("t2", "echo", value=1)
        harness.answer(harness.meeting("t1"), deed)
        harness.close("kill")
        kinds = [[outcome["kind"] for outcome in harness.outcomes(t)] for t in ("t1", "t2")]
        assert kinds == ([[], []] if adapter == POOL else [["shutdown"], ["shutdown"]])
        harness.wait(lambda: not harness.living())


@pytest.mark.parametrize("adapter", [FUTURES, SOUND])
def test_what_has_not_started_can_be_cancelled_and_what_runs_goes_on(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open(workers=1)
        for task in ("runs", "next", "after", "last"):
            harness.submit(task, "rendezvous", value=task)
        running = harness.meeting("runs")
        harness.send(cmd="cancel", id="last")
        harness.send(cmd="cancel", id="runs")
        outcome = harness.outcome("last")
        assert (outcome["kind"], outcome["certainty"]) == ("cancelled", "not-started")
        harness.answer(running, "go")
        for task in ("next", "after"):
            harness.answer(harness.meeting(task), "go")
        assert [harness.outcome(t).get("value") for t in ("runs", "next", "after")] == [
            "runs",
            "next",
            "after",
        ]
        harness.close()
        assert not harness.ledger.of("last", "start")


def test_multiprocessing_cancels_nothing() -> None:
    with Harness(POOL) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.send(cmd="cancel", id="t1")
        assert harness.refusal("cancel")["id"] == "t1"


@every_pool
def test_end_of_the_line_ends_the_adapter_while_its_tasks_hang(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        for n in range(2):
            harness.submit(f"t{n}", "rendezvous")
            harness.answer(harness.meeting(f"t{n}"), "sleep")
        harness.line.close()
        harness.end()


@every_pool
def test_many_tasks_settle_once_each(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open(workers=2)
        for n in range(300):
            harness.submit(f"t{n}", "echo", value=n)
        harness.wait(lambda: len(harness.named("settled")) == 300)
        harness.close()
        assert [harness.outcomes(f"t{n}") for n in range(300)] == [
            [{"kind": "value", "value": n}] for n in range(300)
        ]
        harness.wait(lambda: len(harness.ledger.lines) == 600)
        assert all(len(harness.ledger.of(f"t{n}", "start")) == 1 for n in range(300))


def test_a_deadline_is_only_for_pools_that_have_one() -> None:
    for adapter in (FUTURES, POOL):
        with Harness(adapter) as harness:
            harness.open()
            harness.submit("t1", "echo", value=1, deadline_ms=1000)
            assert "deadline" in harness.refusal("submit")["why"]


@every_pool
def test_times_are_those_of_the_system_clock(adapter: str) -> None:
    with Harness(adapter) as harness:
        harness.open()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        harness.submit("t1", "echo", value=1)
        harness.outcome("t1")
        harness.wait(lambda: harness.ledger.of("t1", "end"))
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        assert all(before < line["t_ns"] < after for line in harness.ledger.lines)
