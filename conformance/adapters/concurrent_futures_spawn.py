"""concurrent.futures.ProcessPoolExecutor of the standard library, with spawned workers."""

import kit  # first: it takes the line away from fd 0 and fd 1

from concurrent_futures_fork import ConcurrentFutures

if __name__ == "__main__":
    kit.serve(ConcurrentFutures("spawn"))
