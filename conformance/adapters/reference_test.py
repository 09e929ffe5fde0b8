"""Drives the reference adapter, and with it the C++ kit, through real sessions.

The program is $POOLPROOF_BIN/reference_adapter; without that, the one of build/release.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driver import LIMIT_S, Harness

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("POOLPROOF_BIN", ROOT / "build/release/bin")) / "reference_adapter"
SANITIZERS_LEAVE_DEATHS_ALONE = "handle_segv=0:handle_abort=0:handle_sigbus=0"
STAGES = ("encode-args", "decode-args", "encode-result", "decode-result")
IN_THE_WORKER = ("decode-args", "encode-result")


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    assert PROGRAM.exists(), f"build it first: {PROGRAM}"
    for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"):
        if name not in os.environ:
            monkeypatch.setenv(name, SANITIZERS_LEAVE_DEATHS_ALONE)
    with Harness([str(PROGRAM)]) as harness:
        harness.wait(lambda: harness.named("hello"))
        yield harness


@pytest.fixture
def pool(harness: Harness) -> Harness:
    harness.open(workers=2)
    return harness


def stat_of(pid: int) -> list[str]:
    """From the state on (field 3); a process that is gone counts as dead, like a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["Z"]


def fds_of(pid: int) -> dict[int, str]:
    return {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}


def goes_on(harness: Harness, task: str = "probe") -> bool:
    harness.submit(task, "echo", value=7)
    return harness.outcome(task) == {"kind": "value", "value": 7}


def hold(harness: Harness, *tasks: str) -> list[int]:
    """Submits them and holds them at `running`, together; returns their workers' pids."""
    for task in tasks:
        harness.submit(task, "rendezvous", value=task)
    return [harness.meeting(task).pid for task in tasks]


# --- what it says of itself, and what it refuses -----------------------------------------------


def test_hello_declares_every_capability_and_that_the_pool_goes_on(harness: Harness) -> None:
    (hello,) = harness.named("hello")
    assert harness.events[0] is hello
    assert len(set(hello["capabilities"])) == 12
    assert hello["recovers"] == "replaces"
    named = hello["longest_wait"]["source"].split(",")[0]
    assert "stop_grace = std::chrono::seconds(2)" in (ROOT / named).read_text()


def test_told_so_it_breaks_with_a_death_and_says_that_it_does() -> None:
    with Harness([str(PROGRAM), "breaks"]) as harness:
        (hello,) = harness.wait(lambda: harness.named("hello"))
        assert hello["recovers"] == "breaks" and len(set(hello["capabilities"])) == 12
        harness.open(workers=2)
        victim, _ = hold(harness, "victim", "bystander")
        os.kill(victim, signal.SIGKILL)
        lost = harness.outcome("victim")
        assert (lost["kind"], lost["cause"]) == ("worker-lost", "signal:KILL")
        broken = harness.outcome("bystander")
        assert (broken["kind"], broken["blame"]["pid"]) == ("pool-broken", victim)
        harness.submit("later", "echo", value=7)
        assert harness.outcome("later")["kind"] == "pool-broken"
        harness.close("drain")
        harness.open(workers=2)
        assert goes_on(harness)


def test_a_mode_that_it_does_not_know_is_answered_with_those_that_it_does() -> None:
    with Harness([str(PROGRAM), "mends"]) as harness:
        assert harness.process.wait(timeout=30) == 2
        assert "`replaces` or `breaks`" in harness.stderr()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (b'{"cmd": "dance"}', "unknown command"),
        (b'{"cmd": "open", "workers": 0}', "`workers`"),
        (b'{"cmd": "open", "workers": 2}', "a pool is open"),
        (b'{"cmd": "close", "how": "slam"}', "`how`"),
        (b'{"cmd": "cancel", "id": "nobody"}', "no task of this id"),
        (b'{"cmd": "submit", "id": "t", "body": "dance", "args": {}}', "`ledger`"),
        (b'{"cmd": "submit", "id": "t", "body": "echo", "args": {"ledger": "a",'
         b' "rendezvous": "b"}}', "`value`"),
        (b"[1]", "no JSON object"),
        (b"not JSON", "parse error"),
        (b'{"cmd": "\xff"}', "UTF-8"),
    ],
)  # fmt: skip
def test_what_it_cannot_do_is_refused_and_the_session_goes_on(
    pool: Harness, command: bytes, why: str
) -> None:
    pool.send_raw(command)
    (refused,) = pool.wait(lambda: pool.named("refused"))
    assert why in refused["why"]
    assert goes_on(pool)


