"""A pool that does not notice when a worker dies in a task."""

import sound  # first: it takes the line away from fd 0 and fd 1

import kit
from sound_books import Worker
from sound_pool import SoundPool


class HangsOnDeath(SoundPool):
    """Watches idle workers, those that it kills itself, and all of them once it shuts down. From a
    busy one it only waits for a reply."""

    def notices(self, worker: Worker) -> bool:
        return not worker.claimed or worker.doom is not None or self._closing != ""


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/hangs_on_death", HangsOnDeath))
