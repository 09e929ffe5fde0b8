"""pools.py NAME: a Python pool in a known state; prints "ready" on stdout, and stays in that state.

cases_test.cc knows which of them can never continue (STUCK), and which can (OPEN).
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

fork = multiprocessing.get_context("fork")


def ready() -> None:
    os.write(1, b"ready\n")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def nap(seconds: float) -> None:
    time.sleep(seconds)


def pid_of(_: int) -> int:
    time.sleep(0.05)  # so that each worker gets one
    return os.getpid()


# -- STUCK ------------------------------------------------------------------------------------


def pool_task_killed() -> None:
    """multiprocessing.Pool loses the result of a worker that is killed in its task."""
    with fork.Pool(2) as pool:
        result = pool.apply_async(die)
        ready()
        result.get()


def pool_lock_holder_killed() -> None:
    """An idle worker that holds the lock of the queue is killed: no worker can take a task."""
    with fork.Pool(2) as pool:
        workers = set(pool.map(pid_of, range(8), chunksize=1))
        while not (holders := [pid for pid in workers if call_of(pid) == "0"]):  # 0: read
            time.sleep(0.01)
        os.kill(holders[0], signal.SIGKILL)
        result = pool.apply_async(pid_of, (0,))
        ready()
        result.get()


def call_of(pid: int) -> str:
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0]


def queue_without_producer() -> None:
    """The reader itself holds the write end, so it never sees the end of the queue."""
    queue: multiprocessing.Queue[int] = fork.Queue()
    ready()
    queue.get()


def lock_taken_twice() -> None:
    lock = threading.Lock()
    lock.acquire()
    ready()
    lock.acquire()


def thread_joins_a_stuck_one() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    ready()
    thread.join()


def torn_write() -> None:
    """Writes only the header of a result, while it holds the lock of the pipe as usual."""
    import multiprocessing.connection as connection

    def header_only(self: connection.Connection, buffer: bytes) -> None:
        real(self, buffer[:4] if len(buffer) == 4 else b"")
        if len(buffer) != 4:
            die()

    real = connection.Connection._send  # type: ignore[attr-defined]
    connection.Connection._send = header_only  # type: ignore[attr-defined]


def large_result(torn: bool) -> bytes:
    if torn:
        torn_write()
    return b"x" * 100_000


def executor_half_message() -> None:
    """A worker of concurrent.futures dies between the length of its result and the result."""
    pool = concurrent.futures.ProcessPoolExecutor(2, mp_context=fork)
    list(pool.map(pid_of, range(8)))
    future = pool.submit(large_result, True)
    for _ in range(4):  # the other worker wants to send its results, but cannot get the lock
        pool.submit(pid_of, 0)
    ready()
    future.result()


# -- OPEN -------------------------------------------------------------------------------------


def executor_idle_for_a_minute() -> None:
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=fork) as pool:
        list(pool.map(pid_of, range(8)))
        ready()
        time.sleep(60)


def executor_idle_on_stdin() -> None:
    """An idle pool whose program waits for input."""
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=fork) as pool:
        list(pool.map(pid_of, range(8)))
        ready()
        os.read(0, 1)


def executor_long_task() -> None:
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=fork) as pool:
        future = pool.submit(nap, 60)
        ready()
        future.result()


def executor_computes() -> None:
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=fork) as pool:
        future = pool.submit(sum, range(10**12))
        ready()
        future.result()


def result_with_a_limit() -> None:
    with fork.Pool(2) as pool:
        result = pool.apply_async(die)
        ready()
        result.get(timeout=60)


def pool_at_work() -> None:
    """Small tasks without end: asleep in most looks, and never stuck."""
    with fork.Pool(2) as pool:
        ready()
        for _ in pool.imap(abs, range(10**9)):
            pass


def thread_ticks() -> None:
    """The pool is idle and its main thread waits forever, but another thread will wake it."""
    done = threading.Event()
    threading.Timer(60, done.set).start()
    ready()
    done.wait()


STUCK: list[Callable[[], None]] = [
    pool_task_killed, pool_lock_holder_killed, queue_without_producer, lock_taken_twice,
    thread_joins_a_stuck_one, executor_half_message,
]  # fmt: skip
OPEN: list[Callable[[], None]] = [
    executor_idle_for_a_minute, executor_idle_on_stdin, executor_long_task, executor_computes,
    result_with_a_limit, pool_at_work, thread_ticks,
]  # fmt: skip

if __name__ == "__main__":
    {case.__name__: case for case in STUCK + OPEN}[sys.argv[1]]()
