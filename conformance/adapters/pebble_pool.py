"""pebble.ProcessPool, with forked workers."""

import kit  # first: it takes the line away from fd 0 and fd 1

from concurrent.futures import CancelledError, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version

with kit.installed("pebble"):
    from pebble import ProcessExpired, ProcessPool


def was_raised_by_the_task(error: BaseException) -> bool:
    """The pool sends the worker's traceback along with what a task raised, and only with that."""
    return hasattr(error, "traceback")


TABLE = (
    (kit.is_a(ProcessExpired), {"kind": "worker-lost", "scope": "worker", "intent": "unplanned"}),
    (kit.is_a(CancelledError), {"kind": "cancelled", "intent": "asked"}),
    (was_raised_by_the_task, {"kind": "task-error", "certainty": "ran"}),
    (kit.is_a(TimeoutError), {"kind": "deadline", "scope": "task", "intent": "policy"}),
    (kit.is_a(BrokenProcessPool), {"kind": "pool-broken", "scope": "pool"}),
    (kit.says("Unexpected error within the Pool"), {"kind": "pool-broken", "scope": "pool"}),
    (kit.says("The Pool is not active"), {"kind": "shutdown", "certainty": "not-started"}),
)


class Pebble:
    pool = "pebble.ProcessPool"
    version = version("pebble")
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "task_deadline",  # schedule(timeout=...)
        "cancel",  # also for running tasks
        "done_callback",
        "initializer",
        "recycles",  # max_tasks
        "close_drain",
        "close_kill",  # stop()
    )
    recovers = "replaces"
    longest_wait = (60, "pebble/common/types.py, CONSTS.channel_lock_timeout")

    def open(self, workers: int, tasks_per_worker=0, initializer=None) -> None:
        self.workers = ProcessPool(workers, max_tasks=tasks_per_worker, initializer=initializer)
        self.futures = {}

    def submit(self, task: kit.Task) -> None:
        timeout = None if task.deadline_ms is None else task.deadline_ms / 1000
        future = self.workers.schedule(kit.run, args=[task.call], timeout=timeout)
        self.futures[task.id] = future
        future.add_done_callback(task.ended)

    def outcome(self, error: BaseException) -> kit.Outcome:
        outcome = kit.outcome_of(error, TABLE)
        if isinstance(error, ProcessExpired):
            outcome["cause"] = kit.cause_of(error.exitcode)
            if getattr(error, "pid", None):  # since pebble 5.0.4
                outcome["blame"] = {"pid": error.pid}
        return outcome

    def cancel(self, task_id: str) -> None:
        self.futures[task_id].cancel()

    def close(self, how: str) -> None:
        if how == "kill":
            self.workers.stop()
        else:
            self.workers.close()
        self.workers.join()
        del self.workers, self.futures  # what the pool still holds after this is its own doing


if __name__ == "__main__":
    kit.serve(Pebble())
