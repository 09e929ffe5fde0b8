"""What loky's errors mean, for loky itself and for the copy of it inside joblib."""

import re
from types import ModuleType

import kit
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool

DEATH = re.compile(r"SIG(?P<signal>[A-Z0-9+]+)\(-\d+\)|EXIT\((?P<exit>\d+)\)|UNKNOWN")


def table(loky: ModuleType) -> tuple[kit.Row, ...]:
    """`loky` is loky.process_executor, in either package.

    As in the standard library, only the traceback sent along distinguishes the task's exception
    from encoding errors. If a task or a result cannot be decoded, all tasks get the same error.
    Throws if this loky cannot start a worker.
    """
    called = set(loky.Queue.__setstate__.__code__.co_names)
    if "_after_fork" in called and "_reset" not in called:
        raise ImportError("this loky cannot start a worker on Python 3.9 or later")
    return (
        (kit.is_a(loky.TerminatedWorkerError), {"kind": "worker-lost", "scope": "pool"}),
        (kit.is_a(BrokenProcessPool), {"kind": "pool-broken", "scope": "pool"}),
        (kit.is_a(loky.ShutdownExecutorError), {"kind": "shutdown", "scope": "pool"}),
        (kit.is_a(loky.LokyRecursionError), {"kind": "nesting-limit", "certainty": "not-started"}),
        (kit.is_a(CancelledError), {"kind": "cancelled", "certainty": "not-started"}),
        (kit.came_from("_feed"), {"kind": "encode-args", "certainty": "not-started"}),
        (kit.came_from("_sendback_result"), {"kind": "encode-result", "certainty": "ran"}),
        (kit.came_from("_process_worker"), {"kind": "task-error", "certainty": "ran"}),
        (kit.says("cannot schedule new futures"), {"kind": "shutdown", "scope": "pool"}),
        (kit.is_a(OSError), {"kind": "spawn-failed", "certainty": "not-started"}),
    )


def outcome_of(error: BaseException, rows: tuple[kit.Row, ...]) -> kit.Outcome:
    """With the cause if loky reports it: the exit codes of all dead workers, if they agree."""
    outcome = kit.outcome_of(error, rows)
    _, told, codes = str(error).partition("The exit codes of the workers are {")
    if outcome["kind"] == "worker-lost" and told:
        deaths = {match.lastgroup and match.group(0) for match in DEATH.finditer(codes)}
        if len(deaths) == 1 and (death := deaths.pop()):
            name, _, code = death.rstrip(")").partition("(")
            outcome["cause"] = f"exit:{code}" if name == "EXIT" else f"signal:{name[3:]}"
    return outcome
