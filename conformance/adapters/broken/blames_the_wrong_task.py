"""A pool that blames a death on the worker of another task."""

import sound  # first: it takes the line away from fd 0 and fd 1

from typing import Any

import kit
from sound_books import Task
from sound_errors import PoolError, WorkerLost
from sound_pool import SoundPool


class BlamesTheWrongTask(SoundPool):
    """Looks up a dead worker in the list of its first workers, and reads the next entry."""

    def __init__(self, workers: int, **options: Any):
        self.first_pids: dict[int, int] = {}
        super().__init__(workers, **options)

    def hand_over(self, task: Task, result: bytes | PoolError) -> None:
        for worker in self.workers:
            self.first_pids.setdefault(worker.index, worker.pid)
        if isinstance(result, WorkerLost) and result.worker is not None:
            result.worker = (result.worker + 1) % self.size
            result.pid = self.first_pids.get(result.worker)
        super().hand_over(task, result)


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/blames_the_wrong_task", BlamesTheWrongTask))
