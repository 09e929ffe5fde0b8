"""The pool from which the broken ones are made, without a defect: it must pass everything."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import kit  # first: it takes the line away from fd 0 and fd 1

import sound_errors
from sound_errors import PoolError
from sound_pool import GRACE_S, SoundPool, Task

TABLE = tuple(
    (kit.is_a(error), outcome)
    for error, outcome in (
        (sound_errors.TaskError, {"kind": "task-error"}),
        (sound_errors.EncodeArgsError, {"kind": "encode-args"}),
        (sound_errors.DecodeArgsError, {"kind": "decode-args"}),
        (sound_errors.EncodeResultError, {"kind": "encode-result"}),
        (sound_errors.DecodeResultError, {"kind": "decode-result"}),
        (
            sound_errors.WorkerLost,
            {"kind": "worker-lost", "intent": "unplanned", "scope": "worker"},
        ),
        (sound_errors.DeadlineError, {"kind": "deadline", "intent": "policy", "scope": "task"}),
        (sound_errors.Cancelled, {"kind": "cancelled", "intent": "asked", "scope": "task"}),
        (sound_errors.ShutDown, {"kind": "shutdown", "intent": "asked", "scope": "pool"}),
        (sound_errors.SpawnError, {"kind": "spawn-failed"}),
        (sound_errors.GarbageError, {"kind": "protocol", "scope": "worker"}),
    )
)


class Sound:
    version = "1"
    capabilities = kit.CAPABILITIES
    recovers = "replaces"
    longest_wait = (GRACE_S, "broken/sound_pool.py, GRACE_S")

    def __init__(self, pool: str = "sound", kind: type[SoundPool] = SoundPool):
        self.pool, self.kind = pool, kind

    def open(self, workers: int, **options: Any) -> None:
        self.workers = self.kind(workers, **options)
        self.tasks: dict[str, Task] = {}

    def submit(self, task: kit.Task) -> None:
        def tell(result: object, failure: PoolError | None) -> None:
            task.done(self.outcome(failure) if failure else kit.value(result))

        deadline_s = None if task.deadline_ms is None else task.deadline_ms / 1000
        self.tasks[task.id] = self.workers.submit(kit.run, task.call, tell, deadline_s)

    def outcome(self, error: BaseException) -> kit.Outcome:
        outcome = kit.outcome_of(error, TABLE)
        for fact in ("cause", "certainty"):
            if getattr(error, fact, None) is not None:
                outcome[fact] = getattr(error, fact)
        if getattr(error, "pid", None) is not None:
            outcome["blame"] = {"pid": error.pid, "worker": error.worker}
        return outcome

    def cancel(self, task_id: str) -> None:
        self.workers.cancel(self.tasks[task_id])

    def resize(self, workers: int) -> None:
        self.workers.resize(workers)

    def close(self, how: str) -> None:
        self.workers.close(how)


if __name__ == "__main__":
    kit.serve(Sound())
