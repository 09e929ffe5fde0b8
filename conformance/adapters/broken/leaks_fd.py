"""A pool that keeps a descriptor for every worker that died."""

import sound  # first: it takes the line away from fd 0 and fd 1

import os

import kit
from sound_books import Worker
from sound_pool import SoundPool


class LeaksFd(SoundPool):
    """Closes the channel of a worker that died in a task, but not the handle of its process."""

    def let_go(self, worker: Worker) -> None:
        if not worker.claimed or worker.doom:
            super().let_go(worker)
        elif worker.channel >= 0:
            os.close(worker.channel)


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/leaks_fd", LeaksFd))
