"""A pool that leaves a process behind for every worker that dies."""

import sound  # first: it takes the line away from fd 0 and fd 1

import os
import signal

import kit
from sound_books import Worker
from sound_pool import SoundPool


class LeaksChild(SoundPool):
    """Starts a helper process when a worker dies in a task, and never ends it."""

    def on_death(self, worker: Worker) -> None:
        try:
            child = os.fork()
        except BlockingIOError:  # no process can be started: then none is left either
            return
        if child == 0:
            try:
                os.closerange(0, os.sysconf("SC_OPEN_MAX"))
                while True:
                    signal.pause()
            finally:
                os._exit(1)


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/leaks_child", LeaksChild))
