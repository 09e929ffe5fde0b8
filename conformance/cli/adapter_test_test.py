"""`adapter test`: correct adapters pass; each broken rule is named, with what to do instead."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from command import BIN, TREE, poolproof

ADAPTERS = TREE / "conformance" / "adapters"
PYTHON = "/usr/bin/python3"

# The sound pool's adapter; each test breaks it in one way.
SOUND = f"""
import sys
sys.path[:0] = [{str(ADAPTERS)!r}, {str(ADAPTERS / "broken")!r}]
import kit
import os
import sound
Pool = sound.Sound
"""


def spoken_with(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    (folder / "toy.py").write_text(script)
    return poolproof("adapter", "test", PYTHON, folder / "toy.py")


# A language that decodes by itself, and a pool whose workers have sockets for stdin and stdout.
NODE = pytest.param(
    [PYTHON, ADAPTERS / "node" / "launch.py", "tinypool"],
    marks=pytest.mark.skipif(
        shutil.which("node") is None or not (ADAPTERS / "node" / "node_modules").is_dir(),
        reason="the pools for Node are not installed; ./dev build does it",
    ),
)


@pytest.mark.parametrize(
    "command",
    [
        [BIN / "reference_adapter"],
        [PYTHON, "-u", ADAPTERS / "concurrent_futures_fork.py"],
        [PYTHON, ADAPTERS / "multiprocessing_pool.py"],
        ["--", PYTHON, ADAPTERS / "broken" / "sound.py"],
        NODE,
    ],
    ids=["reference", "concurrent_futures_fork", "multiprocessing_pool", "sound", "tinypool"],
)
def test_a_sound_adapter_passes(command: list[str | Path]) -> None:
    run = poolproof("adapter", "test", *command)
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(run.stdout.splitlines()) == 1 and "nothing is wrong" in run.stdout


SPOILT = {
    "line on fd 0": ("os.dup2(kit._LINE, 0)", "fd 0 is still the line"),
    "line on fd 1": ("os.dup2(kit._LINE, 1)", "fd 1 of the worker"),
    "no CLOEXEC": ("os.set_inheritable(kit._LINE, True)", "a socket without CLOEXEC"),
    "stdout lost": ("os.dup2(0, 1)", "fd 1 is `/dev/null`"),
    "no version": ("Pool.version = ''", "`version` of `hello` is empty"),
    "capability twice": (
        "Pool.capabilities = (*Pool.capabilities, 'cancel')",
        '`capabilities` names "cancel" twice',
    ),
    "unknown capability": ("Pool.capabilities = ('flies',)", "it may hold worker_processes"),
    "two lines": ("kit._encode = lambda message, old=kit._encode: old(message) * 2", "one line"),
    "no newline": (
        "kit._encode = lambda message, old=kit._encode: old(message).strip()",
        "does not end with a newline",
    ),
    "settled twice": (
        """
def twice(task, outcome, old=kit.settle):
    old(task, outcome)
    old(task, outcome)
kit.settle = twice""",
        "was settled twice",
    ),
    "of nobody": (
        """
def more(task, outcome, old=kit.settle):
    old("nobody", outcome)
    old(task, outcome)
kit.settle = more""",
        'names the task "nobody", which was never submitted',
    ),
    "unmapped": (
        "Pool.outcome = lambda self, error: kit.outcome_of(error, ())",
        "came out as `unmapped`: the adapter's table does not know",
    ),
    "another value": (
        """
def longer(task, outcome, old=kit.settle):
    old(task, {**outcome, "value": [outcome["value"]]} if "value" in outcome else outcome)
kit.settle = longer""",
        'its outcome is {"kind": "value", "value": 7}',
    ),
    "value of an error": (
        """
def odd(task, outcome, old=kit.settle):
    old(task, {**outcome, "value": 1, "kind": "task-error"})
kit.settle = odd""",
        'an outcome of kind "task-error" has a `value`',
    ),
    "exit status": ("import atexit; atexit.register(os._exit, 3)", '{"code":3}'),
    "initializes nobody": (
        "Pool.open = lambda self, n, initializer=None, old=Pool.open, **more: old(self, n, **more)",
        "had written no `init` to the ledger",
    ),
    "replaces nobody": (
        "Pool.open = lambda self, n, tasks_per_worker=0, o=Pool.open, **more: o(self, n, **more)",
        "with `tasks_per_worker` 1 a process ran more than one task",
    ),
    "cannot resize": ("del Pool.resize", "was refused: AttributeError"),
    "dies": (
        "Pool.open = lambda self, workers: (os.write(2, b'alas'), os._exit(4))",
        "ended with exit status 4; last on stderr: alas",
    ),
    "struck by nothing": (
        "import bodies; bodies.exhaust = lambda what, at_most: RuntimeError('no more')",
        "`struck` is written only when it was refused",
    ),
    "no rubbish": (
        """
