"""A pool that prevents the end of a program that forgot to close it."""

import sound  # first: it takes the line away from fd 0 and fd 1

import kit
from sound_pool import SoundPool


class NeverExits(SoundPool):
    """Python waits for its threads before it ends, and nothing ends them."""

    holds_the_program = True


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/never_exits", NeverExits))
