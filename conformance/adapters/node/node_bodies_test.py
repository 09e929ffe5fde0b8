"""The bodies and their answers in Node, each task in a separate process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from driver import Harness, fd_facts
from node_driver import needs_node, toy

pytestmark = needs_node

# Runs each task in a separate process and reports its exit code, or the signal that ended it, or
# what it sent back by Node's own channel before it ended.
FORKING = """
  submit(task) {
    const child = require('child_process').fork(RUNNER, [], { serialization: 'advanced' });
    let said = null;
    child.on('message', (message) => { said = message; });
    child.send({ task, bodies, prepare: PREPARE });
    const told = (result) => task.call.stage === 'encode-result' ? { carried: result } : result;
    return new Promise((resolve) =>
      child.on('exit', (code, signal) => resolve(told(said ?? signal ?? code))));
  },
"""
RUNNER = """
process.once('message', async ({ task, bodies, prepare }) => {
  if (prepare) for (const name of ['SIGINT', 'SIGTERM', 'SIGUSR2']) process.on(name, () => {});
  let said = null;
  try {
    process.send({ returned: await require(bodies).run(task.call) });
  } catch (error) {
    process.send({ threw: error === null ? 'nothing' : error.message });
  }
  process.exit(77);
});
"""


def forking(folder: Path, prepare: bool = False) -> Harness:
    (folder / "runner.js").write_text(RUNNER)
    before = f"const RUNNER = __dirname + '/runner.js', PREPARE = {str(prepare).lower()};"
    return toy(folder, FORKING, before)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("prepare", [False, True], ids=["plain", "handled"])
def test_raise_ends_the_process_by_that_very_signal(tmp_path: Path, prepare: bool) -> None:
    with forking(tmp_path, prepare) as harness:
        harness.open()
        for name in ("SEGV", "KILL", "ABRT", "TERM", "INT", "FPE", "BUS", "ILL", "USR2"):
            harness.submit(name, "rendezvous")
            harness.answer(harness.meeting(name), "raise", signal=name)
            assert harness.outcome(name) == {"kind": "value", "value": f"SIG{name}"}


def test_exit_is_an_exit_that_nothing_can_catch(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        for code in (0, 3, 255):
            task = f"t{code}"
            harness.submit(task, "rendezvous")
            harness.answer(harness.meeting(task), "exit", code=code)
            assert harness.outcome(task)["value"] == code
            assert harness.ledger.of(task, "start") and not harness.ledger.of(task, "end")


@pytest.mark.parametrize("point", ["running", "encode-result"])
@pytest.mark.parametrize(("deed", "state"), [("loop", "R"), ("sleep", "S")])
def test_loop_is_on_the_cpu_and_sleep_is_not(
    tmp_path: Path, deed: str, state: str, point: str
) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        if point == "running":
            harness.submit("t1", "rendezvous")
        else:
            harness.submit("t1", "carry", stage=point, value=1)
        meeting = harness.meeting("t1", point)
        harness.answer(meeting, deed)
        assert meeting.conn.recv(1) == b""  # the body has read its answer, and closed
        harness.wait(lambda: state_of(meeting.pid) == state)
        harness.stays(lambda: not harness.outcomes("t1"), 0.3)
        os.kill(meeting.pid, signal.SIGKILL)
        assert harness.outcome("t1")["value"] == "SIGKILL"


def test_what_is_thrown_is_struck_first_and_an_odd_one_is_nothing_at_all(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        for deed, threw in (("throw", "on purpose"), ("throw-undecodable", "nothing")):
            harness.submit(deed, "rendezvous")
            harness.answer(harness.meeting(deed), deed, text="on purpose")
            assert harness.outcome(deed)["value"] == {"threw": threw}
            assert harness.ledger.of(deed, "struck") and not harness.ledger.of(deed, "end")


def test_a_fork_keeps_every_descriptor_and_the_body_stands_there_again(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "rendezvous", value="went on")
        meeting = harness.meeting("t1")
        before = {fd: what for fd, (what, _) in fd_facts(meeting.pid).items()}
        harness.answer(meeting, "fork")
        again = harness.meeting("t1")
        assert again.pid == meeting.pid and again is not meeting
        (struck,) = harness.wait(lambda: harness.ledger.of("t1", "struck"))
        child = struck["child"]
        assert Path(f"/proc/{child}/comm").read_text() == "sleep\n"
        harness.wait(lambda: state_of(child) == "S")
        theirs = {fd: what for fd, (what, _) in fd_facts(child).items()}
        # The body closed its end of the first meeting before it forked. libuv, which is Node's
        # loop, has a pipe to itself, and every fork makes a new one.
        differs = sorted({what for fd, what in before.items() if theirs.get(fd) != what})
        assert [what.split(":")[0] for what in differs] in (["pipe", "socket"], ["socket"])
        assert any(what.startswith("socket:") for what in theirs.values())  # the pool's channel
        harness.answer(again, "go")
        assert harness.outcome("t1")["value"] == {"returned": "went on"}
        assert state_of(child) == "S"  # it outlives its parent
        os.kill(child, signal.SIGKILL)


def test_a_process_that_closes_its_descriptors_says_so_and_goes_on(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "close-fds")
        harness.wait(lambda: harness.ledger.of("t1", "end"))
        assert harness.ledger.of("t1", "struck")
        # Node's own loop cannot do without its epoll descriptor: it aborts at its next turn.
        assert harness.outcome("t1")["value"] == "SIGABRT"


def test_a_stack_that_overflows_is_an_error_that_node_throws(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "exhaust", what="stack", at_most=1)
        harness.wait(lambda: harness.ledger.of("t1", "struck"))
        assert harness.outcome("t1")["kind"] == "value", "its process tells how it ended"
        assert not harness.ledger.of("t1", "end")


def test_what_nothing_limits_is_no_strike(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "exhaust", what="files", at_most=20)
        assert harness.outcome("t1")["kind"] == "value", "its process tells how it ended"
        assert not harness.ledger.of("t1", "struck")


def test_garbage_is_written_on_the_pools_channel(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "garbage")
        harness.wait(lambda: harness.ledger.of("t1", "struck"))
        harness.wait(lambda: harness.ledger.of("t1", "end"))


def test_a_body_whose_harness_is_gone_ends_by_itself(tmp_path: Path) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.meeting("t1").conn.close()
        assert harness.outcome("t1")["value"] == 1
        harness.submit("t2", "carry", stage="encode-result", value=1)
        harness.meeting("t2", "encode-result").conn.close()
        assert harness.outcome("t2")["value"] == 1
        os.unlink(harness.rendezvous_path)
        harness.submit("t3", "rendezvous")
        assert harness.outcome("t3")["value"] == 1
        os.unlink(harness.ledger_path)
        harness.submit("t4", "echo", value=1)
        assert harness.outcome("t4")["value"] == 1
        assert harness.stderr().count("the harness is gone") == 4


@pytest.mark.parametrize("stage", ["encode-args", "encode-result"])
def test_an_encoder_meets_in_its_own_process_once(tmp_path: Path, stage: str) -> None:
    with forking(tmp_path) as harness:
        harness.open()
        harness.submit("t1", "carry", stage=stage, value=[1, "two"])
        meeting = harness.meeting("t1", stage)
        assert (meeting.pid == harness.process.pid) == (stage == "encode-args")
        assert bool(harness.ledger.of("t1", "start")) == (stage == "encode-result")
        harness.answer(meeting, "go")
        value = harness.outcome("t1")["value"]["returned"]
        assert value == ([1, "two"] if stage == "encode-args" else {"carried": [1, "two"]})
        assert len(harness.meetings) == 1


def test_an_encoder_that_is_tried_again_throws_again_and_meets_no_more(tmp_path: Path) -> None:
    twice = """
  submit(task) {
    const said = [];
    const once = () => { try { JSON.stringify(task.call); } catch (e) { said.push(e.message); } };
    once();
    once();
    return Promise.resolve(said);
  },
