"""Uses up a resource of the process (../protocol/protocol.md, "Rendezvous", `exhaust`).

Each taker takes more and more until the process ends, or a request is refused. If it is refused,
the taker frees everything and raises what the language raises. A taker with `at_most` returns.
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal
import sys

CHUNK = 1 << 20  # bytes
PAGE = mmap.PAGESIZE


def _memory(at_most: int) -> None:
    held = []
    try:
        for _ in range(at_most // CHUNK):
            held.append(b"x" * CHUNK)  # written to, because reserved memory alone costs nothing
    finally:
        held.clear()  # before the error is handled: its traceback would keep them


def _stack(at_most: int) -> None:
    """Recurses through C, because a call from Python to Python uses no stack of the thread."""
    sys.setrecursionlimit(1 << 30)

    def deeper(_: object) -> int:
        return max((0,), key=deeper)

    deeper(None)


def _files(at_most: int) -> None:
    held = []
    try:
        for _ in range(at_most):
            held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    finally:
        for fd in held:
            os.close(fd)


def _file_size(at_most: int) -> None:
    import tempfile  # here, so that no other task pays for the import

    with tempfile.TemporaryFile() as file:
        for _ in range(at_most // CHUNK):
            os.write(file.fileno(), b"x" * CHUNK)
            if os.fstat(file.fileno()).st_size % CHUNK != 0:  # cut short: the next write is refused
                os.write(file.fileno(), b"x")


def _shared_memory(at_most: int) -> None:
    """Writes to a mapping as large as a file can be made. If no memory is left for it, the kernel
    sends SIGBUS, as to every program that shares arrays by such files."""
    fd = os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600)
    try:
        os.ftruncate(fd, at_most)
        with mmap.mmap(fd, at_most) as mapped:
            for page in range(0, at_most, PAGE):
                mapped[page] = 1
    finally:
        os.close(fd)


_TAKERS = {
    "memory": _memory,
    "stack": _stack,
    "files": _files,
    "file-size": _file_size,
    "shared-memory": _shared_memory,
}


def exhaust(what: str, at_most: int) -> BaseException:
    """Returns what was raised when more was refused; raises if nothing was refused."""
    if faulthandler.is_enabled():
        faulthandler.disable()  # its handlers print a stack, and run before the default action
    _leave_to_the_kernel(signal.SIGBUS, signal.SIGSEGV)
    try:
        _TAKERS[what](at_most)
    except (MemoryError, OSError, RecursionError) as refusal:
        return refusal.with_traceback(None)
    raise RuntimeError(f"nothing limits this process: it had {at_most} of {what}")


def _leave_to_the_kernel(*signals: signal.Signals) -> None:
    """Sets the default actions, whatever the pool has set. It uses the C library, because Python
    allows this only in its main thread."""
    import ctypes

    library = ctypes.CDLL(None)
    for number in signals:
        library.signal(int(number), 0)
