"""What the sound pool knows of a task and of a worker, and how it reads a worker's end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from sound_errors import PoolError


@dataclass(eq=False)
class Task:
    data: bytes
    tell: Callable[[object, PoolError | None], None]  # (result, None) or (None, failure)
    deadline: float | None  # a time of time.monotonic
    unclaimed_deaths: int = 0


@dataclass(eq=False)
class Worker:
    index: int
    pid: int
    pidfd: int
    channel: int  # -1: lost or closed
    task: Task | None = None
    done: int = 0  # tasks
    claimed: bool = False
    started: bool = False
    inbox: bytearray = field(default_factory=bytearray)
    outbox: bytearray = field(default_factory=bytearray)
    suspect_until: float | None = None  # it lost its channel: its exit must show before this time
    doom: PoolError | None = None  # why we killed it

    def certainty(self) -> str:
        return "ran" if self.started else "not-started"


def cause_of_death(status: os.waitid_result | None) -> str:
    if status is None:  # another part of the program took its exit record
        return "unknown"
    if status.si_code == os.CLD_EXITED:
        return f"exit:{status.si_status}"
    try:
        return "signal:" + signal.Signals(status.si_status).name[3:]
    except ValueError:  # a real-time signal has no name
        return f"signal:{status.si_status}"
