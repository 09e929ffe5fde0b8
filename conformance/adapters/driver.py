"""Plays the harness for the tests beside it: starts an adapter, talks to it, meets its tasks.

One thread, one poll. Every wait has a generous limit, and ends as soon as its event has come. Every
process that an adapter leaves behind is ended with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemas

HERE = Path(__file__).resolve().parent
LIMIT_S = 30.0
SILENCE_S = 1.5  # if nothing comes for so long, nothing will (for what must NOT happen)


def fd_facts(pid: int) -> dict[int, tuple[str, bool]]:
    """fd -> (what it is, close on exec), of those that are not closed during the look."""
    facts = {}
    for entry in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            info = Path(f"/proc/{pid}/fdinfo/{entry}").read_text()
            flags = int(next(line.split()[1] for line in info.splitlines() if "flags" in line), 8)
            what = os.readlink(f"/proc/{pid}/fd/{entry}")
            facts[int(entry)] = (what, bool(flags & os.O_CLOEXEC))
    return facts


@dataclass
class Meeting:
    """One body at the rendezvous. `pid` is the process that connected, according to the kernel."""

    conn: socket.socket
    pid: int
    task: str = ""
    point: str = ""
    answered: bool = False


@dataclass
class Ledger:
    """The lines of the execution ledger, in order."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def of(self, task: str, entry: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("task") == task and line["ev"] == entry]


