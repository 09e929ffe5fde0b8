"""The command as users see it: what it prints, how it exits, what it never leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from command import COMMAND, HUNG, TREE, await_that, cells_of, marked, poolproof

ADAPTERS = TREE / "conformance" / "adapters"
SEGFAULT = "death/segfault_in_task"


def pools_file(folder: Path, script: str) -> Path:
    """A registry with the one pool `toy`, whose adapter is this Python text."""
    (folder / "toy.py").write_text(script)
    file = folder / "pools.toml"
    command = f'command = ["/usr/bin/python3", "{folder}/toy.py"]'
    file.write_text(f'[toy]\n{command}\nabout = "a test\'s"\n')
    return file


def check_toy(folder: Path, script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return poolproof(
        "check", "toy", "--pools", pools_file(folder, script), "--scenario", SEGFAULT,
        "--out", folder / "out", *words,
    )  # fmt: skip


# -- a run, its record, and judging it again ---------------------------------------------------


def test_a_record_is_judged_again_as_it_was_and_a_cut_one_is_called_cut_off(tmp_path: Path) -> None:
    run = poolproof("check", "reference", "--scenario", "death/*", "--out", tmp_path, "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    again = poolproof("judge", tmp_path / "events.ndjson", "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["cells"] == json.loads(run.stdout)["cells"]

    whole = (tmp_path / "events.ndjson").read_bytes()
    half = tmp_path / "half.ndjson"
    half.write_bytes(whole[: len(whole) // 2])
    cut = poolproof("judge", half)
    assert cut.returncode == 3
    assert "cut off" in cut.stdout


def test_a_pool_that_hangs_is_convicted_three_of_three_with_the_evidence(tmp_path: Path) -> None:
    name = "death/killed_while_running"
    run = poolproof(
        "check", "multiprocessing_pool", "--scenario", name, "--repeat", "3", "--out", tmp_path
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert HUNG in run.stdout and "3 of 3" in run.stdout
    assert HUNG == "hang-quiet" or "that it can never end" in run.stdout
    assert "KILL" in run.stdout  # how the worker died
    assert f"check multiprocessing_pool --scenario {name}" in run.stdout  # the replay line


def test_the_lists_speak_json() -> None:
    pools = json.loads(poolproof("pools", "--json").stdout)
    assert pools[0]["name"] == "reference"
    scenarios = json.loads(poolproof("scenarios", "--json").stdout)
    assert len(scenarios) >= 10 and all(scenario["see"] for scenario in scenarios)


def test_several_patterns_choose_what_any_of_them_matches() -> None:
    words = ("--scenario", "memory/*", "--scenario", "payload/task_throws", "--json")
    chosen = [each["name"] for each in json.loads(poolproof("scenarios", *words).stdout)]
    assert "payload/task_throws" in chosen
    assert {name.split("/")[0] for name in chosen} == {"memory", "payload"}
    slip = poolproof("scenarios", "--scenario", "memory/*", "--scenario", "payload/task_throw")
    assert slip.returncode == 2
    assert "did you mean `payload/task_throws`?" in slip.stderr


def test_a_pattern_that_matches_nothing_exits_3(tmp_path: Path) -> None:
    run = poolproof("check", "reference", "--scenario", "nowhere/*", "--out", tmp_path)
    assert run.returncode == 3
    assert "nowhere/*" in run.stdout


def test_what_a_pool_does_late_about_a_death_it_does_without_what_is_denied(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, "{ADAPTERS / "broken"}")
import sound
import kit, threading, time
from sound_pool import SoundPool

class LateAndHelpless(SoundPool):
    def on_death(self, worker):
        threading.Thread(target=self.clear_up, daemon=True).start()

    def clear_up(self):
        time.sleep(0.1)  # long after the outcomes were told
        try:
            [open("/dev/null") for _ in range(64)]
        except OSError:
            for _ in range(4):
                threading.Thread(target=threading.Event().wait, daemon=True).start()

kit.serve(sound.Sound("late", LateAndHelpless))
"""
    name = "resources/no_descriptor_for_a_replacement"
    pools = pools_file(tmp_path, script)
    run = poolproof("check", "toy", "--pools", pools, "--scenario", name, "--out", tmp_path)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "leak (3 of 3)" in run.stdout, run.stdout


