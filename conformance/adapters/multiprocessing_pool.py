"""multiprocessing.Pool of the standard library, with forked workers."""

import kit  # first: it takes the line away from fd 0 and fd 1

import multiprocessing
import platform
from multiprocessing.pool import MaybeEncodingError, RemoteTraceback


def was_raised_by_the_task(error: BaseException) -> bool:
    """The pool sends the worker's traceback along with what a task raised, and only with that."""
    return isinstance(error.__cause__, RemoteTraceback)


def was_raised_while_sending(error: BaseException) -> bool:
    """The pool reports what it caught itself, in the thread that sends tasks."""
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code.co_name != "_handle_tasks":
        step = step.tb_next
    return step is not None


TABLE = (
    (kit.says("Pool not running"), {"kind": "shutdown", "certainty": "not-started"}),
    (kit.is_a(MaybeEncodingError), {"kind": "encode-result", "certainty": "ran"}),
    (was_raised_by_the_task, {"kind": "task-error", "certainty": "ran"}),
    (was_raised_while_sending, {"kind": "encode-args", "certainty": "not-started"}),
)


class MultiprocessingPool:
    version = platform.python_version()
    capabilities = (
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "done_callback",
        "initializer",
        "recycles",  # maxtasksperchild
        "close_drain",
        "close_kill",
    )
    recovers = "replaces"
    longest_wait = (
        0.1,
        "multiprocessing/popen_fork.py, Popen._send_signal: wait(timeout=0.1), when a worker"
        " cannot be signalled; the pool's own waits have no limit (CPython 3.11)",
    )

    def __init__(self, start: str):
        self.pool = f"multiprocessing.Pool ({start})"
        self.start = multiprocessing.get_context(start)

    def open(self, workers: int, tasks_per_worker=None, initializer=None) -> None:
        self.workers = self.start.Pool(workers, initializer, maxtasksperchild=tasks_per_worker)

    def submit(self, task: kit.Task) -> None:
        self.workers.apply_async(
            kit.run,
            (task.call,),
            callback=task.returned,
            error_callback=task.threw,
        )

    def outcome(self, error: BaseException) -> kit.Outcome:
        return kit.outcome_of(error, TABLE)

    def cancel(self, task_id: str) -> None:
        raise NotImplementedError("multiprocessing.Pool cancels no task")

    def close(self, how: str) -> None:
        if how == "kill":
            self.workers.terminate()
        else:
            self.workers.close()
        self.workers.join()
        del self.workers  # what the pool still holds after this is its own doing


if __name__ == "__main__":
    kit.serve(MultiprocessingPool("fork"))
