"""For the tests beside it: adapters for Node, registered ones and ones of a few lines."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from driver import Harness

HERE = Path(__file__).resolve().parent
LAUNCH = str(HERE / "launch.py")

# Only if these are really absent may the tests that need them be skipped.
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no `node` on PATH")
needs_pools = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules").is_dir(),
    reason="the pools for Node are not installed; ./dev build does it",
)


def pool(name: str) -> Harness:
    return Harness([sys.executable, LAUNCH, name])


def toy(folder: Path, make: str, before: str = "") -> Harness:
    """An adapter of a package that `folder` then has; `make` is the body of its object."""
    package = folder / "node_modules" / "toy"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "toy", "version": "1.2.3"}))
    (package / "index.js").write_text("module.exports = {};\n")
    program = folder / "toy.js"
    program.write_text(
        f"""
const kit = require({json.dumps(str(HERE / "kit.js"))});
const bodies = {json.dumps(str(HERE / "bodies.js"))};
const BASE = {{
  pool: 'toy', capabilities: ['cancel', 'close_drain'], recovers: 'replaces', table: [],
  longestWait: [0, 'nothing waits'],
  open() {{}}, close() {{}}, cancel() {{}},
  submit(task) {{ return require(bodies).run(task.call); }},
}};
{before}
kit.serve('toy', (module, version) => ({{ ...BASE, {make} }}));
"""
    )
    return Harness([sys.executable, LAUNCH, str(program), str(folder)])
