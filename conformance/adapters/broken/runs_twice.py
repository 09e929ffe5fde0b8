"""A pool that runs a task again although it was not lost."""

import sound  # first: it takes the line away from fd 0 and fd 1

from dataclasses import replace

import kit
from sound_books import Task, Worker
from sound_errors import PoolError
from sound_pool import SoundPool


class RunsTwice(SoundPool):
    """Does not record which worker has which task. After a death it submits again the tasks of the
    other workers, or, if they have none, the last finished task. The result is dropped."""

    finished_last: Task | None = None

    def hand_over(self, task: Task, result: bytes | PoolError) -> None:
        if isinstance(result, bytes):
            self.finished_last = task
        super().hand_over(task, result)

    def on_death(self, worker: Worker) -> None:
        again = [other.task for other in self.workers if other.task] or [self.finished_last]
        self.queue.extendleft(replace(task, tell=lambda *_: None) for task in again if task)


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/runs_twice", RunsTwice))
