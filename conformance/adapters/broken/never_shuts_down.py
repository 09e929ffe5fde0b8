"""A pool whose shutdown never returns once a worker has died."""

import sound  # first: it takes the line away from fd 0 and fd 1

import threading
from typing import Any

import kit
from sound_books import Worker
from sound_pool import SoundPool


class NeverShutsDown(SoundPool):
    """At shutdown, waits for a goodbye of each worker that died in a task; it never comes."""

    def __init__(self, workers: int, **options: Any):
        self.dead, self.goodbyes = 0, threading.Semaphore(0)
        super().__init__(workers, **options)

    def on_death(self, worker: Worker) -> None:
        self.dead += 1

    def close(self, how: str) -> None:
        super().close(how)
        for _ in range(self.dead):
            self.goodbyes.acquire()


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/never_shuts_down", NeverShutsDown))
