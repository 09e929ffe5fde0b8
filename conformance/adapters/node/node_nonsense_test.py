"""The kit's answers to invalid commands, in Node."""

from __future__ import annotations

import json
from pathlib import Path

from node_driver import needs_node, toy

pytestmark = needs_node

PATHS = {"ledger": "/nowhere", "rendezvous": "/nowhere"}
GOOD = {"value": 1, **PATHS}
SUBMIT = {"cmd": "submit", "id": "t1", "body": "echo", "args": GOOD}

NONSENSE = [
    ("garbage", "", "JSON"),
    ("\x00\xff", "", "JSON"),
    ("[1, 2]", "", "JSON object"),
    ("null", "", "JSON object"),
    ('{"cmd": "open", "workers": 2}\n{"cmd": "bye"}', "", "one JSON object"),
    ("[" * 30000, "", "JSON"),
    ({}, "", "unknown command"),
    ({"cmd": 7}, "", "unknown command"),
    ({"cmd": "dance"}, "dance", "unknown command"),
    ({"cmd": "constructor"}, "constructor", "unknown command"),
    ({"cmd": "open"}, "open", "workers"),
    ({"cmd": "open", "workers": 0}, "open", "workers"),
    ({"cmd": "open", "workers": True}, "open", "workers"),
    ({"cmd": "close", "how": "slam"}, "close", "drain"),
    ({"cmd": "close", "how": "kill"}, "close", "kill"),
    ({"cmd": "close", "how": "drain"}, "close", "no pool is open"),
    ({"cmd": "cancel", "id": "t1"}, "cancel", "no task"),
    ({"cmd": "cancel", "id": [1]}, "cancel", "no task"),
    (SUBMIT, "submit", "no pool is open"),
    ({**SUBMIT, "id": "x" * 65}, "submit", "64"),
    ({**SUBMIT, "id": 3}, "submit", "id"),
    ({**SUBMIT, "body": "dance"}, "submit", "body"),
    ({**SUBMIT, "args": {"value": 1}}, "submit", "ledger"),
    ({**SUBMIT, "args": PATHS}, "submit", "value"),
    ({**SUBMIT, "body": "carry"}, "submit", "stage"),
    ({**SUBMIT, "body": "carry", "args": {**GOOD, "stage": "in-between"}}, "submit", "stage"),
    ({**SUBMIT, "body": "carry", "args": {**GOOD, "stage": "decode-args"}}, "submit", "decodes"),
    ({**SUBMIT, "body": "large", "args": {**GOOD, "bytes": 2**30 + 1}}, "submit", "bytes"),
    ({**SUBMIT, "body": "large", "args": GOOD}, "submit", "bytes"),
    ({**SUBMIT, "args": 5}, "submit", "args"),
    ({**SUBMIT, "deadline_ms": 5}, "submit", "deadline"),
    ({**SUBMIT, "on_done": {"do": "meet"}}, "submit", "done-callback"),
]


def test_a_task_that_the_pool_did_not_take_can_be_cancelled_and_stays_as_it_is(
    tmp_path: Path,
) -> None:
    refuses = """
  submit() { throw new Error("not taken"); },
  cancel(id) { throw new Error(id); },
"""
    with toy(tmp_path, refuses) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.outcome("t1")
        harness.send(cmd="cancel", id="t1")
        harness.send(cmd="close", how="drain")
        harness.wait(lambda: harness.named("closed"))
        assert not harness.named("refused")


def test_nonsense_is_refused_with_a_reason_and_the_adapter_goes_on(tmp_path: Path) -> None:
    with toy(tmp_path, "") as harness:
        harness.wait(lambda: harness.named("hello"))
        for command, cmd, why in NONSENSE:
            text = command if isinstance(command, str) else json.dumps(command)
            harness.send_raw(text.encode("latin-1") + b"\n")
            refusal = harness.refusal(cmd)
            assert why in refusal["why"], command
            if isinstance(command, dict) and isinstance(command.get("id"), str):
                assert refusal["id"] == command["id"]
        harness.open()
        harness.send(cmd="open", workers=1)
        assert "is open" in harness.refusal("open")["why"]
        harness.send_raw(b'{"cmd": "close", "how": "drain", "colour": "red"}\n')
        harness.wait(lambda: harness.named("closed"))  # unknown fields are ignored


def test_a_message_may_have_65536_bytes_and_not_one_more(tmp_path: Path) -> None:
    with toy(tmp_path, "submit(task) { return Promise.resolve(task.call.argument.length); }") as h:
        h.open()
        args = {"ledger": h.ledger_path, "rendezvous": h.rendezvous_path}
        command = {"cmd": "submit", "id": "t1", "body": "echo", "args": {**args, "value": ""}}
        room = 65536 - len(json.dumps(command)) - 1
        command["args"]["value"] = "x" * room
        h.send_raw(json.dumps(command).encode() + b"\n")
        assert h.outcome("t1")["value"] == room
        command["args"]["value"] += "x"
        h.send_raw(json.dumps(command).encode() + b"\n")
        assert "65536 bytes" in h.refusal("")["why"]