import bodies
def silent(place, event, *more, old=bodies._write_ledger):
    if event != "struck":
        old(place, event, *more)
bodies._write_ledger = silent""",
        "then rubbish on its pool's pipes",
    ),
    "refuses to open": ("Pool.open = None", "was refused: TypeError"),
}


@pytest.mark.parametrize(("spoil", "told"), SPOILT.values(), ids=SPOILT)
def test_a_broken_rule_is_named_with_what_to_do_instead(
    tmp_path: Path, spoil: str, told: str
) -> None:
    run = spoken_with(tmp_path, f"{SOUND}\n{spoil}\nkit.serve(Pool())\n")
    assert run.returncode == 1, run.stdout + run.stderr
    findings = [line for line in run.stdout.splitlines() if line.startswith("\u2717 ")]
    assert any(told in line for line in findings), run.stdout
    assert all("; instead: " in line for line in findings)


def test_a_pool_that_runs_tasks_in_its_own_process_cannot_claim_worker_processes(
    tmp_path: Path,
) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ADAPTERS)!r})
import kit
from concurrent.futures import ThreadPoolExecutor
class Threads:
    pool, version, recovers, longest_wait = "threads", "1", "replaces", (0, "nothing waits")
    capabilities = ("worker_processes", "close_drain")
    def open(self, workers): self.executor = ThreadPoolExecutor(workers)
    def outcome(self, error): return kit.outcome_of(error, ((kit.is_a(Exception),
                                                              {{"kind": "task-error"}}),))
    def submit(self, task):
        def ending(future):
            error = future.exception()
            task.done(self.outcome(error) if error else kit.value(future.result()))
        self.executor.submit(kit.run, task.call).add_done_callback(ending)
    def cancel(self, task_id): pass
    def close(self, how): self.executor.shutdown()
kit.serve(Threads())
"""
    run = spoken_with(tmp_path, script)
    assert run.returncode == 1
    assert "ran in the adapter's own process; instead: " in run.stdout


def test_what_is_no_adapter_at_all_is_told_once(tmp_path: Path) -> None:
    run = spoken_with(tmp_path, "print('good morning')")
    assert run.returncode == 1
    assert "a message is wrong" in run.stdout and "good morning" in run.stdout
    run = spoken_with(tmp_path, "import sys; sys.exit('no such pool')")
    assert run.returncode == 1
    (finding, _) = run.stdout.splitlines()
    assert "ended with exit status 1; last on stderr: no such pool" in finding


def test_what_speaks_and_ends_before_the_cage_has_said_a_word_is_told_like_any_other() -> None:
    runs = [poolproof("adapter", "test", "/bin/echo", "good morning") for _ in range(30)]
    assert {run.returncode for run in runs} == {1}, [run.stderr for run in runs]
    assert all("a message is wrong" in run.stdout for run in runs)


def test_a_pool_that_is_not_here_is_no_finding(tmp_path: Path) -> None:
    script = SOUND + "with kit.installed('toy'):\n    import no_such_module\n"
    run = spoken_with(tmp_path, script)
    assert run.returncode == 3
    assert "cannot be driven here" in run.stdout and "no_such_module" in run.stdout


def test_findings_speak_json(tmp_path: Path) -> None:
    (tmp_path / "toy.py").write_text(f"{SOUND}\nPool.version = ''\nkit.serve(Pool())\n")
    run = poolproof("adapter", "test", "--json", "--", PYTHON, tmp_path / "toy.py")
    said = json.loads(run.stdout)
    assert said["exit"] == run.returncode == 1
    assert [set(finding) for finding in said["findings"]] == [{"where", "what", "instead"}]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["adapter"], "adapter --help"),
        (["adapter", "tset"], "adapter test"),
        (["adapter", "test"], "./my_adapter"),
        (["adapter", "test", "--jsn", "/bin/true"], "--json"),
        (["adapter", "test", "/usr/bin/pyton3"], "/usr/bin/python3"),
    ],
)
def test_a_slip_gets_one_helpful_line_and_exit_2(words: list[str], meant: str) -> None:
    run = poolproof(*words)
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and meant in run.stderr
