"""The table of scenarios by broken pools is up to date, and (nightly) correct.

POOLPROOF_NIGHTLY=1 runs the whole table again, which takes some minutes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import table
from command import HUNG, TREE, poolproof

README = table.README.read_text()
FOREIGN = json.loads(table.FOREIGN.read_text())
SCENARIOS = sorted(
    str(file.relative_to(TREE / "scenarios").with_suffix(""))
    for file in (TREE / "scenarios").rglob("*.toml")
)
MAKE_ANEW = f"make it anew: POOLPROOF_NIGHTLY=1 pytest {Path(__file__).name} says how"
NIGHTLY = "POOLPROOF_NIGHTLY" in os.environ


def rows_of(name: str) -> list[list[str]]:
    text = README.split(f"<!-- {name}: made by table.py -->")[1].split("<!-- end -->")[0]
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[word.strip() for word in line.strip("|").split("|")] for line in lines]


def test_the_table_has_every_scenario_and_every_broken_pool() -> None:
    head, *rows = rows_of("matrix")
    assert head[1:] == sorted(table.defects()), MAKE_ANEW
    assert [row[0].strip("`") for row in rows] == SCENARIOS, MAKE_ANEW


def test_each_column_has_the_one_status_of_its_pool_and_has_it_in_the_named_row() -> None:
    head, *rows = rows_of("matrix")
    for column, name in enumerate(head[1:], 1):
        defect = table.defects()[name]
        red = f"✗ {defect['status']}"
        told = {row[0].strip("`"): row[column] for row in rows}
        assert told[defect["scenario"]] == red, MAKE_ANEW
        for scenario, word in told.items():
            assert word in ("✓", red) or (name, scenario) in table.RACES, MAKE_ANEW


def test_each_claim_stands_in_one_column_and_what_foreign_pools_make_red_is_a_claim() -> None:
    rows = {row[0].strip("`"): row[1:] for row in rows_of("proofs")[1:]}
    assert list(rows) == SCENARIOS, MAKE_ANEW
    claims = {}
    for scenario, columns in rows.items():
        parts = [part.split(" ")[0] for text in columns for part in text.split(", ") if part != "-"]
        assert len(parts) == len(set(parts))
        claims[scenario] = set(parts)
    for scenario, parts in FOREIGN.items():
        assert set(parts) <= claims[scenario], MAKE_ANEW


@pytest.mark.skipif(not NIGHTLY, reason="it takes minutes: POOLPROOF_NIGHTLY=1 runs it")
def test_the_whole_table_says_what_is_so(tmp_path: Path) -> None:
    sound = ["--as", "sound", "--", sys.executable, str(table.HERE / "sound.py")]
    cells = []
    for words in (sound, *([f"broken/{name}"] for name in table.defects())):
        options = ["--repeat", "1", "--jobs", "4", "--out", str(tmp_path / "record"), "--json"]
        run = poolproof("check", *options, *words)
        (tmp_path / "verdicts.json").write_text(run.stdout)
        cells += table.load([tmp_path / "verdicts.json"])
        with (tmp_path / "record" / "events.ndjson").open() as lines:
            doors = json.loads(lines.readline())["machine"]["doors"]
        if (doors["cage"], doors["mounts"]) != ("pid-namespace", True):
            pytest.skip(f"the table is that of a machine with all doors open: {doors['why']}")
        if HUNG != "hang-proven":
            pytest.skip("the table is that of a machine where a hang can be proved: by root")
    (tmp_path / "verdicts.json").write_text(json.dumps({"cells": cells}))
    how = f"python {table.HERE.name}/table.py {tmp_path}/verdicts.json, then look at the diff"
    assert table.page(README, cells, FOREIGN).splitlines() == README.splitlines(), how
