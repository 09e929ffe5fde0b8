"""Checks that three descriptions of one protocol agree: protocol.md, the schemas, and the kit.

Their words are generated from one file, and .ci/words_test.py checks those.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import bodies
import kit
import outcomes
import pytest
import schemas
import submission
import words as kit_words
from driver import Harness, adapter
from jsonschema import Draft202012Validator, ValidationError

PAGE = (Path(__file__).resolve().parent.parent / "protocol" / "protocol.md").read_text()


# --- reading the page -------------------------------------------------------------------------


def tables(first_column: str) -> list[list[list[str]]]:
    """The rows, without the head, of each table whose head begins with that word."""
    found = re.findall(rf"^\| {first_column} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]
        for rows in found
    ]


def word(cell: str) -> str:
    """The name in backticks that a cell begins with."""
    return re.match(r"\s*`([^`]+)`", cell)[1]  # type: ignore[index]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def fields(cell: str) -> list[str]:
    """The names in backticks outside parentheses; where values follow a name, only the name."""
    return words(re.sub(r"\([^()]*\)", "", cell).split(": ")[0])


def properties(name: str) -> dict[str, Any]:
    return schemas.load(name)["properties"]


COMMANDS = {word(row[0]): row for row in tables("command")[0]}
EVENTS = {word(row[0]): row for row in tables("event")[0]}
FIELDS, WORDS = tables("field")
ANSWERS = [json.loads(word(row[0])) for row in tables("answer")[0]]


# --- the page and the schemas -----------------------------------------------------------------


def test_every_schema_is_one() -> None:
    names = [str(path.relative_to(schemas.FOLDER))[:-5] for path in schemas.FOLDER.rglob("*.json")]
    assert len(names) == 17
    for name in names:
        Draft202012Validator.check_schema(schemas.load(name))
        assert schemas.load(name)["$id"] == f"{name}.json"
        assert schemas.load(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_each_command_and_each_event_has_a_schema_and_each_schema_a_row() -> None:
    assert schemas.names("command") == sorted(COMMANDS)
    assert schemas.names("event") == sorted(EVENTS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_fields_are_those_of_its_row(command: str) -> None:
    assert set(properties(f"command/{command}")) == {"cmd", *fields(COMMANDS[command][1])}
    assert properties(f"command/{command}")["cmd"] == {"const": command}


@pytest.mark.parametrize("event", EVENTS)
def test_an_events_fields_are_those_of_its_row(event: str) -> None:
    assert set(properties(f"event/{event}")) == {"event", *fields(EVENTS[event][1])}
    assert properties(f"event/{event}")["event"] == {"const": event}


def test_an_outcomes_fields_are_those_of_the_page() -> None:
    assert set(properties("outcome")) == {name for row in FIELDS for name in words(row[0])}


@pytest.mark.parametrize("cause", [word(row[1]) for row in WORDS if row[0] == "`cause`"])
def test_every_cause_of_the_page_is_one(cause: str) -> None:
    example = cause.replace(":NAME", ":SEGV").replace(":N", ":255")
    schemas.check("outcome", {"kind": "worker-lost", "cause": example})


@pytest.mark.parametrize(
    "outcome",
    [
        {},
        {"kind": "value"},
        {"kind": "broken"},
        {"kind": "deadline", "value": 1},
        {"kind": "worker-lost", "cause": "signal:SIGKILL"},
        {"kind": "worker-lost", "cause": "signal:9x"},
        {"kind": "worker-lost", "cause": "exit:"},
        {"kind": "worker-lost", "cause": "bad luck"},
        {"kind": "worker-lost", "blame": {"pid": "7"}},
        {"kind": "unmapped", "native": {"type": "X", "text": "x" * 2001}},
    ],
)
def test_what_is_no_outcome_is_refused_by_its_schema(outcome: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        schemas.check("outcome", outcome)


def test_the_examples_of_the_page_are_valid() -> None:
    lines = [json.loads(line) for line in re.findall(r'^`(\{"(?:cmd|event)".*\})`$', PAGE, re.M)]
    assert len(lines) == 2
    for line in lines:
        (schemas.check_command if "cmd" in line else schemas.check_event)(line)
    for answer in ANSWERS:
        schemas.check("answer", answer)
        for key in answer:
            with pytest.raises(ValidationError):
                schemas.check("answer", {k: v for k, v in answer.items() if k != key})
    schemas.check("meeting", json.loads(re.search(r'write `(\{"task".*?\})`', PAGE)[1]))
    schemas.check("ledger", json.loads(re.search(r'`(\{"ev".*?\})`', PAGE)[1]))


# --- the page and the kit ---------------------------------------------------------------------


def test_the_kits_limits_are_those_of_the_page() -> None:
    assert f"at most {kit.MESSAGE_BYTES:,} bytes" in PAGE
    assert f"at most {bodies.LEDGER_BYTES} bytes" in re.sub(r"\s+", " ", PAGE)
    assert f"at most {kit.NATIVE_CHARACTERS:,} characters" in PAGE
    assert f"1 to {kit.ID_CHARACTERS} characters" in PAGE
    assert f"more than {outcomes.VALUE_CHARACTERS:,} characters" in PAGE
    assert f"1 to {submission.MOST_BYTES:,}" in PAGE
    size = properties("command/submit")["args"]["properties"]["bytes"]
    assert size["maximum"] == submission.MOST_BYTES
    assert properties("command/submit")["id"]["maxLength"] == kit.ID_CHARACTERS
    native = properties("outcome")["native"]["properties"]["text"]
    assert native["maxLength"] == kit.NATIVE_CHARACTERS


EVERYTHING = """
class Pool(Base):
    capabilities = kit.CAPABILITIES
    def open(self, workers, tasks_per_worker=None, initializer=None): pass
    def resize(self, workers): pass
    def submit(self, task):
        kit.settle(task.id, kit.value(1))  # the body itself is not at stake here
