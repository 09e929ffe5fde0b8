"""Calls the built `poolproof` command, for the tests of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TREE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("POOLPROOF_BIN", TREE / "build" / "release" / "bin"))
COMMAND = BIN / "poolproof"
PATIENCE_S = 300.0  # far longer than any call here may take; a call that reaches it hangs

try:  # only root, and not in every container, can see that no alarm is set: without this, no proof
    HUNG = "hang-proven" if Path("/proc/timer_list").read_text() else "hang-quiet"
except OSError:
    HUNG = "hang-quiet"


def poolproof(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end. Raises TimeoutExpired after PATIENCE_S."""
    return subprocess.run(
        [COMMAND, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )


def cells_of(run: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], dict[str, Any]]:
    """The cells of a `--json` answer, by (pool, scenario)."""
    return {(cell["pool"], cell["scenario"]): cell for cell in json.loads(run.stdout)["cells"]}


def marked(mark: str) -> list[str]:
    """Every live process that has the mark in its environment: ours and all that it started."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if mark.encode() not in (folder / "environ").read_bytes():
                continue
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z":
                found.append(folder.name + " " + (folder / "comm").read_text().strip())
        except OSError:
            continue  # gone, or not ours to read
    return found


def await_that(what: Callable[[], bool], within_s: float = 60) -> bool:
    limit = time.monotonic() + within_s
    while not what():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True
