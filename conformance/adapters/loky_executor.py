"""loky.ProcessPoolExecutor: one executor, made once."""

import kit  # first: it takes the line away from fd 0 and fd 1

import inspect
from concurrent.futures import Future
from importlib.metadata import version

import loky_errors

with kit.installed("loky"):
    import loky
    from loky import process_executor

    TABLE = loky_errors.table(process_executor)


class Loky:
    pool = "loky.ProcessPoolExecutor"
    version = version("loky")
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "cancel",  # tasks that have not started
        "done_callback",
        *({"initializer"} & set(inspect.signature(loky.ProcessPoolExecutor).parameters)),
        "close_drain",
        "close_kill",  # kill_workers=True
    )
    recovers = "breaks"
    longest_wait = (
        30,
        "loky/process_executor.py, _process_worker: worker_exit_lock.acquire(True, timeout=30), a"
        " worker that was asked to end waits so long for the parent's leave",
    )

    def open(self, workers: int, **options) -> None:
        self.executor = loky.ProcessPoolExecutor(workers, **options)
        self.futures: dict[str, Future[object]] = {}

    def submit(self, task: kit.Task) -> None:
        self.watch(task, self.executor.submit(kit.run, task.call))

    def watch(self, task: kit.Task, future: "Future[object]") -> None:
        self.futures[task.id] = future
        future.add_done_callback(task.ended)

    def outcome(self, error: BaseException) -> kit.Outcome:
        return loky_errors.outcome_of(error, TABLE)

    def cancel(self, task_id: str) -> None:
        self.futures[task_id].cancel()

    def close(self, how: str) -> None:
        self.executor.shutdown(wait=True, kill_workers=how == "kill")
        del self.executor, self.futures  # what the pool still holds after this is its own doing


if __name__ == "__main__":
    kit.serve(Loky())
