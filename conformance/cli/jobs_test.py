"""Several cells at once, commands that are not registered, and pools that are not installed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from command import COMMAND, TREE, await_that, cells_of, marked, poolproof

ADAPTERS = TREE / "conformance" / "adapters"
FORK = ["/usr/bin/python3", str(ADAPTERS / "concurrent_futures_fork.py")]
HANGS = ["/usr/bin/python3", str(ADAPTERS / "broken" / "hangs_on_death.py")]
SEGFAULT = "death/segfault_in_task"


def record_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.ndjson").read_text().splitlines()]


# -- --jobs ------------------------------------------------------------------------------------


def test_four_at_once_come_to_the_verdicts_of_one_in_the_same_order(tmp_path: Path) -> None:
    def verdicts(jobs: int) -> list[tuple[str, ...]]:
        run = poolproof(
            "check", "reference", "broken/lies_about_cause", "concurrent_futures_fork",
            "--scenario", "death/*killed_while*", "--jobs", str(jobs), "--json",
            "--out", tmp_path / str(jobs),
        )  # fmt: skip
        cells = json.loads(run.stdout)["cells"]
        return [(cell["pool"], cell["scenario"], cell["status"], cell["rate"]) for cell in cells]

    one, four = verdicts(1), verdicts(4)
    assert one == four
    assert {pool for pool, *_ in one} == {
        "reference", "broken/lies_about_cause", "concurrent_futures_fork",
    }  # fmt: skip
    assert any(status == "wrong-error" for _, _, status, _ in one)


def test_the_record_of_several_at_once_is_one_sequence_in_which_attempts_interleave(
    tmp_path: Path,
) -> None:
    # Each of them hangs for some seconds, so three cells certainly run together.
    run = poolproof(
        "check", "broken/hangs_on_death", "--scenario", "death/*ed*", "--repeat", "1",
        "--jobs", "3", "--out", tmp_path, "--json",
    )  # fmt: skip
    events = record_of(tmp_path)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    attempts = [(e["run"], e["attempt"]) for e in events if "attempt" in e]
    changes = sum(a != b for a, b in pairwise(attempts))
    assert changes > len(set(attempts))  # each in one piece would change once less than there are
    assert set(Counter(e["run"] for e in events if e["kind"] == "plan").values()) == {1}
    again = poolproof("judge", tmp_path / "events.ndjson", "--json")
    assert json.loads(again.stdout)["cells"] == json.loads(run.stdout)["cells"]
    factors = [event["factor"] for event in events if event["kind"] == "plan"]
    assert min(factors) >= max(1.0, 3 / (os.cpu_count() or 1))  # we ourselves make the machine busy


def test_ctrl_c_ends_all_that_run_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    mark = os.urandom(16).hex()
    run = subprocess.Popen(
        [COMMAND, "check", "broken/hangs_on_death", "reference", "--scenario", "death/*",
         "--jobs", "3", "--out", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "POOLPROOF_TEST_MARK": mark}, start_new_session=True,
    )  # fmt: skip
    record = tmp_path / "events.ndjson"
    assert await_that(lambda: record.exists() and record.read_text().count('"kind":"cage"') >= 3)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, out + err
    assert "partial" in out
    assert await_that(lambda: not marked(mark), 2), marked(mark)
    events = record_of(tmp_path)
    assert events[-1]["kind"] == "footer"
    begun = {event["run"] for event in events if event["kind"] == "plan"}
    assert begun == {event["run"] for event in events if event["kind"] == "ended"}


# -- check -- COMMAND --------------------------------------------------------------------------


def test_any_command_is_judged_beside_a_known_pool_and_named_by_its_file(tmp_path: Path) -> None:
    run = poolproof(
        "check", "reference", "--scenario", SEGFAULT, "--out", tmp_path, "--json", "--", *FORK
    )
    cells = cells_of(run)
    assert run.returncode == 0, run.stdout + run.stderr
    assert list(cells) == [("reference", SEGFAULT), ("concurrent_futures_fork", SEGFAULT)]


def test_a_conviction_of_a_command_prints_how_to_repeat_it(tmp_path: Path) -> None:
    words = ["--scenario", SEGFAULT, "--repeat", "1", "--out", str(tmp_path), "--as", "my pool"]
    run = poolproof("check", *words, "--", *HANGS)
    assert run.returncode == 1, run.stdout + run.stderr
    assert (
        f"check --scenario {SEGFAULT} --repeat 3 --as 'my pool' -- {' '.join(HANGS)}" in run.stdout
    )
    run = poolproof("check", *words[:-2], "--", *HANGS)
    assert f"--repeat 3 -- {' '.join(HANGS)}\n" in run.stdout


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["check", "--"], "-- ./my_adapter"),
        (["check", "--", "/usr/bin/pyton3"], "/usr/bin/python3"),
        (["check", "--", "no-such-program-at-all"], "in PATH"),
        (["check", "--", str(ADAPTERS / "pools.toml")], "executable"),
        (["check", "--as", "x"], "--"),
        (["check", "reference", "--as", "reference", "--", "/bin/true"], "--as"),
        (["check", "reference", "--jobs", "0"], "--help"),
        (["pools", "--", "/bin/true"], "check"),
        (["check", "reference@1.2"], "without @1.2"),
        (["check", "concurrent-futures-fork@1.2"], "without @1.2"),  # a hyphen as in a package
    ],
)
def test_a_slip_in_a_command_gets_one_helpful_line_and_exit_2(words: list[str], meant: str) -> None:
    run = poolproof(*words)
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and meant in run.stderr


# -- pools that are not there ------------------------------------------------------------------

REFUSES = """
import json, socket
line = socket.socket(fileno=0)
line.send(json.dumps({"event": "refused", "cmd": "hello", "why": "no module named toy"}).encode())
"""

# Prints what it is asked for, and fails for one version.
MAKER = """
import json, sys
version = sys.argv[-1]
print("making", version, file=sys.stderr)
if version == "fails":
    sys.exit(4)
