"""Reads `submit`, `open`, `resize`: are they valid, and what do they ask for? (protocol.md)"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from bodies import Call, Carried, Place, initialize
from words import BODIES, STAGES

ID_CHARACTERS = 64  # so that any id fits into a ledger line, even when it is escaped
MOST_BYTES = 1 << 30  # of a large result

Json = Any  # what json.loads gives


class Refused(Exception):
    """The adapter cannot do this at all; the text goes to the harness as `refused`."""


class Submission(NamedTuple):
    """A task as requested, and what its done-callback must do: meet, submit, or nothing."""

    id: str
    call: Call
    deadline_ms: int | None = None
    meets: bool = False
    then: Submission | None = None


def workers_of(command: dict[str, Json]) -> int:
    """For an `open` or a `resize`. Throws Refused."""
    workers = command.get("workers")
    if type(workers) is not int or workers < 1:
        raise Refused("`workers` must be an integer, 1 or more")
    return workers


def opening(command: dict[str, Json], capabilities: Sequence[str]) -> dict[str, Any]:
    """The options of an `open` besides the workers, by the names of the adapter's parameters.

    Empty if it asks for nothing. Throws Refused.
    """
    options: dict[str, Any] = {}
    tasks, initializer = command.get("tasks_per_worker"), command.get("initializer")
    if tasks is not None:
        if "recycles" not in capabilities:
            raise Refused("this pool replaces no worker after so many tasks")
        if type(tasks) is not int or tasks < 1:
            raise Refused("`tasks_per_worker` must be an integer, 1 or more")
        options["tasks_per_worker"] = tasks
    if initializer is not None:
        if "initializer" not in capabilities:
            raise Refused("this pool's workers run nothing before their first task")
        ledger = initializer.get("ledger") if isinstance(initializer, dict) else None
        if not isinstance(ledger, str):
            raise Refused("`initializer` must be an object that holds the path `ledger`")
        options["initializer"] = partial(initialize, ledger)
    return options


def read(command: dict[str, Json], capabilities: Sequence[str]) -> Submission:
    """Throws Refused, which names what is wrong."""
    task = _task(command)
    deadline_ms, on_done = command.get("deadline_ms"), command.get("on_done")
    if deadline_ms is not None:
        if "task_deadline" not in capabilities:
            raise Refused("this pool ends no task at a deadline")
        if type(deadline_ms) is not int or deadline_ms < 0:
            raise Refused("`deadline_ms` must be an integer, 0 or more")
        task = task._replace(deadline_ms=deadline_ms)
    if on_done is None:
        return task
    if "done_callback" not in capabilities:
        raise Refused("this pool calls nothing when a task has ended")
    deed = on_done.get("do") if isinstance(on_done, dict) else None
    if deed == "meet":
        return task._replace(meets=True)
    if deed == "submit":
        return task._replace(then=_task(on_done, "on_done."))
    raise Refused("`on_done.do` must be meet or submit")


def _task(command: dict[str, Json], where: str = "") -> Submission:
    task_id, body, args = (command.get(key) for key in ("id", "body", "args"))
    if not isinstance(task_id, str) or not 0 < len(task_id) <= ID_CHARACTERS:
        raise Refused(f"`{where}id` must be a string of 1 to {ID_CHARACTERS} characters")
    if body not in BODIES:
        raise Refused(f"`{where}body`: there is no {body!r}, only {', '.join(BODIES)}")
    if not isinstance(args, dict):
        raise Refused(f"`{where}args` must be an object")
    ledger, rendezvous = (args.get(key) for key in ("ledger", "rendezvous"))
    if not isinstance(ledger, str) or not isinstance(rendezvous, str):
        raise Refused(f"`{where}args` must hold the paths `ledger` and `rendezvous`")
    place = Place(task_id, ledger, rendezvous)
    return Submission(task_id, Call(place, body, *_stage_and_argument(place, body, args, where)))


def _stage_and_argument(
    place: Place, body: str, args: dict[str, Json], where: str
) -> tuple[str, object]:
    if body == "large":
        size = args.get("bytes")
        if type(size) is not int or not 0 < size <= MOST_BYTES:
            raise Refused(f"`{where}args.bytes` of large must be an integer, 1 to {MOST_BYTES}")
        return "", size
    if body != "rendezvous" and "value" not in args:
        raise Refused(f"`{where}args` of {body} must hold `value`")
    argument = args.get("value")
    if body != "carry":
        return "", argument
    stage = args.get("stage")
    if stage not in STAGES:
        raise Refused(f"`{where}args.stage` of carry must be one of {', '.join(STAGES)}")
    return stage, Carried(place, stage, argument) if stage.endswith("-args") else argument
