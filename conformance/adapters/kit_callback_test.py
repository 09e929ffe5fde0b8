"""What the kit does in a pool's done-callback, and when a pool is not installed."""

from __future__ import annotations

import json
import sys

import pytest
from driver import adapter
from kit_test import PATHS, SUBMIT

# Runs each task at once, and then calls its callback, as a pool would in a separate thread.
CALLING = """
class Pool(Base):
    capabilities = (*Base.capabilities, "done_callback")
    def submit(self, task):
        if task.id == "rejected":
            raise KeyError("no more")
        result = kit.run(task.call)
        def call_back():
            try: task.done(kit.value(result))
            except Exception as thrown: print("into the pool:", repr(thrown), flush=True)
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
        harness.outcome("t2")  # the adapter is not delayed
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


# --- what a pool must not lose by its adapter -------------------------------------------------


def test_a_slip_in_an_adapters_table_is_told_and_loses_no_task() -> None:
    with adapter("""
class Pool(Base):
    def outcome(self, error): return error.no_such_thing
    def submit(self, task): threading.Thread(target=task.threw, args=(KeyError("x"),)).start()
""") as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        outcome = harness.outcome("t1")
        assert (outcome["kind"], outcome["native"]["type"]) == ("unmapped", "KeyError")
        assert "no_such_thing" in outcome["native"]["text"]


def test_a_future_is_told_as_what_it_is() -> None:
    with adapter("""
from concurrent.futures import CancelledError, Future
class Pool(Base):
    table = ((kit.is_a(CancelledError), {"kind": "cancelled"}), *Base.table)
    def submit(self, task):
        future = Future()
        future.add_done_callback(task.ended)
        {"v": lambda: future.set_result(7), "e": lambda: future.set_exception(KeyError("no")),
         "c": lambda: (future.cancel(), future.set_running_or_notify_cancel())}[task.id]()
""") as harness:
        harness.open()
        for task in "vec":
            harness.submit(task, "echo", value=1)
        kinds = [harness.outcome(task)["kind"] for task in "vec"]
        assert kinds == ["value", "rejected", "cancelled"]


RING = """
class Ring:
    def __init__(self): self.me = self
    def __del__(self): print("the ring is freed", flush=True)
class Pool(Base):
    def open(self, workers): self.ring = Ring()
    def close(self, how): del self.ring
import atexit
atexit.register(print, "the natural end", flush=True)
"""


def test_what_a_closed_pool_left_to_the_collector_is_freed_before_it_is_called_closed() -> None:
    with adapter(RING) as harness:
        harness.open()
        harness.close()
        assert "the ring is freed" in harness.stderr()


def test_a_pool_that_is_open_at_bye_lives_until_the_natural_end() -> None:
    with adapter(RING.replace("self.me = self", "pass")) as harness:
        harness.open()
        assert harness.bye() == 0
        assert harness.stderr().startswith("the natural end")


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
