"""mpire.WorkerPool, with forked workers."""

import kit  # first: it takes the line away from fd 0 and fd 1

import traceback
from importlib.metadata import version

with kit.installed("mpire"):
    from mpire import WorkerPool

    if not hasattr(WorkerPool, "apply_async"):
        raise ImportError("this mpire takes no single tasks: it has no WorkerPool.apply_async")


def was_raised_by_the_task(error: BaseException) -> bool:
    """The pool sets the worker's traceback as the cause of what a task raised, and only of that."""
    return type(error.__cause__) is Exception


TABLE = (
    (kit.says("died unexpectedly"), {"kind": "worker-lost", "intent": "unplanned"}),
    (was_raised_by_the_task, {"kind": "task-error", "certainty": "ran"}),
    (kit.is_a(TimeoutError), {"kind": "deadline", "scope": "task", "intent": "policy"}),
)


class Mpire:
    pool = "mpire.WorkerPool"
    version = version("mpire")
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "task_deadline",  # apply_async(task_timeout=...)
        "done_callback",
        "initializer",  # apply_async(worker_init=...)
        "close_drain",
        "close_kill",  # terminate()
    )
    recovers = "breaks"  # mpire/pool.py: "When a worker dies unexpectedly, the pool shuts down"
    longest_wait = (5, "mpire/comms.py, drain_and_join_queue: process.join(timeout=5)")

    def open(self, workers: int, initializer=None) -> None:
        self.workers, self.initializer = WorkerPool(n_jobs=workers), initializer

    def submit(self, task: kit.Task) -> None:
        self.workers.apply_async(
            kit.run,
            (task.call,),
            callback=task.returned,
            error_callback=task.threw,
            worker_init=self.initializer,
            task_timeout=None if task.deadline_ms is None else task.deadline_ms / 1000,
        )

    def outcome(self, error: BaseException) -> kit.Outcome:
        return kit.outcome_of(error, TABLE)

    def cancel(self, task_id: str) -> None:
        raise NotImplementedError("mpire cancels no task")

    def close(self, how: str) -> None:
        try:
            if how == "drain":
                self.workers.stop_and_join()
        except Exception:  # by design it throws what broke the pool, perhaps before it is done
            traceback.print_exc()
        finally:
            self.workers.terminate()  # as `with WorkerPool()` does at its end
        del self.workers  # what the pool still holds after this is its own doing


if __name__ == "__main__":
    kit.serve(Mpire())