# -- slips of the fingers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["chekc", "reference"], "check"),
        (["check", "refrence"], "reference"),
        (["check", "reference", "--scenario", "death/segfault_in_tsak"], SEGFAULT),
        (["check", "reference", "--scenaro", "death/*"], "--scenario"),
        (["check", "reference", "--level", "most"], "must"),
        (["check", "reference", "--repeat", "none"], "--help"),
        (["judge", "nowhere.ndjson"], "check --out"),
        (["check", "reference", "--out", "/dev/null/x"], "--out"),
        (["judge"], "--help"),
        ([], "--help"),
    ],
)
def test_a_slip_gets_one_helpful_line_and_exit_2(words: list[str], meant: str) -> None:
    run = poolproof(*words)
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and meant in run.stderr


def test_a_malformed_scenario_names_the_place_and_the_mend(tmp_path: Path) -> None:
    (tmp_path / "death").mkdir()
    (tmp_path / "death" / "bad.toml").write_text(
        'claim = "x"\nsee = ["a test"]\ntask.victim = { body = "ecko" }\n'
    )
    run = poolproof("check", "reference", "--scenarios", tmp_path, "--out", tmp_path / "out")
    assert run.returncode == 2
    assert "bad.toml:3:" in run.stderr and "echo" in run.stderr


