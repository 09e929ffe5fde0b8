"""`poolproof diagnose`, as a user with a hanging pool runs it; the cases are from observe/."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command import BIN, PATIENCE_S, TREE, poolproof

try:  # root can see that no alarm is set in a case; other users promise it
    PROMISE = () if Path("/proc/timer_list").read_text() else ("--no-alarms",)
except PermissionError:
    PROMISE = ("--no-alarms",)
POOLS = TREE / "conformance" / "observe" / "cases" / "pools.py"


@contextmanager
def case(*command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def pool(name: str) -> Iterator[subprocess.Popen[bytes]]:
    with case("/usr/bin/python3", POOLS, name) as process:
        yield process


def await_verdict(wanted: str, pid: int, *words: str) -> dict[str, Any]:
    """Returns the answer once it has this verdict. A hang takes time to develop. For an ordinary
    user, every process of others that init takes over in between is a reason to be undecided.
    """
    limit = time.monotonic() + PATIENCE_S
    while True:
        run = poolproof("diagnose", str(pid), "--json", "--no-stacks", *PROMISE, *words)
        answer: dict[str, Any] = json.loads(run.stdout)
        assert run.returncode == answer["exit"], run.stderr
        if answer["verdict"] == wanted or time.monotonic() > limit:
            assert answer["verdict"] == wanted
            return answer


def test_a_hung_executor_is_told_as_it_is_known_to_be() -> None:
    with pool("executor_half_message") as process:
        answer = await_verdict("hung", process.pid)
    assert answer["exit"] == 1
    top, *workers = answer["processes"]
    assert top["pid"] == process.pid
    dead = [worker for worker in workers if worker["dead"]]
    (alive,) = (worker for worker in workers if not worker["dead"])
    assert [worker["exit_status"] for worker in dead] == [signal.SIGKILL]
    found = {finding["kind"]: finding for finding in answer["findings"]}
    half = found["half-read-message"]
    assert half["pid"] == process.pid and "100126 bytes more" in half["text"]
    assert found["orphaned-lock"]["pid"] == alive["pid"]
    assert found["orphaned-lock"]["processes"] == [dead[0]["pid"]]
    (reader,) = (thread for thread in top["threads"] if thread["tid"] == half["tid"])
    assert reader["call"] == "read" and reader["standing"] == "stuck"
    assert {waker["pid"] for waker in reader["wakers"]} == {process.pid, alive["pid"]}


def test_its_text_says_who_waits_for_whom() -> None:
    with pool("pool_task_killed") as process:
        answer = await_verdict("hung", process.pid)
        run = poolproof("diagnose", str(process.pid), "--no-stacks", *PROMISE)
    assert run.returncode == 1
    assert run.stdout.startswith("hung: ")
    for worker in answer["processes"]:
        assert f"process {worker['pid']} (" in run.stdout
    assert "could wake it, and can never run again" in run.stdout
    assert run.stdout.index("found:") < run.stdout.index(f"process {process.pid} (")
    assert "provided that:" in run.stdout


def test_an_idle_pool_is_quiet_until_its_stdin_is_promised_to_be_silent() -> None:
    with pool("executor_idle_on_stdin") as process:
        idle = await_verdict("quiet", process.pid)
        assert idle["exit"] == 0
        assert "outside of the tree" in idle["reason"]
        silent = await_verdict("hung", process.pid, "--silent", "fd:0")
        assert silent["exit"] == 1
        assert any("nobody outside uses pipe:" in one for one in silent["provided"])


def test_what_computes_is_busy_and_what_is_stopped_is_undecided() -> None:
    with case(BIN / "hang_case", "child_computes") as process:
        run = poolproof("diagnose", str(process.pid), "--json", "--no-stacks")
        assert (json.loads(run.stdout)["verdict"], run.returncode) == ("busy", 0)
    with case(BIN / "hang_case", "child_is_stopped") as process:
        assert await_verdict("undecided", process.pid)["exit"] == 3


@pytest.mark.parametrize("tool", ["py-spy", "eu-stack"])
def test_a_tool_for_stacks_is_called_after_the_proof(tool: str, tmp_path: Path) -> None:
    (tmp_path / tool).write_text(f'#!/bin/sh\necho "stack by {tool}:" "$@"\n')
    (tmp_path / tool).chmod(0o755)
    environment = {**os.environ, "PATH": str(tmp_path)}
    with pool("lock_taken_twice") as process:
        run = poolproof("diagnose", str(process.pid), env=environment)
    assert f"process {process.pid}, by {tool}:\nstack by {tool}:" in run.stdout


def test_a_tool_that_takes_too_long_is_ended_and_the_proof_stands(tmp_path: Path) -> None:
    (tmp_path / "py-spy").write_text("#!/bin/sh\nexec /bin/sleep 1000\n")
    (tmp_path / "py-spy").chmod(0o755)
    environment = {**os.environ, "PATH": str(tmp_path)}
    with pool("lock_taken_twice") as process:
        await_verdict("hung", process.pid)
        run = poolproof("diagnose", str(process.pid), "--json", *PROMISE, env=environment)
    answer = json.loads(run.stdout)
    assert (answer["verdict"], run.returncode) == ("hung", 1)
    assert [stack["problem"] for stack in answer["stacks"]] == ["it took too long"]


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        ((), "pid is required"),
        (("zero",), "zero"),
        (("4000000",), "there is no process 4000000"),
        ((str(os.getpid()), "--silent", "0"), "as fd:0"),
        ((str(os.getpid()), "--silent", "fd:12345"), "has no descriptor 12345"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(words: tuple[str, ...], fix: str) -> None:
    run = poolproof("diagnose", *words)
    assert run.returncode == 2
    assert fix in run.stderr
