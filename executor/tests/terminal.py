"""A session with its own terminal, in which `poolproof_terminal_program` runs: what is typed into
it, and what the terminal and the program print. For terminal_test.py.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import resource
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("POOLPROOF_BIN", TREE / "build" / "release" / "bin"))
PROGRAM = BIN / "poolproof_terminal_program"
PATIENCE_S = 60.0  # far longer than any step may take; a step that reaches it hangs
MARK = "POOLPROOF_TERMINAL_TEST"  # in the environment of every process that a case starts
SHELL = ["bash", "--noprofile", "--norc", "--noediting", "-i"]
# Signals that the runner of the tests (nohup, a script's `&`, Python) may have left ignored.
SIGNALS = ("INT", "QUIT", "HUP", "TERM", "PIPE", "TSTP", "TTIN", "TTOU")


def state_of(pid: int) -> str:
    """R, S, T (stopped), Z ...; empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def marked(mark: str) -> list[int]:
    """Every live process that a case has started, except zombies."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if state_of(pid) not in ("", "Z")]


def parent_of(pid: int) -> int:
    """0 if there is no such process."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


class Terminal:
    """bash, and what is typed into it; or, with `words`, the program itself as session leader.

    Each wait ends with an AssertionError after PATIENCE_S.
    """

    def __init__(self, folder: Path, words: list[str] | None = None) -> None:
        self.folder = folder
        for name in ("reports", "gate", "start"):
            os.mkfifo(folder / name)
        # Opened for both ways, so that a reader never sees an end although there is no writer.
        self.reports = os.open(folder / "reports", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.gates: list[int] = []
        self.lines: list[str] = []
        self.partial = b""
        self.shown = ""
        self.handles: dict[int, int] = {}
        self.tells_status = False  # the typed line does so, in `reports`
        self.leader_is_program = words is not None
        command = SHELL if words is None else [str(PROGRAM), str(folder), *words]
        self.leader, self.master = pty.fork()
        if self.leader == 0:
            self.become(command)
        self.open_handle(self.leader)

    def become(self, command: list[str]) -> None:
        """In the child of the fork: like a terminal that starts a login shell."""
        for name in SIGNALS:
            signal.signal(getattr(signal, "SIG" + name), signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(self.folder)
        env = {"PATH": os.environ["PATH"], "PS1": "", "TERM": "dumb", "LC_ALL": "C"}
        env |= {MARK: str(self.folder), "HISTFILE": ""}
        try:
            os.execvpe(command[0], command, env)
        finally:
            os._exit(127)

    def close(self) -> None:
        """Ends all that the case started, by pid."""
        limit = time.monotonic() + PATIENCE_S
        while (left := marked(str(self.folder))) and time.monotonic() < limit:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.leader, 0)
        for fd in (self.master, self.reports, *self.gates, *self.handles.values()):
            if fd >= 0:
                os.close(fd)

    # --- what it receives ---

    def open_handle(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.handles.setdefault(pid, os.pidfd_open(pid))

    def listen(self) -> None:
        ears = [self.reports] + ([self.master] if self.master >= 0 else [])
        for fd in select.select(ears, [], [], 0.02)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:  # EIO: no process has the terminal open
                data = b""
            if fd == self.master:
                self.shown += data.decode(errors="replace")
                continue
            *whole, self.partial = (self.partial + data).split(b"\n")
            for line in whole:
                self.lines.append(line.decode())
                if named := re.fullmatch(
                    rb"(program|began \w+|starting|outer|command) (\d+)", line
                ):
                    self.open_handle(int(named[2]))

    def await_that(self, what: Callable[[], object], why: str, of_program: bool = False) -> None:
        """`of_program`: once the program has ended, it can no longer come."""
        limit = time.monotonic() + PATIENCE_S
        while not what():
            over = of_program and any(self.ended(int(pid)) for pid in self.found(r"program (\d+)"))
            self.listen()
            in_time = time.monotonic() < limit and not over
            assert in_time or what(), f"{why}: did not come\n{self.lines}\n{self.shown}"

    def found(self, pattern: str) -> list[str]:
        """The group of each line that matches as a whole."""
        return [m[1] for m in (re.fullmatch(pattern, line) for line in self.lines) if m]

    def await_line(self, pattern: str, of_program: bool = True) -> str:
        self.await_that(lambda: self.found(pattern), pattern, of_program)
        return self.found(pattern)[0]

    def await_shown(self, text: str) -> None:
        self.await_that(lambda: text in self.shown, f"the text {text!r}")

    def ended(self, pid: int) -> bool:
        handle = self.handles.get(pid)
        return handle is None or bool(select.select([handle], [], [], 0)[0])

    def await_end(self, pid: int) -> None:
        self.await_that(lambda: self.ended(pid), f"the end of {pid}")
        self.listen()  # its last output

    def await_state(self, pid: int, *states: str) -> None:
        self.await_that(lambda: state_of(pid) in states, f"{pid} to be in state {states}", True)

    def await_nothing_left(self) -> None:
        """Waits until at most the shell is left of everything that was started."""
        self.await_that(lambda: set(marked(str(self.folder))) <= {self.leader}, "leftovers to end")

    @property
    def program(self) -> int:
        return int(self.await_line(r"program (\d+)"))

    @property
    def worker(self) -> int:
        return int(self.await_line(r"began running (\d+)"))

    # --- what it does ---

    def type(self, line: str) -> None:
        os.write(self.master, line.encode() + b"\n")

    def press(self, letter: str) -> None:
        """A control key. Its echo comes after the signal was sent."""
        echo = f"^{letter}"
        before = self.shown.count(echo)
        os.write(self.master, bytes([ord(letter) - ord("@")]))
        self.await_that(lambda: self.shown.count(echo) > before, f"the echo of {echo}")

    def open_gate(self, gate: str = "gate") -> None:
        self.gates.append(os.open(self.folder / gate, os.O_RDWR | os.O_CLOEXEC))

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1

    def status_of_program(self) -> int:
        """Once it has ended: as a shell reports it, so that 130 is SIGINT."""
        if self.leader_is_program:
            status = os.waitstatus_to_exitcode(os.waitpid(self.program, 0)[1])
            return 128 - status if status < 0 else status
        if not self.tells_status:
            self.type("echo status $? >reports")
        return int(self.await_line(r"status (\d+)", of_program=False))
