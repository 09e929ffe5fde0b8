"""Outcomes: how a value or a pool's own error is reported in the words of ../protocol/protocol.md.

Pure functions. An adapter calls them through the kit: `kit.value`, `kit.outcome_of`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any

NATIVE_CHARACTERS = 2_000
VALUE_CHARACTERS = 4_096  # longer strings are reported by length

Outcome = dict[str, Any]


def value(result: object) -> Outcome:
    """The outcome of a task that returned. For a long string, only its length is reported."""
    if isinstance(result, str) and len(result) > VALUE_CHARACTERS:
        return {"kind": "value", "value": {"length": len(result)}}
    return {"kind": "value", "value": result}


def native(error: BaseException, text: str | None = None) -> dict[str, str]:
    """The pool's own error, in its own words, with the cause that it names."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = f"{kind.__module__}.{name}"
    try:
        words = str(error) if text is None else text
        if error.__cause__ is not None:
            words += f"\ncaused by: {error.__cause__}"
    except Exception as unsayable:  # an exception may have a __str__ of its own
        words = f"(its text cannot be had: {type(unsayable).__name__})"
    return {"type": name, "text": words[:NATIVE_CHARACTERS]}


# One row of an adapter's table: a test that recognises an error, and its outcome.
Row = tuple[Callable[[BaseException], bool], Outcome]


def outcome_of(error: BaseException, table: Sequence[Row]) -> Outcome:
    """The first row that recognises the error gives the outcome; if none does, it is `unmapped`."""
    for knows, outcome in table:
        if knows(error):
            return {**outcome, "native": native(error)}
    return {"kind": "unmapped", "native": native(error)}


def is_a(*kinds: type[BaseException]) -> Callable[[BaseException], bool]:
    """For a table: the error is of one of these types."""
    return lambda error: isinstance(error, kinds)


def came_from(frame: str) -> Callable[[BaseException], bool]:
    """For a table: the traceback that the pool sent along from its worker names this function."""
    return lambda error: f", in {frame}\n" in str(error.__cause__)


def says(*words: str) -> Callable[[BaseException], bool]:
    """For a table: the error's own text contains one of these."""
    return lambda error: any(each in str(error) for each in words)


def cause_of(exitcode: int | None) -> str:
    """A cause from the exit code of Python's process objects: below zero, a signal."""
    if exitcode is None:
        return "unknown"
    if exitcode >= 0:
        return f"exit:{exitcode}"
    try:
        return "signal:" + signal.Signals(-exitcode).name[3:]
    except ValueError:  # a real-time signal has no name
        return f"signal:{-exitcode}"
