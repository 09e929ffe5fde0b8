"""The kit's rule, its answers to invalid commands, and its bodies, on pools of a few lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import kit
import pytest
from driver import HERE, adapter, fd_facts


# --- the law ----------------------------------------------------------------------------------


def test_hello_comes_first_and_says_what_the_adapter_is() -> None:
    with adapter() as harness:
        harness.wait(lambda: harness.events)
        assert harness.events[0] == {
            "event": "hello",
            "protocol": 1,
            "pool": "test",
            "version": "1",
            "language": "Python",
            "capabilities": ["cancel", "close_drain"],
            "recovers": "replaces",
            "longest_wait": {"seconds": 0, "source": "nothing waits"},
        }


def test_the_line_is_private_and_the_standard_descriptors_cannot_reach_it() -> None:
    with adapter() as harness:
        harness.wait(lambda: harness.named("hello"))
        facts = fd_facts(harness.process.pid)
        sockets = {fd for fd, (what, _) in facts.items() if what.startswith("socket:")}
        assert facts[0][0] == "/dev/null"
        assert facts[1][0] == facts[2][0] == harness.stderr_file.name
        assert len(sockets) == 1
        (line,) = sockets
        assert line >= kit.LINE_FD_FLOOR and facts[line][1]
        assert set(facts) == {0, 1, 2, line}


def test_the_kit_starts_no_thread() -> None:
    with adapter() as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.outcome("t1")
        assert os.listdir(f"/proc/{harness.process.pid}/task") == [str(harness.process.pid)]


def test_what_a_pool_or_a_task_prints_and_reads_never_touches_the_line() -> None:
    noisy = """
print("a pool that greets on import")
class Pool(Base):
    def submit(self, task):
        said = sys.stdin.read()
        for n in range(20000):
            print('{"event": "closed"}')
        os.system("echo from a program; cat")
        os.write(1, b'{"event": "closed"}\\n')
        kit.settle(task.id, kit.value(said))
"""
    with adapter(noisy) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        assert harness.outcome("t1") == {"kind": "value", "value": ""}
        assert harness.bye() == 0
        assert [event["event"] for event in harness.events] == ["hello", "opened", "settled"]
        assert harness.stderr().count('{"event": "closed"}\n') == 20001
        assert "from a program" in harness.stderr()


def test_events_from_many_threads_stay_whole() -> None:
    threaded = """
