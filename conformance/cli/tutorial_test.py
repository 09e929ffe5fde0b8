"""The tutorial of conformance/adapters/README.md: each of its steps does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from command import BIN, PATIENCE_S, TREE

PAGE = (TREE / "conformance" / "adapters" / "README.md").read_text()
TITLE = "## Your own pool, from nothing to a matrix"
MINUTES = 10


def steps() -> list[tuple[str, int, str]]:
    """(commands, the exit status according to the page, the lines that it shows)."""
    section = PAGE.split(f"\n{TITLE}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```(?:\n+(?:\s*)```text\n(.*?)```)?", section, re.DOTALL)
    found = []
    for commands, shown in blocks:
        status = re.search(r"# exit status (\d+)", commands)
        found.append((commands, int(status[1]) if status else 0, shown))
    return found


def test_each_step_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    all_steps = steps()
    assert len(all_steps) >= 7
    path = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    for commands, status, shown in all_steps:
        run = subprocess.run(
            ["bash", "-e", "-c", commands],
            cwd=tmp_path, env={**os.environ, **path}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        said = run.stdout + run.stderr
        assert run.returncode == status, commands + said
        for line in shown.splitlines():
            # "..." stands for text that differs between machines
            pattern = ".*".join(re.escape(part) for part in line.strip().split("..."))
            assert re.search(pattern, said), f"{commands}\nshould print: {line}\n{said}"