def test_a_fault_that_does_not_strike_is_vacuous_never_a_pass(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios" / "death"
    folder.mkdir(parents=True)
    text = (TREE / "scenarios" / "death" / "killed_while_running.toml").read_text()
    never = text.replace('do = "kill"', 'do = "kill", nth = 2')  # the body comes there once
    assert never != text
    (folder / "never.toml").write_text(never)
    run = poolproof(
        "check", "reference", "--scenarios", tmp_path / "scenarios", "--out", tmp_path, "--json"
    )
    assert run.returncode == 3, run.stdout + run.stderr
    assert cells_of(run)[("reference", "death/never")]["status"] == "vacuous"


def test_bystanders_stand_still_until_the_strike_has_its_receipt(tmp_path: Path) -> None:
    (tmp_path / "scenarios" / "death").mkdir(parents=True)
    text = (TREE / "scenarios" / "death" / "killed_while_running.toml").read_text()
    ignored = text.replace('do = "kill"', 'do = "signal:TERM"')  # by this pool: no receipt comes
    assert ignored != text
    (tmp_path / "scenarios" / "death" / "ignored.toml").write_text(ignored)
    script = f"""
import runpy, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.path.insert(0, {str(ADAPTERS)!r})
sys.argv = [{str(ADAPTERS / "concurrent_futures_fork.py")!r}]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    poolproof(
        "check", "toy", "--pools", pools_file(tmp_path, script), "--repeat", "1",
        "--scenarios", tmp_path / "scenarios", "--out", tmp_path,
    )  # fmt: skip
    events = [json.loads(line) for line in (tmp_path / "events.ndjson").read_text().splitlines()]
    bystanders = {
        task["id"]
        for event in events
        if event["kind"] == "plan"
        for task in event["plan"]["tasks"]
        if task["role"] == "bystander"
    }
    told = next(event["t_ns"] for event in events if event["kind"] == "told")
    let_go = [
        event["t_ns"]
        for event in events
        if event["kind"] == "answered" and event["task"] in bystanders
    ]
    assert let_go and min(let_go) - told >= 4e9  # no body continues before the wait for it is over


# -- adapters that are no adapters -------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("import sys; print('rubbish'); sys.stderr.write('the last words\\n')", "no message"),
        ("import sys, time; sys.stderr.write('the last words\\n'); time.sleep(600)", "hello"),
        ("import sys; sys.stderr.write('the last words\\n'); sys.exit(4)", "ended"),
        ("raise RuntimeError('the last words')", "ended"),
    ],
    ids=["garbage", "silent", "dies", "throws"],
)
def test_an_adapter_that_is_none_is_a_harness_error_with_its_last_words(
    tmp_path: Path, script: str, told: str
) -> None:
    run = check_toy(tmp_path, script)
    assert run.returncode == 3, run.stdout + run.stderr
    assert "harness-error" in run.stdout and "toy" in run.stdout
    assert told in run.stdout and "the last words" in run.stdout


def test_an_adapter_that_dies_between_hello_and_open_is_a_harness_error(tmp_path: Path) -> None:
    script = """
import json, os, socket, sys
line = socket.socket(fileno=0)
hello = {"event": "hello", "protocol": 1, "pool": "toy", "version": "1", "language": "python",
    "recovers": "breaks", "capabilities": ["worker_processes", "close_drain"]}
line.send(json.dumps(hello).encode() + b"\\n")
if b"bye" in line.recv(65536):
    os._exit(0)
sys.stderr.write("the last words\\n")
os._exit(5)
"""
    run = check_toy(tmp_path, script)
    assert run.returncode == 3, run.stdout + run.stderr
    assert "harness-error" in run.stdout and "the last words" in run.stdout


def test_an_adapter_that_floods_stderr_is_judged_as_usual(tmp_path: Path) -> None:
    script = f"""
import os, runpy, sys
sys.path.insert(0, {str(ADAPTERS)!r})
os.write(2, b"noise " * 1_000_000)
sys.argv = [{str(ADAPTERS / "concurrent_futures_fork.py")!r}]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    run = check_toy(tmp_path, script, "--json")
    cell = cells_of(run)[("toy", SEGFAULT)]
    assert cell["status"] == "pass", run.stdout


def test_an_adapter_that_breaks_the_rules_while_tasks_still_meet_ends_in_order(
    tmp_path: Path,
) -> None:
    # After the refusal, bystanders still come to their rendezvous while the attempt is cleared.
    script = f"""
import sys
sys.path[:0] = [{str(ADAPTERS)!r}, {str(ADAPTERS / "broken")!r}]
import kit
import sound
settle = kit.settle
def refuse(task_id, outcome):
    if outcome["kind"] != "value":
        kit.emit("refused", cmd="submit", id=task_id, why="a test")
    else:
        settle(task_id, outcome)
kit.settle = refuse
kit.serve(sound.Sound())
"""
    run = check_toy(tmp_path, script)
    assert run.returncode == 3, run.stdout + run.stderr
    assert "harness-error" in run.stdout and "refused `submit`: a test" in run.stdout


def test_an_adapter_that_closes_its_line_and_lives_on_is_a_harness_error(tmp_path: Path) -> None:
    script = """
import json, os, socket, time
line = socket.socket(fileno=os.dup(0))
hello = {"event": "hello", "protocol": 1, "pool": "toy", "version": "1", "language": "python",
    "recovers": "breaks", "capabilities": ["worker_processes", "close_drain"]}
line.send(json.dumps(hello).encode() + b"\\n")
if b"bye" in line.recv(65536):
    os._exit(0)
line.send(b'{"event": "opened"}\\n')
for fd in (0, 1, line.fileno()):
    os.close(fd)
time.sleep(600)
"""
    run = check_toy(tmp_path, script)
    assert run.returncode == 3, run.stdout + run.stderr
    assert "closed its line" in run.stdout


# -- interrupted, killed -----------------------------------------------------------------------


def begun_check(folder: Path, mark: str) -> subprocess.Popen[str]:
    """A check in its own process group, with an adapter and its workers inside a cage."""
    run = subprocess.Popen(
        [COMMAND, "check", "multiprocessing_pool", "reference", "--scenario", "death/*",
         "--out", folder],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "POOLPROOF_TEST_MARK": mark}, start_new_session=True,
    )  # fmt: skip
    record = folder / "events.ndjson"
    assert await_that(lambda: record.exists() and '"kind":"told"' in record.read_text(), 60)
    assert len(marked(mark)) >= 4  # the command, a guard, a keeper, an adapter
    return run


def test_ctrl_c_exits_130_with_the_partial_matrix_and_leaves_nothing(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    run = begun_check(tmp_path, mark)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, out + err
    assert "partial" in out
    assert await_that(lambda: not marked(mark), 2), marked(mark)
    judged = poolproof("judge", tmp_path / "events.ndjson")  # the footer is there
    assert "cut off:" not in judged.stdout
    assert judged.returncode == 3


def test_sigkill_of_the_command_leaves_nothing_after_two_seconds(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    run = begun_check(tmp_path, mark)
    run.kill()
    run.communicate(timeout=60)
    assert await_that(lambda: not marked(mark), 2), marked(mark)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
