"""A pool that reports every death by a signal as an ordinary exit."""

import sound  # first: it takes the line away from fd 0 and fd 1

import os

import kit
from sound_pool import SoundPool


class LiesAboutCause(SoundPool):
    """Reads the exit code of a process that has none."""

    def cause_of(self, status: os.waitid_result | None) -> str:
        cause = super().cause_of(status)
        return "exit:0" if cause.startswith("signal:") else cause


if __name__ == "__main__":
    kit.serve(sound.Sound("broken/lies_about_cause", LiesAboutCause))
