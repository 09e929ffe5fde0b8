"""A pool that reports an exception of a task as a success."""

import sound  # first: it takes the line away from fd 0 and fd 1

import pickle

import kit
from sound_books import Task
from sound_errors import PoolError, TaskError
from sound_pool import SoundPool


class SwallowsException(SoundPool):
    """Returns None for what a task throws."""

    def hand_over(self, task: Task, result: bytes | PoolError) -> None:
        super().hand_over(task, pickle.dumps(None) if isinstance(result, TaskError) else result)


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/swallows_exception", SwallowsException))
