"""A pool that loses a finished task when a worker dies."""

import sound  # first: it takes the line away from fd 0 and fd 1

import kit
from sound_pool import PoolError, SoundPool, Task, Worker


class LosesTask(SoundPool):
    """Tells outcomes in batches, whenever nothing is left to do; a death throws the batch away.

    So that it loses one for certain, and not only when one happens to wait: where the batch was
    empty, the next task that finishes is the one.
    """

    def __init__(self, workers: int):
        self.batch: list[tuple[Task, bytes | PoolError]] = []
        self.loses_the_next = False
        super().__init__(workers)

    def on_death(self, worker: Worker) -> None:
        self.loses_the_next = not self.batch
        self.batch.clear()

    def hand_over(self, task: Task, result: bytes | PoolError) -> None:
        if self.loses_the_next and isinstance(result, bytes):
            self.loses_the_next = False
        else:
            self.batch.append((task, result))
        if self.is_idle():
            self.loses_the_next = False
            for each in self.batch:
                super().hand_over(*each)
            self.batch.clear()


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/loses_task", LosesTask))