print(json.dumps({"unavailable": f"nobody has {version}"} if version == "9.9" else
                 {"command": COMMAND}))
"""


def toys(folder: Path) -> Path:
    (folder / "refuses.py").write_text(REFUSES)
    (folder / "maker.py").write_text(MAKER.replace("COMMAND", repr(FORK)))
    file = folder / "pools.toml"
    file.write_text(
        f'[toy]\ncommand = ["/usr/bin/python3", "{folder}/refuses.py"]\nabout = "a test\'s"\n'
        f'install = "pip install toy"\nversions = ["/usr/bin/python3", "{folder}/maker.py"]\n'
    )
    return file


def test_a_pool_that_is_not_installed_is_unavailable_and_says_how_to_install_it(
    tmp_path: Path,
) -> None:
    words = ["--pools", str(toys(tmp_path)), "--scenario", "death/*", "--out", str(tmp_path)]
    run = poolproof("check", "toy", *words, "--json")
    cells = cells_of(run)
    assert run.returncode == 77, run.stdout + run.stderr
    assert len(cells) >= 5 and {cell["status"] for cell in cells.values()} == {"unavailable"}
    for cell in cells.values():
        assert cell["why"] == "no module named toy; to install it: pip install toy"


def test_versions_of_a_pool_stand_beside_each_other_and_one_that_cannot_be_had_is_unavailable(
    tmp_path: Path,
) -> None:
    words = ["--pools", str(toys(tmp_path)), "--scenario", SEGFAULT, "--out", str(tmp_path)]
    run = poolproof("check", "toy@1.0", "toy@9.9", "toy", "toy@2.0", *words, "--json")
    assert "making 1.0" in run.stderr
    cells = cells_of(run)
    assert run.returncode == 0, run.stdout + run.stderr
    assert {pool: cell["status"] for (pool, _), cell in cells.items()} == {
        "toy@1.0": "pass", "toy@9.9": "unavailable", "toy": "unavailable", "toy@2.0": "pass",
    }  # fmt: skip
    assert cells[("toy@9.9", SEGFAULT)]["why"] == "nobody has 9.9"

    failed = poolproof("check", "toy@fails", *words)
    assert failed.returncode == 3
    assert "exit status 4" in failed.stdout
    slip = poolproof("check", "toy@--x", *words)
    assert slip.returncode == 2 and "toy@1.2.3" in slip.stderr
