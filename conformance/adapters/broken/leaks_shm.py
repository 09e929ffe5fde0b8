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
NAME = "poolproof-leaks_shm-{pool}-{worker}-{ns}"  # new each time, in a folder that others use too


class LeaksShm(SoundPool):
    """Notes in shared memory that a worker died at work, and never takes the note away."""

    def on_death(self, worker: Worker) -> None:
        name = NAME.format(pool=os.getpid(), worker=worker.pid, ns=time.time_ns())
        with contextlib.suppress(OSError):  # no room: its one defect is to leave a note
            (SHARED_MEMORY / name).write_text(f"worker {worker.index} died\n")


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/leaks_shm", LeaksShm))
