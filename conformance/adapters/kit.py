"""The adapter kit for Python: the line to the harness, and the loop that obeys it.

An adapter imports this module FIRST, before its pool, and ends with `kit.serve(MyAdapter())`. It
translates between the two. It makes no judgement, and has no timeout and no retry
(../protocol/protocol.md).

The rule of every kit: importing this module takes the line away from fd 0 and fd 1, so that nothing
that the pool, its workers or a task prints or reads can reach it. There is no buffered object and
no lock between the adapter and the line. The kit starts no thread: `serve` blocks in a read.
`settle` may be called from any thread of the pool, because one write on a SEQPACKET socket is one
whole message.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import sys

LINE_FD_FLOOR = 10  # above the low numbers that pools and people use by hand


def _take_the_line() -> int | None:
    """Moves the harness's socket from fd 0 to a private CLOEXEC descriptor, and returns that.

    None if fd 0 is not a SEQPACKET socket: in a worker that was spawned (it inherits
    /dev/null), in
    a test that imports this module, or when a person starts an adapter by hand.
    """
    try:
        if not stat.S_ISSOCK(os.fstat(0).st_mode):
            return None
    except OSError:  # fd 0 is closed
        return None
    with socket.socket(fileno=os.dup(0)) as probe:
        if probe.type != socket.SOCK_SEQPACKET:
            return None
    line = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, LINE_FD_FLOOR)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return line


_LINE = _take_the_line()

# All other imports come only now: a module that prints on import would have written to the line.
import contextlib
import dataclasses
import gc
import json
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, Protocol, cast

from bodies import Call, run, stand_at
from outcomes import NATIVE_CHARACTERS, Outcome, Row, came_from, cause_of, is_a, native
from outcomes import outcome_of, says, value
from submission import ID_CHARACTERS, Json, Refused, Submission, opening, read, workers_of
from words import CAPABILITIES, CLOSINGS

__all__ = [
    "CAPABILITIES", "Call", "Outcome", "Row", "Task", "came_from", "cause_of", "installed", "is_a",
    "native", "outcome_of", "run", "says", "serve", "settle", "value",
]  # fmt: skip

PROTOCOL = 1
MESSAGE_BYTES = 65_536

# --- the line ---------------------------------------------------------------------------------


def _encode(message: Mapping[str, Json]) -> bytes:
    text = json.dumps(message, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "replace") + b"\n"  # half a surrogate pair is not valid UTF-8


def _write_line(data: bytes) -> None:
    if _LINE is None:
        raise RuntimeError("this process holds no line to the harness")
    try:
        os.write(_LINE, data)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)  # the harness is gone, so nothing can be reported


def emit(event: str, **fields: Json) -> None:
    """Sends one event. Any thread may call it; blocks while the harness reads nothing."""
    data = _encode({"event": event, **fields})
    if len(data) > MESSAGE_BYTES:
        raise Refused(f"`{event}` takes {len(data)} bytes; a message may have {MESSAGE_BYTES}")
    _write_line(data)


def _refuse(command: Json, why: str) -> None:
    """Reports that `command`, whatever it is, cannot be done."""
    known = command if isinstance(command, dict) else {}
    refusal = {"event": "refused", "cmd": _word(known.get("cmd")), "why": why[:NATIVE_CHARACTERS]}
    if isinstance(known.get("id"), str):
        refusal["id"] = known["id"][: 4 * ID_CHARACTERS]
    _write_line(_encode(refusal))


def _word(value: Json) -> str:
    return value[:ID_CHARACTERS] if isinstance(value, str) else ""


def settle(task_id: str, outcome: Outcome) -> None:
    """Reports how a task ended. Any thread may call it; it never throws into the pool."""
    try:
        emit("settled", id=task_id, outcome=outcome)
    except Refused as too_large:
        _refuse({"cmd": "submit", "id": task_id}, str(too_large))
    except (TypeError, ValueError, RecursionError) as error:
        what = f"the outcome of {outcome.get('kind')} is no JSON: {error}"
        emit("settled", id=task_id, outcome={"kind": "unmapped", "native": native(error, what)})


# --- commands ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Task:
    """One submitted task: the pool must run `kit.run(task.call)`.

    Call one of its methods in the pool's own done-callback, in whatever thread that runs. It
    reports the outcome, then does what the harness asked of the callback. What that throws goes
    to
    the pool.
    """

    id: str
    call: Call
    deadline_ms: int | None
    outcome: Callable[[BaseException], Outcome]  # the adapter's
    done: Callable[[Outcome], None]

    def returned(self, result: object) -> None:
        self.done(value(result))

    def threw(self, error: BaseException) -> None:
        # An error of the adapter must not disappear in a thread of the pool, as if the pool hung.
        try:
            outcome = self.outcome(error)
        except Exception as slip:
            outcome = {"kind": "unmapped", "native": native(error, f"cannot be mapped: {slip!r}")}
        self.done(outcome)

    def ended(self, future: Future[Any]) -> None:
        """For a future like those of concurrent.futures."""
        # Does not catch what result() raises: that would connect the future with our own frame.
        error = CancelledError() if future.cancelled() else future.exception()
        if error is None:
            self.returned(future.result())
        else:
            self.threw(error)


class Adapter(Protocol):
    """What an adapter is: facts about its pool, and one method for each command."""

    pool: str
    version: str
    capabilities: Sequence[str]
    recovers: str
    longest_wait: tuple[float, str]  # seconds, and where this number is written

    def open(self, workers: int) -> None:
        """Makes the pool. What it throws, here or below, is reported as `refused`.

        With `recycles` in the capabilities it also takes `tasks_per_worker`, and with
        `initializer`
        an `initializer` to be called without arguments; each is passed only if it is
        requested.
        """

    def submit(self, task: Task) -> None:
        """Submits, and makes sure that the task's end is reported. What it throws is an outcome."""

    def outcome(self, error: BaseException) -> Outcome:
        """Maps the pool's error, by `outcome_of` and the adapter's table."""

    def cancel(self, task_id: str) -> None:
        """Asks the pool to cancel a task; called only with `cancel` in the capabilities."""

    def close(self, how: str) -> None:
        """Calls the pool's own shutdown, one of the `close_*` in the capabilities."""


