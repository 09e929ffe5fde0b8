"""loky.get_reusable_executor(), called at each submit, as its documentation advises."""

import kit  # first: it takes the line away from fd 0 and fd 1

import threading

from loky_executor import Loky

with kit.installed("loky"):
    import loky


class Reusable(Loky):
    pool = "loky.get_reusable_executor()"
    capabilities = (*Loky.capabilities, "resize")  # by the next call, with another max_workers
    recovers = "recreate"  # the next call makes another one if this one broke

    def open(self, workers: int, **options) -> None:
        self.workers, self.options, self.futures = workers, options, {}
        self.executors = {}  # the newest executor of each submitting thread: loky has one for each
        self.executor()

    def executor(self):
        newest = loky.get_reusable_executor(max_workers=self.workers, **self.options)
        self.executors[threading.get_ident()] = newest
        return newest

    def submit(self, task: kit.Task) -> None:
        self.watch(task, self.executor().submit(kit.run, task.call))

    def resize(self, workers: int) -> None:
        self.workers = workers
        self.executor()

    def close(self, how: str) -> None:
        while self.executors:
            self.executors.popitem()[1].shutdown(wait=True, kill_workers=how == "kill")
        del self.futures


if __name__ == "__main__":
    kit.serve(Reusable())
