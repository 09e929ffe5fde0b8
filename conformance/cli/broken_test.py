"""The judge is judged (L16): each broken pool is convicted of its one defect and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import cells_of, poolproof

BROKEN = [pool for pool in json.loads(poolproof("pools", "--json").stdout) if pool["broken"]]
PASSES = {"pass", "declined", "unavailable"}


def failing_parts(cell: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (part["name"], part["status"])
        for part in cell["parts"]
        if part["level"] == "must" and part["status"] not in PASSES | {"not-judged"}
    }


@pytest.mark.parametrize("pool", BROKEN, ids=[pool["name"] for pool in BROKEN])
def test_a_broken_pool_is_convicted_of_its_defect_alone(
    pool: dict[str, Any], tmp_path: Path
) -> None:
    defect = pool["defect"]
    run = poolproof("check", pool["name"], "--out", tmp_path, "--json")
    cells = cells_of(run)
    named = cells[(pool["name"], defect["scenario"])]
    assert run.returncode == 1, run.stderr
    assert named["status"] == defect["status"]
    assert failing_parts(named) == {(defect["part"], defect["status"])}
    assert named["rate"] == "3 of 3"
    for (_, scenario), cell in cells.items():
        if cell["status"] not in PASSES:
            assert failing_parts(cell) == {(defect["part"], defect["status"])}, scenario


def test_there_are_broken_pools() -> None:
    assert {pool["name"] for pool in BROKEN} >= {
        "broken/loses_task",
        "broken/hangs_on_death",
        "broken/lies_about_cause",
    }
