"""`poolproof sweep`: on the reference, on a pool with a known hang, interrupted and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command import COMMAND, await_that, marked, poolproof


def swept(*words: str | Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(poolproof("sweep", *words, "--json").stdout)
    if answer.get("status") == "unavailable":
        pytest.skip(answer["why"])
    return answer


def statuses(answer: dict[str, Any]) -> set[str]:
    return {point["status"] for point in answer["points"]}


@pytest.mark.parametrize("pool", ["reference", "reference_breaks"])
def test_the_reference_survives_a_kill_at_every_call_and_all_of_them_are_struck(
    pool: str, tmp_path: Path
) -> None:
    answer = swept(pool, "--workload", "lifecycle", "--effect", "kill", "--out", tmp_path)
    assert statuses(answer) == {"pass"}, [p for p in answer["points"] if p["status"] != "pass"]
    assert answer["exit"] == 0
    for moment in ("before", "torn", "after"):
        assert answer["coverage"][moment]["struck"] == answer["coverage"][moment]["recorded"] > 0
    phases = {point["phase"] for point in answer["points"]}
    assert phases >= {"spawn", "init", "fetch", "decode", "send", "recycle"}
    again = poolproof("judge", tmp_path / "events.ndjson", "--json")
    assert again.returncode == 0, "the record alone says the same"


def test_a_hang_between_the_header_and_the_body_of_a_result_is_found_and_replays(
    tmp_path: Path,
) -> None:
    answer = swept(
        "concurrent_futures_fork", "--workload", "big_results", "--effect", "kill",
        "--phase", "send", "--moment", "after", "--out", tmp_path,
    )  # fmt: skip
    proves = "hang-proven" if os.geteuid() == 0 else "hang-quiet"  # root can prove
    hung = [p for p in answer["points"] if p["status"] == proves]
    assert hung, answer["points"]
    assert all(p["at"].startswith("write:pipe#1") for p in hung)
    assert answer["exit"] == 1
    line = hung[0]["again"]
    replay = subprocess.run(
        line.replace("--repeat 10", "--repeat 2") + f" --json --out {tmp_path / 'again'}",
        shell=True, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    point = json.loads(replay.stdout)["points"][0]
    assert (point["status"], point["rate"]) == (hung[0]["status"], "2 of 2"), line


def test_a_budget_ends_a_sweep_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = ("reference", "--workload", "small_results", "--effect", "kill", "--out", tmp_path)
    first = swept(*words, "--budget", "500ms")
    assert first["left"] > 0
    assert first["exit"] == 0, "what a budget leaves is no failure"
    done = len(first["points"]) - first["left"]
    second = swept(*words)
    assert second["resumed"] == done
    assert second["left"] == 0
    assert statuses(second) <= {"pass", "vacuous"}


def test_a_killed_sweep_leaves_no_process_and_its_record_goes_on(tmp_path: Path) -> None:
    mark = f"sweep-test-{os.getpid()}"
    words = ("sweep", "reference", "--workload", "small_results", "--effect", "kill")
    started = subprocess.Popen(
        [COMMAND, *words, "--out", tmp_path], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "MARK": mark},
    )  # fmt: skip
    record = tmp_path / "events.ndjson"
    assert await_that(lambda: record.exists() and record.read_text().count('"call-struck"') > 5)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert await_that(lambda: not marked(mark), 10), marked(mark)
    answer = swept(*words[1:], "--out", tmp_path)
    assert answer["resumed"] > 0
    assert answer["left"] == 0


def test_an_interrupt_leaves_a_whole_record(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [COMMAND, "sweep", "reference", "--out", tmp_path], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    record = tmp_path / "events.ndjson"
    assert await_that(lambda: record.exists() and '"call-struck"' in record.read_text())
    started.send_signal(signal.SIGINT)
    said, _ = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "goes on" in said
    assert json.loads(record.read_text().splitlines()[-1])["kind"] == "footer"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nobody",), "there is no pool `nobody`"),
        (("reference", "--workload", "huge_results"), "there is no workload `huge_results`"),
        (("reference", "--effect", "kil"), "there is no effect `kil`"),
        (("reference", "--phase", "fetsh"), "did you mean `fetch`?"),
        (("reference", "--at", "write"), "is no call of a worker's life"),
        (("reference", "--budget", "soon"), "write --budget as in 60s"),
    ],
)
def test_a_wrong_word_is_named_with_the_mend(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    run = poolproof("sweep", *words, "--out", tmp_path)
    assert run.returncode == 2
    assert says in run.stderr


def test_the_record_of_another_run_is_never_overwritten(tmp_path: Path) -> None:
    poolproof("check", "reference", "--scenario", "payload/task_throws", "--out", tmp_path)
    before = (tmp_path / "events.ndjson").read_bytes()
    run = poolproof("sweep", "reference", "--out", tmp_path)
    assert run.returncode == 2
    assert "is no record of a sweep; choose another --out" in run.stderr
    assert (tmp_path / "events.ndjson").read_bytes() == before


def test_a_call_that_no_run_showed_is_named(tmp_path: Path) -> None:
    words = ("--workload", "lifecycle", "--at", "worker write:pipe#77 in after-1")
    run = poolproof("sweep", "reference", *words, "--out", tmp_path)
    assert run.returncode == 2
    assert "no recorded run has the call" in run.stderr
