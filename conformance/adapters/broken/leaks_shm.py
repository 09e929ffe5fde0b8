"""A pool that leaves shared memory behind for every worker that dies."""

import sound  # first: it takes the line away from fd 0 and fd 1

import contextlib
import os
import time
from pathlib import Path

import kit
from sound_books import Worker
from sound_pool import SoundPool

SHARED_MEMORY = Path("/dev/shm")
NAME = "poolproof-leaks_shm-{pool}-{worker}-{ns}"  # others use this folder too


class LeaksShm(SoundPool):
    """Writes a file in shared memory when a worker dies in a task, and never removes it."""

    def on_death(self, worker: Worker) -> None:
        name = NAME.format(pool=os.getpid(), worker=worker.pid, ns=time.time_ns())
        with contextlib.suppress(OSError):  # no room: the only defect is to leave a file
            (SHARED_MEMORY / name).write_text(f"worker {worker.index} died\n")


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/leaks_shm", LeaksShm))