"""

PATHS = {"ledger": "/nowhere/ledger", "rendezvous": "/nowhere/meet"}


def args_of(body: str, stage: str) -> dict[str, Any]:
    if body == "large":
        return {**PATHS, "bytes": 1}
    return {**PATHS, "value": None} | ({"stage": stage} if stage else {})


def sound_commands() -> list[dict[str, Any]]:
    """In an order in which they can be obeyed: each command with all fields of its row."""
    tasks = [
        {"id": f"{body}.{stage}", "body": body, "args": args_of(body, stage)}
        for body in kit_words.BODIES
        for stage in (kit_words.STAGES if body == "carry" else [""])
    ]
    callbacks = [{"do": "submit", **task, "id": f"then {task['id']}"} for task in tasks]
    callbacks[0] = {"do": "meet"}
    submits = [
        {"cmd": "submit", **task, "deadline_ms": 0, "on_done": on_done}
        for task, on_done in zip(tasks, callbacks, strict=True)
    ]
    closes = [{"cmd": "close", "how": how} for how in kit_words.CLOSINGS]
    initializer = {"ledger": PATHS["ledger"]}
    opens = {"cmd": "open", "workers": 1, "tasks_per_worker": 1, "initializer": initializer}
    rounds = [command for close in closes for command in (opens, close)]
    resize = {"cmd": "resize", "workers": 2}
    cancel = {"cmd": "cancel", "id": "echo."}
    return [opens, *submits, cancel, resize, *rounds[1:], {"cmd": "bye"}]


def test_what_the_schemas_allow_the_kit_obeys() -> None:
    commands = sound_commands()
    assert {command["cmd"] for command in commands} == set(COMMANDS)
    for command in commands:
        assert set(command) == {"cmd", *fields(COMMANDS[command["cmd"]][1])}
    with adapter(EVERYTHING) as harness:
        for command in commands:
            harness.send(**command)
        assert harness.end() == 0
        assert not harness.named("refused")
        assert len(harness.named("settled")) == sum(c["cmd"] == "submit" for c in commands)
        assert len(harness.named("closed")) == 3 and len(harness.named("resized")) == 1


def spoilt() -> list[dict[str, Any]]:
    """Every valid command with one required field removed or replaced."""
    found: list[dict[str, Any]] = []
    for command in sound_commands():
        required = schemas.load(f"command/{command['cmd']}")["required"]
        for key in (key for key in required if key != "cmd"):
            found.append({k: v for k, v in command.items() if k != key})
            found += [{**command, key: wrong} for wrong in (None, -1, "no such word" * 9, [])]
        for key in command.get("args", {}):
            if (command["body"], key) != ("rendezvous", "value"):
                rest = {k: v for k, v in command["args"].items() if k != key}
                found.append({**command, "args": rest})
        for key in set(command) & {"tasks_per_worker", "initializer"}:
            found += [{**command, key: wrong} for wrong in (0, -1, "no such word", [], {})]
        for key in command.get("on_done", {}):
            rest = {k: v for k, v in command["on_done"].items() if k != key}
            found.append({**command, "on_done": rest})
    return found


def refused_by_its_schema(command: dict[str, Any]) -> bool:
    try:
        schemas.check_command(command)
    except ValidationError:
        return True
    return False


def send_unchecked(harness: Harness, command: dict[str, Any]) -> None:
    harness.send_raw(json.dumps(command).encode() + b"\n")


def test_what_the_schemas_forbid_the_kit_refuses() -> None:
    with adapter(EVERYTHING) as harness:
        harness.open()
        commands = spoilt()
        assert len(commands) > 100
        for command in commands:
            assert refused_by_its_schema(command), command
            send_unchecked(harness, command)
            assert harness.refusal(command["cmd"])["why"]
        assert not harness.named("settled") and not harness.named("closed")
