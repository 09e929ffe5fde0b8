"""concurrent.futures.ProcessPoolExecutor of the standard library, with forked workers.

The two adapters beside it use the class of this file; they only start their workers differently.
"""

import kit  # first: it takes the line away from fd 0 and fd 1

import multiprocessing
import platform
import sys
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

# The executor reports the task's exception and its own encoding errors in the same way. Only the
# traceback that it sends along distinguishes them: it shows which of its functions ran.
TABLE = (
    (kit.is_a(BrokenProcessPool), {"kind": "pool-broken", "scope": "pool"}),
    (kit.is_a(CancelledError), {"kind": "cancelled", "certainty": "not-started"}),
    (kit.came_from("_feed"), {"kind": "encode-args", "certainty": "not-started"}),
    (kit.came_from("_sendback_result"), {"kind": "encode-result", "certainty": "ran"}),
    (kit.came_from("_process_worker"), {"kind": "task-error", "certainty": "ran"}),
    (kit.says("cannot schedule new futures"), {"kind": "shutdown", "certainty": "not-started"}),
    (kit.is_a(OSError), {"kind": "spawn-failed", "certainty": "not-started"}),
)


class ConcurrentFutures:
    version = platform.python_version()
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "cancel",  # of what has not started
        "done_callback",
        "initializer",
        "close_drain",
        "close_cancel",
    )
    recovers = "breaks"
    longest_wait = (
        0.1,
        "multiprocessing/popen_fork.py, Popen._send_signal: wait(timeout=0.1), when a worker"
        " cannot be signalled; the executor's own waits have no limit (CPython 3.11)",
    )

    def __init__(self, start: str):
        self.pool = f"concurrent.futures.ProcessPoolExecutor ({start})"
        if start != "fork" and sys.version_info >= (3, 11):  # max_tasks_per_child
            self.capabilities += ("recycles",)
        self.start = multiprocessing.get_context(start)

    def open(self, workers: int, tasks_per_worker=None, initializer=None) -> None:
        more = {} if tasks_per_worker is None else {"max_tasks_per_child": tasks_per_worker}
        self.executor = ProcessPoolExecutor(
            workers, mp_context=self.start, initializer=initializer, **more
        )
        self.futures: dict[str, Future[object]] = {}

    def submit(self, task: kit.Task) -> None:
        future = self.executor.submit(kit.run, task.call)
        self.futures[task.id] = future
        future.add_done_callback(task.ended)

    def outcome(self, error: BaseException) -> kit.Outcome:
        return kit.outcome_of(error, TABLE)

    def cancel(self, task_id: str) -> None:
        self.futures[task_id].cancel()

    def close(self, how: str) -> None:
        self.executor.shutdown(wait=True, cancel_futures=how == "cancel")
        del self.executor, self.futures  # what the pool still holds after this is its own doing


if __name__ == "__main__":
    kit.serve(ConcurrentFutures("fork"))
