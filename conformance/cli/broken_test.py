"""Tests the judge (L16): it convicts each broken pool of its one defect and of no other, and never
convicts the sound pool. broken_table_test.py has the whole table."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from command import HUNG, TREE, cells_of, poolproof
from leaks_shm import NAME, SHARED_MEMORY
from table import failing_parts

SOUND = TREE / "conformance" / "adapters" / "broken" / "sound.py"
BROKEN = [pool for pool in json.loads(poolproof("pools", "--json").stdout) if pool["broken"]]
NAMES = [pool["name"] for pool in BROKEN]
# One for each way in which no worker dies in a task: these concern no broken pool.
QUIET = (
    "death/all_killed_while_idle",
    "hang/deadline_ends_a_loop",
    "payload/unencodable_result",
    "shutdown/kill_while_a_task_hangs",
)
Run = CompletedProcess[str]


def doors_of(record: Path) -> dict[str, Any]:
    """What the machine's cages can do, according to the head of a record."""
    with (record / "events.ndjson").open() as lines:
        return json.loads(lines.readline())["machine"]["doors"]


def no_failure(record: Path) -> set[str]:
    """Passes; or `unavailable` if a cage shares /dev/shm with others, or has no PID namespace:
    other
        programs' names come and go there, and a process that outlives its parent cannot be
        detected."""
    doors = doors_of(record)
    whole = doors["mounts"] and doors["cage"] == "pid-namespace"
    return {"pass"} if whole else {"pass", "unavailable"}


def is_beyond_the_rights_here(cell: dict[str, Any], record: Path) -> bool:
    """Set aside because an ordinary user may not set a limit, according to the record's head."""
    denied = [kind for kind, why in doors_of(record)["no_limits"].items() if why != ""]
    return cell["status"] == "unavailable" and any(
        f"could not limit {kind}:" in cell["why"] for kind in denied
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Run]]]:
    """Each broken pool on the scenario named for it, four at once: they mostly wait."""
    folder = tmp_path_factory.mktemp("named")

    def check(pool: dict[str, Any]) -> Run:
        scenario = pool["defect"]["scenario"]
        out = folder / Path(pool["name"]).name
        return poolproof("check", pool["name"], "--scenario", scenario, "--out", out, "--json")

    with ThreadPoolExecutor(4) as threads:
        yield {pool["name"]: threads.submit(check, pool) for pool in BROKEN}
    for note in SHARED_MEMORY.glob(NAME.format(pool="*", worker="*", ns="*")):
        note.unlink()  # left in a /dev/shm that is not the cage's own


@pytest.mark.parametrize("pool", BROKEN, ids=NAMES)
def test_a_broken_pool_is_convicted_by_the_scenario_named_for_it_every_time(
    pool: dict[str, Any], runs: dict[str, Future[Run]]
) -> None:
    defect, run = pool["defect"], runs[pool["name"]].result()
    (cell,) = cells_of(run).values()
    record = Path(run.args[run.args.index("--out") + 1])
    if pool["name"] == "broken/leaks_shm" and not doors_of(record)["mounts"]:
        assert (run.returncode, cell["status"]) == (77, "unavailable"), run.stderr
        return
    assert run.returncode == 1, run.stdout + run.stderr
    status = HUNG if defect["status"] == "hang-proven" else defect["status"]
    assert cell["status"] == status
    assert failing_parts(cell) == [defect["part"]]
    assert cell["rate"] == "3 of 3"


def test_scenarios_that_concern_no_broken_pool_convict_none(tmp_path: Path) -> None:
    for scenario in QUIET:
        (tmp_path / "few" / scenario).parent.mkdir(parents=True, exist_ok=True)
        file = TREE / "scenarios" / f"{scenario}.toml"
        shutil.copyfile(file, tmp_path / "few" / f"{scenario}.toml")
    run = poolproof(
        "check", *NAMES, "--scenarios", tmp_path / "few", "--jobs", "4",
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    cells = cells_of(run)
    assert set(cells) == {(name, scenario) for name in NAMES for scenario in QUIET}
    assert {cell["status"] for cell in cells.values()} <= no_failure(tmp_path / "out"), run.stdout
    assert run.returncode == 0


def test_the_sound_pool_passes_every_scenario(tmp_path: Path) -> None:
    run = poolproof(
        "check", "--as", "sound", "--level", "should", "--jobs", "4", "--out", tmp_path, "--json",
        "--", sys.executable, SOUND,
    )  # fmt: skip
    cells = cells_of(run)
    files = (TREE / "scenarios").rglob("*.toml")
    assert {scenario for _, scenario in cells} == {
        str(file.relative_to(TREE / "scenarios").with_suffix("")) for file in files
    }
    judged = [cell for cell in cells.values() if not is_beyond_the_rights_here(cell, tmp_path)]
    assert {cell["status"] for cell in judged} <= no_failure(tmp_path), run.stdout
    assert run.returncode == 0, run.stderr


def test_there_are_ten_broken_pools() -> None:
    assert len(BROKEN) >= 10
