"""joblib with its loky backend, driven as joblib.Parallel drives it: by `configure` and `submit`.

`Parallel(...)` itself blocks its caller until everything is done, so it cannot get one task after
the other. Each submit here does what each call of Parallel does: the backend finds the executor, or
makes a new one if the last one broke, and the task is submitted with the backend's callback. Like
each call of Parallel, it leaves an empty folder in /dev/shm until the program ends.
"""

import kit  # first: it takes the line away from fd 0 and fd 1

from functools import partial
from importlib.metadata import version

import loky_errors

with kit.installed("joblib"):
    from joblib import Parallel
    from joblib.externals.loky import get_reusable_executor, process_executor
    from joblib.parallel import BACKENDS

    TABLE = loky_errors.table(process_executor)


class Joblib:
    pool = "joblib.Parallel (loky backend)"
    version = version("joblib")
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "close_drain",
        "close_kill",
    )
    recovers = "recreate"  # the next call of Parallel makes another executor
    longest_wait = (
        30,
        "joblib/externals/loky/process_executor.py, _process_worker:"
        " worker_exit_lock.acquire(True, timeout=30)",
    )

    def open(self, workers: int) -> None:
        self.parallel = Parallel(n_jobs=workers, backend="loky")
        self.backend = BACKENDS["loky"]()
        self.configure()

    def configure(self) -> None:
        self.backend.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)

    def submit(self, task: kit.Task) -> None:
        self.configure()
        # Until joblib 1.4 its name was apply_async.
        submit = getattr(self.backend, "submit", None) or self.backend.apply_async
        submit(partial(kit.run, task.call), callback=task.ended)

    def outcome(self, error: BaseException) -> kit.Outcome:
        return loky_errors.outcome_of(error, TABLE)

    def cancel(self, task_id: str) -> None:
        raise NotImplementedError("joblib.Parallel cancels no task")

    def close(self, how: str) -> None:
        self.backend.terminate()  # as Parallel does at its end: the workers stay, to be used again
        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=how == "kill")
        del self.backend, self.parallel


if __name__ == "__main__":
    kit.serve(Joblib())