class Harness:
    """`with Harness("multiprocessing_pool.py") as harness: ...`"""

    def __init__(self, adapter: str | list[str]):
        command = [sys.executable, str(HERE / adapter)] if isinstance(adapter, str) else adapter
        self.folder = Path(tempfile.mkdtemp(prefix="poolproof-"))
        self.ledger_path = str(self.folder / "ledger")
        self.rendezvous_path = str(self.folder / "meet")
        os.mkfifo(self.ledger_path)
        # Read and write: so the FIFO never shows end of file between two bodies.
        self.ledger_fd = os.open(self.ledger_path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(self.rendezvous_path)
        self.door.listen(64)
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.stderr_file = open(self.folder / "stderr", "w+b")  # noqa: SIM115 (closed in __exit__)
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=self.stderr_file, start_new_session=True
        )
        theirs.close()
        self.events: list[dict[str, Any]] = []
        self.meetings: list[Meeting] = []
        self.ledger = Ledger()
        self._torn = b""

    def __enter__(self) -> Harness:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session
        self.process.wait(LIMIT_S)
        for meeting in self.meetings:
            meeting.conn.close()
        for end in (self.line, self.door, self.stderr_file):
            end.close()
        os.close(self.ledger_fd)
        shutil.rmtree(self.folder)

    # --- what happens ------------------------------------------------------------------------

    def wait(self, done: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
        """Reads input until `done()` is true, and returns that value; fails at the limit."""
        until = time.monotonic() + limit_s
        while not (result := done()):
            left = until - time.monotonic()
            assert left > 0, f"not within {limit_s} s; {self.story()}"
            self._take_in(left)
        return result

    def stays(self, so: Callable[[], Any], for_s: float = SILENCE_S) -> None:
        """Fails as soon as `so()` is false."""
        until = time.monotonic() + for_s
        while (left := until - time.monotonic()) > 0:
            self._take_in(left)
            assert so(), self.story()

    def _take_in(self, limit_s: float) -> None:
        poll = select.poll()
        for fd in (self.ledger_fd, self.door.fileno()):
            poll.register(fd, select.POLLIN)
        if self.line.fileno() >= 0:
            poll.register(self.line, select.POLLIN)
        ready = {fd for fd, _ in poll.poll(min(limit_s, 0.2) * 1000)}
        if self.line.fileno() in ready:
            self._hear()
        if self.ledger_fd in ready:
            self._read_ledger()
        if self.door.fileno() in ready:
            self._meet()

    def _hear(self) -> None:
        try:
            data = self.line.recv(70_000)
        except ConnectionResetError:
            data = b""
        if not data:  # the adapter and all processes with a copy are gone
            self.line.close()
            return
        assert data.endswith(b"\n") and data.count(b"\n") == 1, f"no line: {data!r}"
        event = json.loads(data)
        schemas.check_event(event)
        self.events.append(event)

    def _read_ledger(self) -> None:
        *lines, self._torn = (self._torn + os.read(self.ledger_fd, 65_536)).split(b"\n")
        for line in lines:
            schemas.check("ledger", entry := json.loads(line))
            self.ledger.lines.append(entry)

    def _meet(self) -> None:
        conn, _ = self.door.accept()
        conn.settimeout(LIMIT_S)
        peer = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        meeting = Meeting(conn, struct.unpack("3i", peer)[0])
        said = b""
        while not said.endswith(b"\n"):
            more = conn.recv(4096)
            if not more:  # it died between connecting and sending
                break
            said += more
        else:
            schemas.check("meeting", words := json.loads(said))
            meeting.task, meeting.point = words["task"], words["point"]
        self.meetings.append(meeting)

    # --- what the harness does ---------------------------------------------------------------

    def send_raw(self, data: bytes) -> None:
        self.line.send(data)

    def send(self, **command: Any) -> None:
        schemas.check_command(command)
        self.send_raw(json.dumps(command).encode() + b"\n")

    def open(
        self, workers: int = 2, tasks_per_worker: int | None = None, initializer: bool = False
    ) -> None:
        before = len(self.named("opened"))
        more: dict[str, Any] = {"initializer": {"ledger": self.ledger_path}} if initializer else {}
        more |= {} if tasks_per_worker is None else {"tasks_per_worker": tasks_per_worker}
        self.send(cmd="open", workers=workers, **more)
        self.wait(lambda: len(self.named("opened")) > before)

    def resize(self, workers: int) -> None:
        before = len(self.named("resized"))
        self.send(cmd="resize", workers=workers)
        self.wait(lambda: len(self.named("resized")) > before)

    def submit(
        self,
        task: str,
        body: str,
        deadline_ms: int | None = None,
        on_done: dict[str, Any] | None = None,
        **args: Any,
    ) -> None:
        args |= {"ledger": self.ledger_path, "rendezvous": self.rendezvous_path}
        more = {} if deadline_ms is None else {"deadline_ms": deadline_ms}
        more |= {} if on_done is None else {"on_done": on_done}
        self.send(cmd="submit", id=task, body=body, args=args, **more)

    def close(self, how: str = "drain") -> None:
        before = len(self.named("closed"))
        self.send(cmd="close", how=how)
        self.wait(lambda: len(self.named("closed")) > before)

    def answer(self, meeting: Meeting, deed: str, **more: Any) -> None:
        schemas.check("answer", words := {"do": deed, **more})
        meeting.conn.sendall(json.dumps(words).encode() + b"\n")
        meeting.answered = True

    def bye(self) -> int:
        """Returns the adapter's exit status; for a signal, the number that subprocess gives."""
        self.send(cmd="bye")
        return self.end()

    def end(self) -> int:
        self.wait(lambda: self.process.poll() is not None)
        while self.line.fileno() >= 0 and select.select([self.line], [], [], 0)[0]:
            self._hear()  # its last words
        return self.process.returncode

    # --- what is known -----------------------------------------------------------------------

    def named(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    def outcomes(self, task: str) -> list[dict[str, Any]]:
        return [each["outcome"] for each in self.named("settled") if each["id"] == task]

    def outcome(self, task: str) -> dict[str, Any]:
        """Waits until the task settles."""
        return self.wait(lambda: self.outcomes(task))[0]

    def meeting(self, task: str, point: str = "running") -> Meeting:
        """Waits until the task is at the point, not yet answered."""
        return self.wait(lambda: self._standing(task, point))

    def _standing(self, task: str, point: str) -> Meeting | None:
        for meeting in self.meetings:
            if (meeting.task, meeting.point, meeting.answered) == (task, point, False):
                return meeting
        return None

    def refusal(self, cmd: str) -> dict[str, Any]:
        """Waits for the first refusal of that command that no call has taken yet."""

        def found() -> dict[str, Any] | None:
            for event in self.named("refused"):
                if event["cmd"] == cmd:
                    self.events.remove(event)
                    return event
            return None

        return self.wait(found)

    def living(self) -> list[int]:
        """All processes of the adapter's session, zombies included, but not the adapter itself."""
        pids = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == self.process.pid:
                continue
            with contextlib.suppress(OSError):
                after_name = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if int(after_name[3]) == self.process.pid:  # field 6: the session
                    pids.append(int(entry))
        return pids

    def stderr(self) -> str:
        return Path(self.stderr_file.name).read_text(errors="replace")

    def story(self) -> str:
        return (
            f"events: {self.events}; ledger: {self.ledger.lines}; stderr: {self.stderr()[-2000:]}"
        )


# An adapter of a few lines: the parts that are the same in all of them.
PROLOGUE = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import kit
import os, threading

class Base:
    pool, version, recovers = "test", "1", "replaces"
    capabilities = ("cancel", "close_drain")
    longest_wait = (0, "nothing waits")
    def open(self, workers): pass
    table = ((kit.is_a(KeyError), {{"kind": "rejected"}}),)
    def outcome(self, error): return kit.outcome_of(error, self.table)
    def cancel(self, task_id): pass
    def close(self, how): pass
    def submit(self, task): kit.settle(task.id, kit.value(kit.run(task.call)))
"""


def adapter(code: str = "class Pool(Base): pass", end: str = "kit.serve(Pool())") -> Harness:
    return Harness([sys.executable, "-c", f"{PROLOGUE}\n{code}\n{end}"])
