"""A pool that loses a finished task when a worker dies."""

import sound  # first: it takes the line away from fd 0 and fd 1

import kit
from sound_books import Task, Worker
from sound_errors import PoolError
from sound_pool import SoundPool


class LosesTask(SoundPool):
    """After a death, takes one result for the dead worker's, and drops it: the first result that
    comes while other workers are in a task, or tasks wait."""

    mistrusts_the_next = False

    def on_death(self, worker: Worker) -> None:
        self.mistrusts_the_next = True

    def hand_over(self, task: Task, result: bytes | PoolError) -> None:
        if self.mistrusts_the_next and isinstance(result, bytes) and not self.is_idle():
            self.mistrusts_the_next = False
        else:
            super().hand_over(task, result)


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/loses_task", LosesTask))
