"""A pool that holds up the end of a program which forgot to close it."""

import sound  # first: it takes the line away from fd 0 and fd 1

import kit
from sound_pool import SoundPool


class NeverExits(SoundPool):
    """Its threads are such as Python waits for before it ends, and nobody tells them to."""

    holds_the_program = True


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/never_exits", NeverExits))
