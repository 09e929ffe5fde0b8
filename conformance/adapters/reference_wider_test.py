"""The reference adapter and the C++ kit again: callbacks, large results, rare actions of bodies."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from driver import Harness
from reference_test import goes_on, harness, hold, pool, stat_of

__all__ = ["harness", "pool"]  # fixtures


def paths(harness: Harness) -> dict[str, str]:
    return {"ledger": harness.ledger_path, "rendezvous": harness.rendezvous_path}


def send(harness: Harness, body: str, args: dict[str, Any], **more: Any) -> None:
    """Bypasses the schemas, which would not allow it."""
    command = {
        "cmd": "submit",
        "id": "t1",
        "body": body,
        "args": {**args, **paths(harness)},
        **more,
    }
    harness.send_raw(json.dumps(command).encode())


def test_a_done_callback_meets_in_the_adapters_own_process(pool: Harness) -> None:
    pool.submit("t1", "echo", value=1, on_done={"do": "meet"})
    standing = pool.meeting("t1", "callback")
    assert standing.pid == pool.process.pid
    assert pool.outcome("t1") == {"kind": "value", "value": 1}
    pool.answer(standing, "go")
    assert goes_on(pool)


def test_what_a_done_callback_throws_hurts_nobody(pool: Harness) -> None:
    pool.submit("t1", "echo", value=1, on_done={"do": "meet"})
    pool.answer(pool.meeting("t1", "callback"), "throw", text="from a callback")
    pool.wait(lambda: pool.ledger.of("t1", "struck"))
    assert goes_on(pool)
    assert len(pool.outcomes("t1")) == 1


def test_a_done_callback_submits_even_after_its_workers_death(pool: Harness) -> None:
    more = {"do": "submit", "id": "t2", "body": "echo", "args": {"value": 2, **paths(pool)}}
    pool.submit("t1", "rendezvous", on_done=more)
    os.kill(pool.meeting("t1").pid, signal.SIGKILL)
    assert pool.outcome("t2") == {"kind": "value", "value": 2}
    assert pool.outcome("t1")["kind"] == "worker-lost"


@pytest.mark.parametrize(
    ("on_done", "why"),
    [
        (7, "`on_done` must be an object"),
        ({}, "`do`"),
        ({"do": "dance"}, "`on_done.do`"),
        ({"do": "submit", "id": "t2", "body": "dance", "args": {}}, "`ledger`"),
        ({"do": "submit", "id": "t1", "body": "echo", "args": {"value": 1}}, "one id"),
    ],
)
def test_nonsense_in_a_callback_is_refused_before_anything_runs(
    pool: Harness, on_done: Any, why: str
) -> None:
    if isinstance(on_done, dict) and on_done.get("id") == "t1":
        on_done = {**on_done, "args": {"value": 1, **paths(pool)}}
    send(pool, "echo", {"value": 1}, on_done=on_done)
    (refused,) = pool.wait(lambda: pool.named("refused"))
    assert why in refused["why"]
    assert goes_on(pool) and not pool.outcomes("t1")


@pytest.mark.parametrize(
    ("size", "told"),
    [(4096, "x" * 4096), (4097, {"length": 4097}), (9_000_000, {"length": 9_000_000})],
)
def test_a_large_result_is_told_by_its_length(pool: Harness, size: int, told: object) -> None:
    pool.submit("t1", "large", bytes=size)
    pool.answer(pool.meeting("t1"), "go")
    assert pool.outcome("t1") == {"kind": "value", "value": told}


@pytest.mark.parametrize("size", [0, -1, 1 << 31, "7", None])
def test_a_size_that_is_none_is_refused(pool: Harness, size: object) -> None:
    send(pool, "large", {"bytes": size})
    (refused,) = pool.wait(lambda: pool.named("refused"))
    assert "args.bytes" in refused["why"]


def test_what_is_no_exception_at_all_arrives_as_the_tasks_error(pool: Harness) -> None:
    hold(pool, "t1")
    pool.answer(pool.meeting("t1"), "throw-undecodable", text="odd")
    assert pool.outcome("t1")["kind"] == "task-error"
    assert pool.ledger.of("t1", "struck")
    assert goes_on(pool)


def test_a_grandchild_that_keeps_descriptors_hides_no_death(pool: Harness) -> None:
    (worker,) = hold(pool, "t1")
    first = pool.meeting("t1")
    pool.answer(first, "fork")
    (struck,) = pool.wait(lambda: pool.ledger.of("t1", "struck"))
    child = struck["child"]
    assert int(stat_of(child)[1]) == worker
    pool.wait(lambda: pool.meeting("t1") is not first)
    os.kill(worker, signal.SIGKILL)
    assert pool.outcome("t1")["cause"] == "signal:KILL"
    assert goes_on(pool)
    assert Path(f"/proc/{child}").exists()
    os.kill(child, signal.SIGKILL)


def test_a_worker_that_closed_its_descriptors_costs_its_own_task(pool: Harness) -> None:
    hold(pool, "t1", "t2")
    pool.answer(pool.meeting("t1"), "close-fds")
    assert pool.outcome("t1")["kind"] == "worker-lost"
    # The worker notices it first and ends itself, or its parent does.
    assert pool.outcome("t1")["cause"] in ("exit:113", "channel-lost")
    pool.answer(pool.meeting("t2"), "go")
    assert pool.outcome("t2")["kind"] == "value"
    assert goes_on(pool)