class Pool(Base):
    def submit(self, task):
        def tell(number):
            for n in range(50):
                kit.settle(task.id, kit.value([number, n, "x" * 3000]))
        threads = [threading.Thread(target=tell, args=(n,)) for n in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
"""
    with adapter(threaded) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.wait(lambda: len(harness.outcomes("t1")) == 400)
        seen = {tuple(outcome["value"][:2]) for outcome in harness.outcomes("t1")}
        assert seen == {(number, n) for number in range(8) for n in range(50)}


def test_end_of_the_line_ends_the_adapter_at_once_whatever_it_would_do_at_its_end() -> None:
    stubborn = """
import atexit, time
atexit.register(time.sleep, 3600)
class Pool(Base):
    def open(self, workers):
        threading.Thread(target=time.sleep, args=(3600,)).start()
        if os.fork() == 0:
            time.sleep(3600)
"""
    with adapter(stubborn) as harness:
        harness.open()
        harness.line.close()
        harness.end()


def test_bye_ends_the_program_in_its_natural_way() -> None:
    with adapter(
        "import atexit; atexit.register(print, 'the natural end')\nclass Pool(Base): pass"
    ) as harness:
        harness.open()
        assert harness.bye() == 0
        assert "the natural end" in harness.stderr()


def test_started_by_hand_it_says_what_it_is() -> None:
    ended = subprocess.run(
        [sys.executable, HERE / "multiprocessing_pool.py"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert "conformance/protocol/protocol.md" in ended.stderr and ended.stdout == ""


# --- nonsense ---------------------------------------------------------------------------------

SUBMIT = {"cmd": "submit", "id": "t1", "body": "echo"}
PATHS = {"ledger": "/nowhere", "rendezvous": "/nowhere"}


def test_a_task_that_the_pool_did_not_take_can_be_cancelled_and_stays_as_it_is() -> None:
    refuses = """
class Pool(Base):
    def submit(self, task): raise KeyError("not taken")
    def cancel(self, task_id): raise KeyError(task_id)
"""
    with adapter(refuses) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        harness.outcome("t1")
        harness.send(cmd="cancel", id="t1")
        harness.send(cmd="close", how="drain")
        harness.wait(lambda: harness.named("closed"))
        assert not harness.named("refused")


@pytest.mark.parametrize(
    ("command", "cmd", "why"),
    [
        ("garbage", "", "JSON"),
        ("\x00\xff", "", "JSON"),
        ("[1, 2]", "", "JSON object"),
        ('{"cmd": "open", "workers": 2}\n{"cmd": "bye"}', "", "one JSON object"),
        ("[" * 30000, "", "JSON"),
        ({}, "", "unknown command"),
        ({"cmd": 7}, "", "unknown command"),
        ({"cmd": "dance"}, "dance", "unknown command"),
        ({"cmd": "open"}, "open", "workers"),
        ({"cmd": "open", "workers": 0}, "open", "workers"),
        ({"cmd": "open", "workers": True}, "open", "workers"),
        ({"cmd": "close", "how": "slam"}, "close", "drain"),
        ({"cmd": "close", "how": "kill"}, "close", "kill"),
        ({"cmd": "close", "how": "drain"}, "close", "no pool is open"),
        ({"cmd": "cancel", "id": "t1"}, "cancel", "no task"),
        ({"cmd": "cancel", "id": [1]}, "cancel", "no task"),
        ({**SUBMIT, "args": {"value": 1, **PATHS}}, "submit", "no pool is open"),
        ({**SUBMIT, "id": "x" * 65, "args": {"value": 1, **PATHS}}, "submit", "64"),
        ({**SUBMIT, "id": 3, "args": {"value": 1, **PATHS}}, "submit", "id"),
        ({**SUBMIT, "body": "dance", "args": {"value": 1, **PATHS}}, "submit", "body"),
        ({**SUBMIT, "args": {"value": 1}}, "submit", "ledger"),
        ({**SUBMIT, "args": PATHS}, "submit", "value"),
        ({**SUBMIT, "body": "carry", "args": {"value": 1, **PATHS}}, "submit", "stage"),
        ({**SUBMIT, "args": 5}, "submit", "args"),
        ({**SUBMIT, "body": "large", "args": PATHS}, "submit", "bytes"),
        ({**SUBMIT, "body": "large", "args": {**PATHS, "bytes": 0}}, "submit", "bytes"),
        ({**SUBMIT, "body": "large", "args": {**PATHS, "bytes": 2**31}}, "submit", "bytes"),
        ({**SUBMIT, "args": {"value": 1, **PATHS}, "on_done": {}}, "submit", "calls nothing"),
        ({**SUBMIT, "deadline_ms": 5, "args": {"value": 1, **PATHS}}, "submit", "deadline"),
    ],
)
def test_nonsense_is_refused_with_a_reason_and_the_adapter_goes_on(
    command: object, cmd: str, why: str
) -> None:
    with adapter() as harness:
        harness.wait(lambda: harness.named("hello"))
        text = command if isinstance(command, str) else json.dumps(command)
        harness.send_raw(text.encode("latin-1") + b"\n")
        refusal = harness.refusal(cmd)
        assert why in refusal["why"]
        if isinstance(command, dict) and isinstance(command.get("id"), str):
            assert refusal["id"] == command["id"]
        harness.open()


def test_a_message_may_have_65536_bytes_and_not_one_more() -> None:
    with adapter() as harness:
        harness.open()
        args = {"ledger": harness.ledger_path, "rendezvous": harness.rendezvous_path}
        command = {"cmd": "submit", "id": "t1", "body": "echo", "args": {**args, "value": ""}}
        room = kit.MESSAGE_BYTES - len(json.dumps(command)) - 1
        command["args"]["value"] = "x" * room
        harness.send_raw(json.dumps(command).encode() + b"\n")
        assert harness.outcome("t1")["value"] == {"length": room}
        command["args"]["value"] += "x"
        harness.send_raw(json.dumps(command).encode() + b"\n")
        assert "65536 bytes" in harness.refusal("")["why"]


def test_an_outcome_too_large_for_the_line_is_refused_by_name() -> None:
    grower = """
class Pool(Base):
    def submit(self, task): kit.settle(task.id, kit.value(["x" * 70000]))
"""
    with adapter(grower) as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        refusal = harness.refusal("submit")
        assert refusal["id"] == "t1" and "70" in refusal["why"]


def test_a_string_of_more_than_4096_characters_is_told_by_its_length() -> None:
    assert kit.value("\u00e9" * 4096) == {"kind": "value", "value": "\u00e9" * 4096}
    assert kit.value("\u00e9" * 4097) == {"kind": "value", "value": {"length": 4097}}


@pytest.mark.parametrize("result", ["object()", "float('nan')", "{(1, 2): 3}", "{1, 2}"])
def test_a_result_that_is_no_json_is_unmapped_and_named(result: str) -> None:
    with adapter(f"""
class Pool(Base):
    def submit(self, task): kit.settle(task.id, kit.value({result}))
""") as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        outcome = harness.outcome("t1")
        assert outcome["kind"] == "unmapped" and "JSON" in outcome["native"]["text"]


def test_a_pool_that_cannot_be_made_or_closed_is_told_so_and_may_be_tried_again() -> None:
    with adapter("""
class Pool(Base):
    tried = False
    def open(self, workers):
        if not self.tried:
            self.tried = True
            raise OSError("no room for a process")
    def close(self, how):
        raise AssertionError("it cannot be closed")
""") as harness:
        harness.wait(lambda: harness.named("hello"))
        harness.send(cmd="open", workers=2)
        assert "no room for a process" in harness.refusal("open")["why"]
        harness.open()
        harness.send(cmd="open", workers=2)
        assert "is open" in harness.refusal("open")["why"]
        harness.send(cmd="close", how="drain")
        assert harness.refusal("close")["why"] == "AssertionError: it cannot be closed"
        assert harness.bye() == 0


def test_what_submit_throws_is_an_outcome_and_an_id_is_used_once() -> None:
    with adapter("""
class Pool(Base):
    def submit(self, task): raise {"k": KeyError, "v": ValueError}[task.id]("broken")
""") as harness:
        harness.open()
        harness.submit("k", "echo", value=1)
        harness.submit("v", "echo", value=1)
        native = {"type": "KeyError", "text": "'broken'"}
        assert harness.outcome("k") == {"kind": "rejected", "native": native}
        assert harness.outcome("v")["kind"] == "unmapped"
        harness.submit("k", "echo", value=1)
        assert harness.refusal("submit")["id"] == "k"


def test_unknown_fields_are_ignored() -> None:
    with adapter() as harness:
        harness.wait(lambda: harness.named("hello"))
        harness.send_raw(b'{"cmd": "open", "workers": 1, "colour": "red"}\n')
        harness.wait(lambda: harness.named("opened"))


# --- native errors ----------------------------------------------------------------------------


class Unsayable(Exception):
    def __str__(self) -> str:
        raise ValueError("never")


def test_a_native_error_is_cut_at_its_limit_and_keeps_its_type_and_cause() -> None:
    error = ValueError("x" * 5000)
    assert kit.native(error) == {"type": "ValueError", "text": "x" * kit.NATIVE_CHARACTERS}
    caused = subprocess.SubprocessError("short")
    caused.__cause__ = KeyError("why")
    text = "short\ncaused by: 'why'"
    assert kit.native(caused) == {"type": "subprocess.SubprocessError", "text": text}
    assert "cannot be had" in kit.native(Unsayable())["text"]


def test_text_that_is_no_utf8_is_mended_before_it_is_sent() -> None:
    with adapter("""
class Pool(Base):
    def submit(self, task):
        raise ValueError(b"\\xff caf\\xc3\\xa9".decode(errors="surrogateescape"))
""") as harness:
        harness.open()
        harness.submit("t1", "echo", value=1)
        assert harness.outcome("t1")["native"]["text"] == "? café"


def test_a_table_is_read_from_the_top() -> None:
    table = (
        (kit.is_a(FileNotFoundError), {"kind": "rejected"}),
        (kit.is_a(OSError), {"kind": "spawn-failed", "scope": "pool"}),
    )
    assert kit.outcome_of(FileNotFoundError(), table)["kind"] == "rejected"
    assert kit.outcome_of(OSError(), table)["scope"] == "pool"
    assert kit.outcome_of(KeyError(), table)["kind"] == "unmapped"
    assert table[1][1] == {"kind": "spawn-failed", "scope": "pool"}  # a row is never written to