"""
    with toy(tmp_path, twice) as harness:
        harness.open()
        harness.submit("t1", "carry", stage="encode-args", value=1)
        harness.answer(harness.meeting("t1", "encode-args"), "throw", text="not to be read")
        assert harness.outcome("t1")["value"] == ["not to be read", "not to be read"]
        assert len(harness.meetings) == 1


def test_a_large_result_has_the_length_that_was_asked_for(tmp_path: Path) -> None:
    with toy(tmp_path, "") as harness:
        harness.open()
        harness.submit("t1", "large", bytes=10_000_000)
        harness.answer(harness.meeting("t1"), "go")
        assert harness.outcome("t1") == {"kind": "value", "value": {"length": 10_000_000}}


@pytest.mark.parametrize("character", ["\x01", "\u00e9", "\U0001f40d"])
def test_the_longest_id_in_its_widest_form_fits_a_ledger_line(
    tmp_path: Path, character: str
) -> None:
    with toy(tmp_path, "") as harness:
        harness.open()
        harness.submit(character * 64, "echo", value=None)
        assert harness.outcome(character * 64) == {"kind": "value", "value": None}
        harness.wait(lambda: len(harness.ledger.lines) == 2)
        start, end = harness.ledger.lines
        assert [start["ev"], end["ev"]] == ["start", "end"]
        assert start["task"] == end["task"] == character * 64
        assert start["pid"] == end["pid"] == harness.process.pid
        assert start["t_ns"] < end["t_ns"]
