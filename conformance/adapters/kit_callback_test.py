"""What the kit does in a pool's done-callback, and when a pool is not there at all."""

from __future__ import annotations

import json
import sys

import pytest
from driver import adapter
from kit_test import PATHS, SUBMIT

# Runs each task at once, and then calls its callback, as a pool would in a thread of its own.
CALLING = """
class Pool(Base):
    capabilities = (*Base.capabilities, "done_callback")
    def submit(self, task):
        if task.id == "rejected":
            raise KeyError("no more")
        result = kit.run(task.call)
        def call_back():
            try: task.done(kit.value(result))
            except Exception as thrown: print("into the pool:", repr(thrown))
        thread = threading.Thread(target=call_back, name="the pool's")
        thread.start()
        self.thread = thread
"""


def test_a_callback_meets_in_the_adapters_process_after_its_outcome_was_told() -> None:
    with adapter(CALLING) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1, on_done={"do": "meet"})
        meeting = harness.meeting("t1", "callback")
        assert meeting.pid == harness.process.pid
        assert harness.outcomes("t1") == [{"kind": "value", "value": 1}]
        harness.submit("t2", "echo", value=2)
        harness.outcome("t2")  # the adapter is not held up
        harness.answer(meeting, "throw", text="thrown by a callback")
        harness.wait(lambda: harness.ledger.of("t1", "struck"))
        harness.wait(lambda: "into the pool: RuntimeError('thrown by" in harness.stderr())
        assert len(harness.named("settled")) == 2


@pytest.mark.parametrize(("then", "kind"), [("t2", "value"), ("rejected", "rejected")])
def test_a_callback_submits_a_task_that_settles_like_any_other(then: str, kind: str) -> None:
    with adapter(CALLING) as harness:
        harness.open()
        more = {"do": "submit", "id": then, "body": "echo", "args": {"value": 7, **PATHS}}
        more["args"] |= {"ledger": harness.ledger_path, "rendezvous": harness.rendezvous_path}
        harness.submit("t1", "echo", value=1, on_done=more)
        assert harness.outcome(then)["kind"] == kind
        assert [event["id"] for event in harness.named("settled")] == ["t1", then]
        harness.submit(then, "echo", value=1)
        assert "submitted before" in harness.refusal("submit")["why"]


@pytest.mark.parametrize(
    ("on_done", "why"),
    [
        (7, "on_done"),
        ({}, "on_done.do"),
        ({"do": "dance"}, "on_done.do"),
        ({"do": "submit"}, "on_done.id"),
        ({"do": "submit", "id": "t2", "body": "dance"}, "on_done.body"),
        ({"do": "submit", "id": "t2", "body": "echo", "args": PATHS}, "on_done.args"),
        (
            {"do": "submit", "id": "t1", "body": "echo", "args": {"value": 1, **PATHS}},
            "submitted before",
        ),
    ],
)
def test_nonsense_in_a_callback_is_refused_before_anything_runs(on_done: object, why: str) -> None:
    with adapter(CALLING) as harness:
        harness.open()
        command = {**SUBMIT, "args": {"value": 1, **PATHS}, "on_done": on_done}
        harness.send_raw(json.dumps(command).encode() + b"\n")
        assert why in harness.refusal("submit")["why"]
        assert harness.ledger.lines == []


# --- a pool that is not there -----------------------------------------------------------------


def test_a_pool_that_cannot_be_imported_is_refused_instead_of_hello() -> None:
    absent = """
with kit.installed("poolless"):
    import poolless_on_purpose
class Pool(Base): pass
"""
    with adapter(absent) as harness:
        refusal = harness.refusal("hello")
        assert sys.executable in refusal["why"] and "poolless_on_purpose" in refusal["why"]
        assert harness.end() == 0
        assert harness.events == [] and harness.stderr() == ""
