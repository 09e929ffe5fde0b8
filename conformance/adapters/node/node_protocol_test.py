"""Checks the kit for Node against the protocol's page and schemas, like protocol_test.py for
Python.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import kit
import outcomes
import protocol_test
import submission
from node_driver import HERE, needs_node, toy

pytestmark = needs_node

EVERYTHING = f"""
  capabilities: {json.dumps(kit.CAPABILITIES)},
  resize() {{}},
  submit() {{ return Promise.resolve({{ carried: 1 }}); }},  // the body is not at stake here
"""


def can_be_obeyed(command: dict[str, Any]) -> bool:
    """Node decodes without running code, and a promise is no callback of a pool."""
    stage = command.get("args", {}).get("stage", "")
    return not stage.startswith("decode-") and command.get("on_done") is None


def commands() -> list[dict[str, Any]]:
    """Those of the page, each with all of its fields, once without the callbacks."""
    found = []
    for command in protocol_test.sound_commands():
        found.append({key: value for key, value in command.items() if key != "on_done"})
    return found


def test_what_the_schemas_allow_the_kit_obeys_as_far_as_node_can(tmp_path: Path) -> None:
    sent = [command for command in commands() if can_be_obeyed(command)]
    assert {command["cmd"] for command in sent} == set(protocol_test.COMMANDS)
    with toy(tmp_path, EVERYTHING) as harness:
        for command in sent:
            harness.send(**command)
        harness.wait(lambda: len(harness.named("closed")) == 3)
        assert harness.end() == 0
        assert not harness.named("refused")
        assert len(harness.named("resized")) == 1
        assert len(harness.named("settled")) == sum(c["cmd"] == "submit" for c in sent) == 5


def test_what_node_cannot_do_is_refused_with_the_reason(tmp_path: Path) -> None:
    with toy(tmp_path, EVERYTHING) as harness:
        harness.open()
        stages = [command for command in commands() if not can_be_obeyed(command)]
        assert len(stages) == 2
        for command in stages:
            harness.send(**command)
            assert "decodes" in harness.refusal("submit")["why"]
        for command in protocol_test.sound_commands():
            if command["cmd"] == "submit" and can_be_obeyed({**command, "on_done": None}):
                harness.send(**command)
                assert "done-callback" in harness.refusal("submit")["why"]
        assert not harness.named("settled")


def test_what_the_schemas_forbid_the_kit_refuses(tmp_path: Path) -> None:
    with toy(tmp_path, EVERYTHING) as harness:
        harness.open()
        for command in protocol_test.spoilt():
            protocol_test.send_unchecked(harness, command)
            assert harness.refusal(command["cmd"])["why"]
        assert not harness.named("settled") and not harness.named("closed")


def test_the_kits_limits_are_those_of_the_other_kit() -> None:
    files = ("line", "bodies", "submission", "outcomes")
    loaded = "; ".join(f"Object.assign(all, require('./{file}'))" for file in files)
    said = subprocess.run(
        ["node", "-p", f"const all = {{}}; {loaded}; JSON.stringify(all)"],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    ours = json.loads(said.stdout)
    assert ours["MESSAGE_BYTES"] == kit.MESSAGE_BYTES
    assert ours["LEDGER_BYTES"] == protocol_test.bodies.LEDGER_BYTES
    assert ours["ID_CHARACTERS"] == submission.ID_CHARACTERS
    assert ours["MOST_BYTES"] == submission.MOST_BYTES
    assert ours["NATIVE_CHARACTERS"] == outcomes.NATIVE_CHARACTERS
    assert ours["VALUE_CHARACTERS"] == outcomes.VALUE_CHARACTERS
