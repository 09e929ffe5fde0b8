"""Records of earlier releases get the verdicts today that their own release gave them."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from command import TREE, poolproof

RECORDS = TREE / "conformance" / "judge" / "records"
RELEASES = sorted(file.name.removesuffix(".ndjson.xz") for file in RECORDS.glob("*.ndjson.xz"))


@pytest.mark.parametrize("release", RELEASES)
def test_an_old_record_is_judged_as_it_was(release: str, tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(lzma.decompress((RECORDS / f"{release}.ndjson.xz").read_bytes()))
    run = poolproof("judge", events, "--json")
    assert run.returncode == 1, run.stderr  # it has convictions
    now = [
        {
            "pool": cell["pool"],
            "scenario": cell["scenario"],
            "status": cell["status"],
            "parts": {part["name"]: part["status"] for part in cell["parts"]},
        }
        for cell in json.loads(run.stdout)["cells"]
    ]
    assert now == json.loads((RECORDS / f"{release}.verdicts.json").read_text())


def test_there_are_old_records() -> None:
    assert "0.3" in RELEASES