def test_without_an_open_pool_nothing_is_submitted_or_closed(harness: Harness) -> None:
    harness.submit("t1", "echo", value=1)
    assert harness.refusal("submit")["id"] == "t1"
    harness.send(cmd="close", how="drain")
    assert "no pool" in harness.refusal("close")["why"]


def test_the_same_id_is_not_submitted_twice(pool: Harness) -> None:
    assert goes_on(pool, "t1")
    pool.submit("t1", "echo", value=8)
    assert pool.refusal("submit")["id"] == "t1"


# --- the kit's law -----------------------------------------------------------------------------


def test_neither_stdin_nor_stdout_nor_a_worker_reaches_the_line(harness: Harness) -> None:
    ours = fds_of(harness.process.pid)
    assert ours[0] == "/dev/null"
    assert ours[1] == ours[2]
    ((fd, line),) = [(fd, to) for fd, to in ours.items() if to.startswith("socket:")]
    flags = (
        Path(f"/proc/{harness.process.pid}/fdinfo/{fd}").read_text().split("flags:")[1].split()[0]
    )
    assert int(flags, 8) & os.O_CLOEXEC
    harness.open(workers=2)
    (worker,) = hold(harness, "t1")
    assert line in fds_of(harness.process.pid).values()
    assert line not in fds_of(worker).values()
    assert fds_of(worker)[0] == "/dev/null"


# --- bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        0.1,
        2**53,
        "",
        "é\u2028\x01\U0001f600",
        [],
        {"a": [1, {"b": None}]},
        "x" * 4_000,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_echo_gives_back_its_value_from_another_process(pool: Harness, value: Any) -> None:
    pool.submit("t1", "echo", value=value)
    assert pool.outcome("t1") == {"kind": "value", "value": value}
    pool.wait(lambda: pool.ledger.of("t1", "end"))
    (start,), (end,) = pool.ledger.of("t1", "start"), pool.ledger.of("t1", "end")
    assert start["pid"] == end["pid"] != pool.process.pid
    assert int(stat_of(start["pid"])[1]) == pool.process.pid
    assert start["t_ns"] <= end["t_ns"] <= time.monotonic_ns()


def test_a_body_told_to_go_returns_its_value(pool: Harness) -> None:
    (worker,) = hold(pool, "t1")
    assert pool.ledger.of("t1", "start")[0]["pid"] == worker
    pool.answer(pool.meeting("t1"), "go")
    assert pool.outcome("t1") == {"kind": "value", "value": "t1"}
    pool.wait(lambda: pool.ledger.of("t1", "end"))


@pytest.mark.parametrize("stage", STAGES)
def test_carry_stands_at_its_stage_in_the_process_that_codes_there(
    pool: Harness, stage: str
) -> None:
    pool.submit("t1", "carry", stage=stage, value={"a": 1})
    meeting = pool.meeting("t1", stage)
    assert (meeting.pid == pool.process.pid) == (stage not in IN_THE_WORKER)
    has_run = stage in ("encode-result", "decode-result")
    assert len(pool.ledger.of("t1", "end")) == has_run
    pool.answer(meeting, "go")
    assert pool.outcome("t1") == {"kind": "value", "value": {"a": 1}}
    assert len(pool.meetings) == 1
    assert len(pool.ledger.of("t1", "start")) == 1


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_codec_throws_ends_that_task_at_that_stage(pool: Harness, stage: str) -> None:
    pool.submit("t1", "carry", stage=stage, value=1)
    pool.answer(pool.meeting("t1", stage), "throw", text="it will not fit")
    outcome = pool.outcome("t1")
    assert outcome["kind"] == stage
    assert outcome["scope"] == "task"
    assert "it will not fit" in outcome["native"]["text"]
    assert outcome["native"]["type"] == ("DecodeError" if "decode" in stage else "EncodeError")
    assert len(pool.ledger.of("t1", "struck")) == 1
    assert goes_on(pool)


