"""What runs in a worker of the sound pool, and the messages that it sends to the pool.

A worker reads a length (8 bytes, little-endian) and so many bytes: a pickled (function, argument).
Each of its messages is a word of one byte, a length, and so many bytes: CLAIMED before it decodes,
STARTED before it calls, and one of the other four. It ends when its input ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable

HEADER = struct.Struct("<cQ")
TASK_HEADER = struct.Struct("<Q")
CLAIMED, STARTED, VALUE, RAISED, UNDECODABLE, UNENCODABLE = b"C", b"S", b"V", b"T", b"D", b"R"

_LIBC = ctypes.CDLL(None)  # loaded before any fork
_PR_SET_PDEATHSIG = 1


def describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def be_a_worker(channel: int, parent: int, initializer: Callable[[], None] | None) -> None:
    """Never returns. Runs in the process that was just forked from `parent`."""
    status = 1
    try:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == parent:  # else it ended before we asked to end with it
            os.closerange(3, channel)
            os.closerange(channel + 1, os.sysconf("SC_OPEN_MAX"))
            if initializer is not None:
                initializer()
            _work(channel)
            status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(status)


def _work(channel: int) -> None:
    while True:
        try:
            (size,) = TASK_HEADER.unpack(_read_exactly(channel, TASK_HEADER.size))
            data = _read_exactly(channel, size)
        except EOFError:  # the pool has no more work
            return
        _say(channel, CLAIMED)
        _say(channel, *_run(channel, data))


def _run(channel: int, data: bytes) -> tuple[bytes, bytes]:
    stage = UNDECODABLE
    try:
        function, argument = pickle.loads(data)
        _say(channel, STARTED)
        stage = RAISED
        result = function(argument)
        stage = UNENCODABLE
        return VALUE, pickle.dumps(result)
    except BaseException as error:
        return stage, describe(error).encode("utf-8", "replace")


def _read_exactly(channel: int, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        more = os.read(channel, min(count - len(data), 1 << 20))
        if not more:
            raise EOFError
        data += more
    return bytes(data)


def _say(channel: int, word: bytes, data: bytes = b"") -> None:
    left = memoryview(HEADER.pack(word, len(data)) + data)
    while left:
        left = left[os.write(channel, left) :]