class Resizable(Adapter, Protocol):
    """An adapter with `resize` in its capabilities."""

    def resize(self, workers: int) -> None:
        """Tells the open pool to have so many workers; returns when the pool's call does."""


class _Desk:
    """Passes one command after the other to the adapter."""

    def __init__(self, adapter: Adapter):
        self.adapter = adapter
        self.is_open = False
        self.submitted: set[str] = set()
        self.not_taken: set[str] = set()  # settled: the pool threw at submit

    def obey(self, command: dict[str, Json]) -> bool:
        """False: the command was `bye`. Throws Refused."""
        deeds: dict[str, Callable[[dict[str, Json]], None]] = {
            "open": self._open,
            "submit": self._submit,
            "resize": self._resize,
            "cancel": self._cancel,
            "close": self._close,
        }
        word = command.get("cmd")
        if word == "bye":
            return False
        if not isinstance(word, str) or word not in deeds:
            raise Refused("unknown command; known are open, submit, cancel, resize, close and bye")
        deeds[word](command)
        return True

    def _open(self, command: dict[str, Json]) -> None:
        workers, options = workers_of(command), opening(command, self.adapter.capabilities)
        if self.is_open:
            raise Refused("a pool is open; close it first")
        make: Callable[..., None] = self.adapter.open
        make(workers, **options)
        self.is_open = True
        emit("opened")

    def _submit(self, command: dict[str, Json]) -> None:
        asked = read(command, self.adapter.capabilities)
        if not self.is_open:
            raise Refused("no pool is open")
        for each in (asked, asked.then):
            if each is not None and each.id in self.submitted:
                raise Refused(f"a task of the id {each.id!r} was submitted before")
            self.submitted |= {each.id} if each is not None else set()
        self._hand_over(asked)

    def _hand_over(self, asked: Submission) -> None:
        def done(outcome: Outcome) -> None:
            settle(asked.id, outcome)
            if asked.meets:
                stand_at(asked.call.place, "callback")
            if asked.then is not None:
                self._hand_over(asked.then)

        try:
            outcome = self.adapter.outcome
            self.adapter.submit(Task(asked.id, asked.call, asked.deadline_ms, outcome, done))
        except Exception as error:
            self.not_taken.add(asked.id)
            settle(asked.id, self.adapter.outcome(error))

    def _cancel(self, command: dict[str, Json]) -> None:
        if "cancel" not in self.adapter.capabilities:
            raise Refused("this pool cancels no task")
        task_id = command.get("id")
        if not isinstance(task_id, str) or task_id not in self.submitted:
            raise Refused("no task of this id was submitted")
        if task_id not in self.not_taken:
            self.adapter.cancel(task_id)

    def _resize(self, command: dict[str, Json]) -> None:
        if "resize" not in self.adapter.capabilities:
            raise Refused("this pool keeps the workers that it was opened with")
        workers = workers_of(command)
        if not self.is_open:
            raise Refused("no pool is open")
        cast(Resizable, self.adapter).resize(workers)
        emit("resized")

    def _close(self, command: dict[str, Json]) -> None:
        how = command.get("how")
        if how not in CLOSINGS:
            raise Refused(f"`how` must be one of {', '.join(CLOSINGS)}")
        if f"close_{how}" not in self.adapter.capabilities:
            raise Refused(f"this pool has no shutdown that is a {how}")
        if not self.is_open:
            raise Refused("no pool is open")
        self.adapter.close(how)
        # An error that a pool stores and raises forms a ring with the frames through which it was
        # raised, including ours. Python frees such rings at some time; this does it now.
        gc.collect()
        self.is_open = False
        emit("closed")
        _collect_while_nothing_is_asked()


