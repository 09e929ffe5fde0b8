"""`explain` and `replay`: what is claimed, and whether a recorded verdict is still the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command import TREE, poolproof

SEGFAULT = "death/segfault_in_task"
RUN = f"broken/lies_about_cause:{SEGFAULT}"
NAMES = [each["name"] for each in json.loads(poolproof("scenarios", "--json").stdout)]


# -- explain -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_scenario_is_explained_in_all_its_parts(name: str) -> None:
    run = poolproof("explain", name, "--json")
    assert run.returncode == 0, run.stderr
    (said,) = json.loads(run.stdout)
    head = (TREE / "scenarios" / f"{name}.toml").read_text()
    assert said["why"] and said["why"].split()[0] in head.splitlines()[0]
    assert said["claim"] in head and all(see in head for see in said["see"])
    assert said["needs"] and all("protocol.md" not in need["meaning"] for need in said["needs"])
    assert len(said["steps"]) >= 5 and not any(step.startswith("`") for step in said["steps"])
    assert said["expect"] and all(part["level"] for part in said["expect"])
    assert len(said["advice"]) >= 2


def test_an_explanation_tells_pools_apart_by_how_they_recover() -> None:
    said = poolproof("explain", "death/killed_while_running").stdout
    assert "worker-lost  (a pool that replaces)" in said
    assert "worker-lost or pool-broken  (a pool that breaks, recreate)" in said
    assert "victim.cause (should): signal:KILL" in said
    for heading in ("Why", "Where it was seen", "What is done", "How a pool can meet it", "Try it"):
        assert f"\n{heading}\n" in said


# -- replay ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a conviction; the file of its scenario has been removed since."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "scenarios" / "death").mkdir(parents=True)
    shutil.copy(TREE / "scenarios" / f"{SEGFAULT}.toml", folder / "scenarios" / "death")
    run = poolproof(
        "check", "broken/lies_about_cause", "--out", folder,
        "--scenarios", folder / "scenarios", "--repeat", "1", "--jobs", "2",
    )  # fmt: skip
    assert run.returncode == 1, run.stdout + run.stderr
    shutil.rmtree(folder / "scenarios")
    return folder


def test_the_recorded_plan_is_run_again_and_the_verdict_is_the_same(recorded: Path) -> None:
    run = poolproof("replay", RUN, "--out", recorded, "--repeat", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "The same verdict as recorded: wrong-error in 2 attempts." in run.stdout

    plans = [
        json.loads(line)["plan"]
        for file in (recorded / "events.ndjson", recorded / "replay" / "events.ndjson")
        for line in file.read_text().splitlines()
        if '"kind":"plan"' in line and f'"run":"{RUN}"' in line
    ]
    assert len(plans) == 3 and plans[0] == plans[1] == plans[2]


def test_another_verdict_is_told_with_its_evidence_and_exit_1(
    recorded: Path, tmp_path: Path
) -> None:
    # The same pool without its defect: as if it had been fixed since.
    text = (recorded / "events.ndjson").read_text()
    corrected = tmp_path / "corrected.ndjson"
    corrected.write_text(text.replace("broken/lies_about_cause.py", "broken/sound.py"))
    words = ["replay", str(corrected), RUN, "--out", str(tmp_path), "--repeat", "1"]
    run = poolproof(*words, "--json")
    assert run.returncode == 1, run.stdout + run.stderr
    said = json.loads(run.stdout)
    assert (said["recorded"]["status"], said["replayed"]["status"]) == ("wrong-error", "pass")
    assert said["same"] is False
    text = poolproof(*words).stdout
    assert "Another verdict: recorded is wrong-error, and now pass in 1 attempt." in text


def test_an_adapter_that_is_gone_is_inconclusive(recorded: Path, tmp_path: Path) -> None:
    text = (recorded / "events.ndjson").read_text()
    gone = tmp_path / "gone.ndjson"
    gone.write_text(text.replace("broken/lies_about_cause.py", "broken/gone.py"))
    run = poolproof("replay", gone, RUN, "--out", tmp_path)
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 1 and "cannot be spoken to" in run.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["replay", "lies"], "POOL:SCENARIO"),
        (["replay", "broken/lies_about_cuase:death/segfault_in_task"], RUN),
        (["replay", "no/events.ndjson", RUN], "--out"),
        (["replay"], "--help"),
        (["replay", RUN, "--repaet", "2"], "--repeat"),
        (["explain"], "--help"),
        (["explain", "death/segfault_in_tsak"], SEGFAULT),
        (["explain", "nowhere/*"], "scenarios"),
    ],
)
def test_a_slip_gets_one_helpful_line_and_exit_2(
    recorded: Path, words: list[str], meant: str
) -> None:
    run = poolproof(*words, *(["--out", str(recorded)] if words[0] == "replay" else []))
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and meant in run.stderr


def test_what_was_never_run_cannot_be_run_again(tmp_path: Path) -> None:
    name = "shutdown/kill_while_a_task_hangs"
    run = poolproof("check", "concurrent_futures_fork", "--scenario", name, "--out", tmp_path)
    assert run.returncode == 77, run.stdout
    again = poolproof("replay", f"concurrent_futures_fork:{name}", "--out", tmp_path)
    assert again.returncode == 2 and "declined" in again.stderr
