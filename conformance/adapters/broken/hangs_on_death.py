"""A pool that does not notice when a worker dies at work."""

import sound  # first: it takes the line away from fd 0 and fd 1

import kit
from sound_pool import SoundPool, Worker


class HangsOnDeath(SoundPool):
    """Watches idle workers, and those that it kills itself; from a busy one it awaits a reply."""

    def notices(self, worker: Worker) -> bool:
        return not worker.claimed or worker.doom is not None


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/hangs_on_death", HangsOnDeath))
