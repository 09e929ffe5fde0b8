"""Reads ../protocol/schemas, for the tests: one JSON Schema (2020-12) for each kind of message."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

FOLDER = Path(__file__).resolve().parent.parent / "protocol" / "schemas"


def names(kind: str = "") -> list[str]:
    """The schemas of a folder: "command", "event", or those at the top."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.json"))


@functools.cache
def load(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


@functools.cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    every = [load(str(path.relative_to(FOLDER))[:-5]) for path in FOLDER.rglob("*.json")]
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in every
    )
    return jsonschema.Draft202012Validator(load(name), registry=registry)


def check(name: str, message: Any) -> None:
    """Raises jsonschema.ValidationError, which says what is wrong and where."""
    _validator(name).validate(message)


def check_command(message: dict[str, Any]) -> None:
    check(f"command/{message['cmd']}", message)


def check_event(message: dict[str, Any]) -> None:
    check(f"event/{message['event']}", message)
