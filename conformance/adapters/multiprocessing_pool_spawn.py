"""multiprocessing.Pool of the standard library, with spawned workers."""

import kit  # first: it takes the line away from fd 0 and fd 1

from multiprocessing_pool import MultiprocessingPool

if __name__ == "__main__":
    kit.serve(MultiprocessingPool("spawn"))
