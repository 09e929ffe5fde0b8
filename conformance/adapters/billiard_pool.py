"""billiard.pool.Pool, with forked workers and time limits, as Celery makes it."""

import kit  # first: it takes the line away from fd 0 and fd 1

import re
from importlib.metadata import version

with kit.installed("billiard"):
    from billiard.einfo import ExceptionInfo
    from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
    from billiard.pool import MaybeEncodingError, Pool

DEATH = re.compile(r"Worker exited prematurely: (signal|exitcode) (\d+)")

TABLE = (
    (kit.is_a(WorkerLostError, Terminated), {"kind": "worker-lost", "intent": "unplanned"}),
    (kit.is_a(TimeLimitExceeded), {"kind": "deadline", "scope": "task", "intent": "policy"}),
    (kit.is_a(MaybeEncodingError), {"kind": "encode-result", "certainty": "ran"}),
    (kit.came_from("workloop"), {"kind": "task-error", "certainty": "ran"}),
    (kit.came_from("body"), {"kind": "encode-args", "certainty": "not-started"}),
)


class Billiard:
    pool = "billiard.pool.Pool"
    version = version("billiard")
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "task_deadline",  # apply_async(timeout=...), in a pool with enable_timeouts
        "done_callback",
        "initializer",
        "recycles",  # maxtasksperchild
        "resize",  # grow(), shrink()
        "close_drain",
        "close_kill",  # terminate()
    )
    recovers = "replaces"
    longest_wait = (
        12,
        "billiard/pool.py, LOST_WORKER_TIMEOUT: 10 s, looked at every 0.8 s by Supervisor",
    )

    def open(self, workers: int, tasks_per_worker=None, initializer=None) -> None:
        self.workers = Pool(
            workers, initializer, maxtasksperchild=tasks_per_worker, enable_timeouts=True
        )
        self.size = workers

    def submit(self, task: kit.Task) -> None:
        self.workers.apply_async(
            kit.run,
            (task.call,),
            callback=task.returned,
            error_callback=task.threw,
            timeout=None if task.deadline_ms is None else task.deadline_ms / 1000,
        )

    def outcome(self, error) -> kit.Outcome:
        if isinstance(error, ExceptionInfo):  # the pool passes both: an error and a traceback
            info, error = error, error.exception
            if isinstance(
                getattr(error, "exc", None), BaseException
            ):  # wrapped, if it was raised here
                error = error.exc
            error.__cause__ = Exception(info.traceback)
        outcome = kit.outcome_of(error, TABLE)
        if death := DEATH.search(str(error)):
            number = int(death[2])
            outcome["cause"] = kit.cause_of(-number if death[1] == "signal" else number)
        return outcome

    def cancel(self, task_id: str) -> None:
        raise NotImplementedError("billiard cancels no task")

    def resize(self, workers: int) -> None:
        if workers > self.size:
            self.workers.grow(workers - self.size)
        elif workers < self.size:
            self.workers.shrink(self.size - workers)
        self.size = workers

    def close(self, how: str) -> None:
        if how == "kill":
            self.workers.terminate()
        else:
            self.workers.close()
        self.workers.join()
        del self.workers  # what the pool still holds after this is its own doing


if __name__ == "__main__":
    kit.serve(Billiard())