def _collect_while_nothing_is_asked() -> None:
    """Collects garbage during the second in which the harness looks for leftovers.

    A thread of the pool may end after the pool's shutdown has returned. What only this thread
    held
    becomes garbage only then.
    """
    assert _LINE is not None
    for _ in range(10):
        if select.select([_LINE], [], [], 0.1)[0]:
            return
        gc.collect()


def _decode(data: bytes) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused(f"a message must be one JSON object in UTF-8: {error}") from error


def _receive() -> bytes:
    assert _LINE is not None
    try:
        data = os.read(_LINE, MESSAGE_BYTES + 1)
    except ConnectionResetError:  # the harness ended while it had not read all our messages
        data = b""
    if not data:
        os._exit(0)  # the harness is gone
    if len(data) > MESSAGE_BYTES:
        raise Refused(f"a message may have {MESSAGE_BYTES} bytes; this one has more")
    return data


@contextlib.contextmanager
def installed(pool: str) -> Iterator[None]:
    """For an adapter's imports of its pool: if they fail, it says so instead of hello."""
    try:
        yield
    except Exception as error:
        if _LINE is None:  # in a worker, or started by hand
            raise
        why = "{type}: {text}".format(**native(error))
        _refuse({"cmd": "hello"}, f"{sys.executable} cannot import {pool}: {why}")
        sys.exit(0)


# A pool that is open at `bye` stays alive, like a program's global one, until Python's own end.
_served: list[Adapter] = []


def serve(adapter: Adapter) -> None:
    """Says hello, then obeys until `bye`; returns, and Python ends the program in its own way."""
    if _LINE is None:
        print(
            "An adapter is started by the harness, with fd 0 as its SOCK_SEQPACKET socket"
            " (conformance/protocol/protocol.md); try: poolproof check -- COMMAND",
            file=sys.stderr,
        )
        sys.exit(2)
    seconds, source = adapter.longest_wait
    emit(
        "hello",
        protocol=PROTOCOL,
        pool=adapter.pool,
        version=adapter.version,
        language="Python",
        capabilities=list(adapter.capabilities),
        recovers=adapter.recovers,
        longest_wait={"seconds": seconds, "source": source},
    )
    _served.append(adapter)
    desk = _Desk(adapter)
    goes_on = True
    while goes_on:
        command: Json = None
        try:
            command = _decode(_receive())
            if not isinstance(command, dict):
                raise Refused("a message must be one JSON object")
            goes_on = desk.obey(command)
        except Refused as refusal:
            _refuse(command, str(refusal))
        except Exception as error:  # what the pool threw at open, cancel or close
            _refuse(command, "{type}: {text}".format(**native(error)))