def test_what_a_task_throws_arrives_with_its_type_and_text(pool: Harness) -> None:
    hold(pool, "t1")
    pool.answer(pool.meeting("t1"), "throw", text="é" * 3000)
    outcome = pool.outcome("t1")
    assert outcome["kind"] == "task-error"
    assert outcome["certainty"] == "ran"
    assert outcome["native"] == {"type": "std::runtime_error", "text": "é" * 2000}
    assert len(pool.ledger.of("t1", "struck")) == 1
    assert "cause" not in outcome
    assert goes_on(pool)


# --- deaths ------------------------------------------------------------------------------------


def must_name_the_dead(outcome: dict[str, Any], task: str, pid: int, cause: str) -> None:
    assert outcome["kind"] == "worker-lost"
    assert outcome["cause"] == cause
    assert outcome["intent"] == "unplanned"
    assert outcome["scope"] == "worker"
    assert outcome["certainty"] == "unknown"  # the executor only says that it may have run
    assert outcome["blame"] == {"task": task, "pid": pid, "worker": outcome["blame"]["worker"]}
    assert outcome["blame"]["worker"] in (0, 1)
    assert outcome["native"]["type"] == "TerminatedWorkerError"


@pytest.mark.parametrize(
    ("deed", "more", "cause"),
    [
        ("exit", {"code": 0}, "exit:0"),
        ("exit", {"code": 3}, "exit:3"),
        *(("raise", {"signal": n}, f"signal:{n}") for n in ("SEGV", "ABRT", "TERM", "INT", "KILL")),
    ],
)
def test_a_task_that_ends_its_worker_is_told_how_and_which(
    pool: Harness, deed: str, more: dict[str, Any], cause: str
) -> None:
    hold(pool, "t1")
    meeting = pool.meeting("t1")
    pool.answer(meeting, deed, **more)
    must_name_the_dead(pool.outcome("t1"), "t1", meeting.pid, cause)
    assert goes_on(pool)


def test_a_worker_killed_from_outside_costs_its_own_task_alone(pool: Harness) -> None:
    victim, bystander = hold(pool, "t1", "t2")
    os.kill(victim, signal.SIGKILL)
    must_name_the_dead(pool.outcome("t1"), "t1", victim, "signal:KILL")
    assert not pool.outcomes("t2")
    pool.answer(pool.meeting("t2"), "go")
    assert pool.outcome("t2") == {"kind": "value", "value": "t2"}
    assert bystander != victim
    assert goes_on(pool)


@pytest.mark.parametrize("stage", IN_THE_WORKER)
def test_a_worker_killed_while_it_codes_is_lost_with_its_task(pool: Harness, stage: str) -> None:
    pool.submit("t1", "carry", stage=stage, value=1)
    meeting = pool.meeting("t1", stage)
    os.kill(meeting.pid, signal.SIGKILL)
    must_name_the_dead(pool.outcome("t1"), "t1", meeting.pid, "signal:KILL")
    assert goes_on(pool)


@pytest.mark.parametrize("deed", ["loop", "sleep"])
def test_a_task_that_outlives_its_deadline_is_ended_and_the_pool_goes_on(
    pool: Harness, deed: str
) -> None:
    pool.submit("t1", "rendezvous", deadline_ms=700)
    meeting = pool.meeting("t1")
    pool.answer(meeting, deed)
    outcome = pool.outcome("t1")
    assert outcome["kind"] == "deadline"
    assert outcome["cause"] == "deadline"
    assert outcome["blame"]["pid"] == meeting.pid
    assert outcome["blame"]["task"] == "t1"
    assert goes_on(pool)


