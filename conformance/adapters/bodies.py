"""What tasks do: a closed list, the same for every pool (../protocol/protocol.md, "Bodies").

A worker imports this module to run a task, and an adapter imports it through the kit. It reaches
the harness by the two addresses in the task's own arguments, and knows nothing of the line.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import select
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn

from exhaust import exhaust

GARBAGE_BYTES = 4096  # a pipe takes this much as a whole, or nothing
LEDGER_BYTES = 512  # a write of this size to a FIFO is never torn


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


class Place(NamedTuple):
    """Where a body reports: its task, and the addresses of ledger and rendezvous."""

    task: str
    ledger: str
    rendezvous: str


def _gone(what: str, error: OSError | None = None) -> NoReturn:
    os.write(2, f"{what}: the harness is gone ({error or 'end of file'})\n".encode())
    os._exit(1)


def _write_ledger(place: Place, entry: str, **more: int) -> None:
    _append(place.ledger, {"ev": entry, "task": place.task, **more})


def _append(ledger: str, fields: Mapping[str, Any]) -> None:
    data = _line({**fields, "pid": os.getpid(), "t_ns": time.monotonic_ns()})
    if len(data) > LEDGER_BYTES:
        raise ValueError(f"a ledger line of {len(data)} bytes could be torn")
    try:
        fd = os.open(ledger, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)
    except (FileNotFoundError, BrokenPipeError) as error:
        _gone("ledger", error)


def _meet(place: Place, point: str) -> Any:
    """Waits at the rendezvous until the harness answers; returns the answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        try:
            door.connect(place.rendezvous)
            door.sendall(_line({"task": place.task, "point": point}))
            answer = b""
            while not answer.endswith(b"\n"):
                more = door.recv(4096)
                if not more:
                    _gone("rendezvous")
                answer += more
        except (FileNotFoundError, ConnectionError) as error:
            _gone("rendezvous", error)
    return json.loads(answer)


def stand_at(place: Place, point: str) -> None:
    """Meets the harness at `point` and does what it says; returns on `go`."""
    while (answer := _meet(place, point))["do"] == "fork":
        _write_ledger(place, "struck", child=_fork_a_sleeper())
    deed = answer["do"]
    if deed == "exit":
        os._exit(answer["code"])
    elif deed == "raise":
        _raise_in_itself(answer["signal"])
    elif deed == "loop":
        while True:
            pass
    elif deed == "sleep":
        _sleep_for_ever()
    elif deed in ("throw", "throw-undecodable"):
        _write_ledger(place, "struck")
        raise RuntimeError(answer["text"]) if deed == "throw" else Undecodable(answer["text"], 1)
    elif deed == "exhaust":
        refusal = exhaust(answer["what"], answer["at_most"])
        _write_ledger(place, "struck")
        raise refusal
    elif deed == "close-fds":
        _write_ledger(place, "struck")  # first: a pool may end us as soon as it sees them close
        os.closerange(3, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    elif deed == "garbage":
        _write_ledger(place, "struck")  # first: a pool may end us as soon as it reads the garbage
        _write_garbage()
    elif deed != "go":
        raise ValueError(f"the harness answered {deed!r}, which no body can do")


def _write_garbage() -> None:
    """Writes garbage to every pipe and socket that takes it at once, except the adapter's own line,
    which a forked worker still holds."""
    line = getattr(sys.modules.get("kit"), "_LINE", None)
    for fd in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # closed, or a reading end: nothing to damage there
            mode = os.fstat(fd).st_mode
            if fd < 3 or fd == line or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
                continue
            if select.select([], [fd], [], 0)[1]:
                os.write(fd, (b"rubbish of a worker " * GARBAGE_BYTES)[:GARBAGE_BYTES])


class Undecodable(Exception):
    """Pickled as its class and the one argument that Exception keeps; its constructor needs two."""

    def __init__(self, text: str, needed: int):
        super().__init__(text)


def _sleep_for_ever() -> NoReturn:
    while True:
        signal.pause()


def _fork_a_sleeper() -> int:
    """Starts a child that holds all our descriptors. Every signal ends it, if possible."""
    pid = os.fork()
    if pid == 0:
        try:
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            _sleep_for_ever()
        finally:
            os._exit(1)  # in every case: the rest of this program is not the child's
    return pid


def _raise_in_itself(name: str) -> None:
    number = signal.Signals["SIG" + name]
    if faulthandler.is_enabled():
        faulthandler.disable()  # its handlers print stacks, and run before the default action
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        try:
            signal.signal(number, signal.SIG_DFL)
        except ValueError:  # Python allows it only in the main thread; the C library in any
            import ctypes

            ctypes.CDLL(None).signal(int(number), 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    signal.raise_signal(number)


class Carried:
    """A value whose encoding or decoding meets the harness; after that it is the plain value."""

    def __init__(self, place: Place, stage: str, plain: object):
        self.place, self.stage, self.plain = place, stage, plain

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        if self.stage in ("encode-args", "encode-result"):
            stand_at(self.place, self.stage)
            return _arrive, (None, "", self.plain)
        return _arrive, (tuple(self.place), self.stage, self.plain)


def _arrive(place: tuple[str, str, str] | None, stage: str, plain: object) -> object:
    if place is not None:
        stand_at(Place(*place), stage)
    return plain


def initialize(ledger: str) -> None:
    """The initializer of a pool: each worker calls it once, before its first task."""
    _append(ledger, {"ev": "init"})


class Call(NamedTuple):
    """The one argument of `run`: everything that goes to the worker."""

    place: Place
    body: str
    stage: str
    argument: object


def run(call: Call) -> object:
    """The function that every pool runs, for every body."""
    _write_ledger(call.place, "start")
    result = call.argument
    if call.body in ("rendezvous", "large"):
        stand_at(call.place, "running")
    if call.body == "large":
        assert isinstance(call.argument, int)
        result = "x" * call.argument
    if call.body == "carry" and call.stage.endswith("-result"):
        result = Carried(call.place, call.stage, result)
    _write_ledger(call.place, "end")
    return result
