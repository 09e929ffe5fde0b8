"""A death, played by hand: shared by the tests of this folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from driver import Harness

BYSTANDERS = [f"b{n}" for n in range(6)]


def warm_up(harness: Harness, workers: int = 2) -> list[int]:
    """Returns the pids of all workers: each holds one task at the same time."""
    names = [f"warm{n}" for n in range(workers)]
    for name in names:
        harness.submit(name, "rendezvous")
    pids = [harness.meeting(name).pid for name in names]
    for name in names:
        harness.answer(harness.meeting(name), "go")
    for name in names:
        harness.outcome(name)
    return pids


def kill_a_victim(harness: Harness, bystanders: list[str] = BYSTANDERS) -> int:
    """The scene of death/killed_while_running. Returns the victim's pid."""
    harness.submit("victim", "rendezvous")
    for name in bystanders:
        harness.submit(name, "rendezvous", value=name)
    pid = harness.meeting("victim").pid
    if bystanders:
        harness.meeting(bystanders[0])  # it waits in the other worker while the fault strikes
    os.kill(pid, signal.SIGKILL)
    harness.wait(lambda: state_of(pid) == "Z")
    for name in bystanders:
        harness.answer(harness.meeting(name), "go")
    return pid


def state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # reaped a moment ago, or just now
        return "Z"