# --- the ends ----------------------------------------------------------------------------------


def test_a_queued_task_can_be_cancelled_and_the_running_ones_go_on(pool: Harness) -> None:
    hold(pool, "t1", "t2")
    pool.submit("t3", "echo", value=3)
    pool.send(cmd="cancel", id="t3")
    outcome = pool.outcome("t3")
    assert (outcome["kind"], outcome["certainty"]) == ("cancelled", "not-started")
    for task in ("t1", "t2"):
        pool.answer(pool.meeting(task), "go")
        assert pool.outcome(task)["kind"] == "value"
    assert not pool.ledger.of("t3", "start")


@pytest.mark.parametrize(("how", "queued"), [("drain", "value"), ("cancel", "cancelled")])
def test_a_close_that_waits_lets_the_running_finish(pool: Harness, how: str, queued: str) -> None:
    hold(pool, "t1", "t2")
    pool.submit("t3", "echo", value=3)
    pool.send(cmd="close", how=how)
    if how == "cancel":  # while the others still run
        assert pool.outcome("t3")["kind"] == queued
    assert not pool.named("closed")
    for task in ("t1", "t2"):
        pool.answer(pool.meeting(task), "go")
    pool.wait(lambda: pool.named("closed"))
    assert pool.events[-1]["event"] == "closed", "a task settled after its pool had closed"
    assert [pool.outcomes(task)[0]["kind"] for task in ("t1", "t2", "t3")] == ["value"] * 2 + [
        queued
    ]
    assert not pool.living()


def test_a_close_that_kills_settles_every_task_while_one_loops(pool: Harness) -> None:
    hold(pool, "t1", "t2")
    pool.answer(pool.meeting("t1"), "loop")
    pool.answer(pool.meeting("t2"), "sleep")
    pool.submit("t3", "echo", value=3)
    pool.close("kill")
    kinds = [pool.outcome(task)["kind"] for task in ("t1", "t2", "t3")]
    assert kinds[:2] == ["shutdown"] * 2
    assert kinds[2] in ("shutdown", "cancelled")
    assert pool.events[-1]["event"] == "closed"
    assert not pool.living()
    assert not pool.ledger.of("t3", "start")


@pytest.mark.parametrize("how", ["drain", "cancel", "kill"])
def test_a_closed_pool_leaves_no_thread_descriptor_or_process(harness: Harness, how: str) -> None:
    def threads() -> set[str]:
        return set(os.listdir(f"/proc/{harness.process.pid}/task"))

    harness.open()  # a first round: what a runtime keeps forever (a sanitizer's thread) is no leak
    assert goes_on(harness, "first")
    harness.close()
    threads_before, fds_before = threads(), fds_of(harness.process.pid)
    harness.open()
    assert goes_on(harness)
    hold(harness, "t1")
    harness.answer(harness.meeting("t1"), "exit", code=1)
    assert harness.outcome("t1")["kind"] == "worker-lost"
    harness.close(how)
    assert fds_of(harness.process.pid) == fds_before
    until = time.monotonic() + LIMIT_S
    while threads() - threads_before:  # a joined thread stays in the list for a moment
        assert time.monotonic() < until, f"left: {threads() - threads_before}"
    assert not harness.living()


def test_after_a_close_another_pool_can_be_opened_and_bye_is_an_exit_of_0(pool: Harness) -> None:
    assert goes_on(pool, "t1")
    pool.close()
    pool.open(workers=1)
    assert goes_on(pool, "t2")
    assert pool.bye() == 0  # with the pool open: its destructor is the natural end
    assert not pool.living()


def test_at_eof_the_adapter_and_its_workers_are_gone_within_a_second(pool: Harness) -> None:
    hold(pool, "t1", "t2")
    pool.answer(pool.meeting("t1"), "loop")
    pool.line.close()

    def all_dead() -> bool:  # its reaper must remove an orphan's zombie, not the pool
        return pool.process.poll() is not None and all(
            stat_of(pid)[0] == "Z" for pid in pool.living()
        )

    pool.wait(all_dead, limit_s=1)
