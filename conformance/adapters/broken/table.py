"""Which scenario convicts which broken pool, and which claim was never red? Makes the README's
tables.

    python table.py VERDICTS.json ...           after `poolproof check --json` of sound and broken/*
    python table.py --foreign VERDICTS.json ... records which claims foreign pools make red

Sound is called `sound` there (`poolproof check --as sound -- python3 sound.py`).
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
FOREIGN = HERE / "foreign.json"
Cell = dict[str, Any]
Red = dict[str, dict[str, list[str]]]  # scenario, part: the pools that made it red

# Whether these are convicted is a race. For all others, every attempt gave the same result.
RACES = {
    ("loses_task", "load/burst_with_one_killer"): (
        "whether a task is left to be lost when the death comes"
    ),
}
# A false report of one of these is wrong for any pool, whatever the claim's own weight
# (../../README.md).
TESTIMONY = ("cause", "certainty", "blame")


def defects() -> dict[str, dict[str, str]]:
    pools = tomllib.loads((HERE.parent / "pools.toml").read_text())
    return {
        name.removeprefix("broken/"): entry["defect"]
        for name, entry in pools.items()
        if name.startswith("broken/")
    }


def failing_parts(cell: Cell) -> list[str]:
    """Its must parts that are red, in the judge's order."""
    if cell["weight"] != "fails":
        return []
    beside = ("pass", "not-judged", "declined", "unavailable")
    return [p["name"] for p in cell["parts"] if p["level"] == "must" and p["status"] not in beside]


def claims_of(cells: Iterable[Cell]) -> dict[str, list[str]]:
    """By scenario, everything that any pool must keep: the parts of sound's verdicts."""
    return {
        cell["scenario"]: [
            part["name"]
            for part in cell["parts"]
            if part["level"] == "must" or part["name"].rpartition(".")[2] in TESTIMONY
        ]
        for cell in cells
        if cell["pool"] == "sound"
    }


def red_of(cells: Iterable[Cell]) -> Red:
    red: Red = {}
    for cell in cells:
        for part in failing_parts(cell):
            red.setdefault(cell["scenario"], {}).setdefault(part, []).append(cell["pool"])
    return {scenario: red[scenario] for scenario in sorted(red)}


def _row(words: Iterable[str]) -> str:
    return "| " + " | ".join(words) + " |\n"


def _cell(pool: str, scenario: str, status: str) -> str:
    told = "✓" if status == "pass" else f"✗ {status}"
    if (pool, scenario) in RACES:
        told = f"✓ or ✗ {defects()[pool]['status']} ({list(RACES).index((pool, scenario)) + 1})"
    return told


def matrix(cells: list[Cell]) -> str:
    """Scenario by broken pool: the verdict of each cell."""
    status = {(cell["pool"], cell["scenario"]): cell["status"] for cell in cells}
    pools = sorted(defects())
    text = _row(["scenario", *pools]) + _row(["---"] * (len(pools) + 1))
    for scenario in sorted({cell["scenario"] for cell in cells}):
        named = [_cell(pool, scenario, status[(f"broken/{pool}", scenario)]) for pool in pools]
        text += _row([f"`{scenario}`", *named])
    races = enumerate(RACES.values(), 1)
    return text + "".join(f"\n({number}) A race: {why}.\n" for number, why in races)


def proofs(cells: list[Cell], foreign: Red) -> str:
    """What a broken pool makes red, what only a foreign one does, and what nothing has made red."""
    broken = red_of(cell for cell in cells if cell["pool"].startswith("broken/"))
    claims = claims_of(cells)
    counts = [0, 0, 0]
    text = ""
    for scenario in sorted(claims):
        shown: list[list[str]] = [[], [], []]
        for part in claims[scenario]:
            by_foreign = foreign.get(scenario, {}).get(part, [])
            if part in broken.get(scenario, {}):
                shown[0].append(part)
            elif by_foreign:
                shown[1].append(f"{part} ({by_foreign[0]})")
            else:
                shown[2].append(part)
        counts = [count + len(parts) for count, parts in zip(counts, shown, strict=True)]
        text += _row([f"`{scenario}`", *(", ".join(parts) or "-" for parts in shown)])
    head = _row(["scenario", "red by a broken pool", "red only by a foreign pool", "**unproven**"])
    total = "Of {} claims, {} were made red by a broken pool, {} only by a foreign one, {} by none."
    return f"{total.format(sum(counts), *counts)}\n\n{head}{_row(['---'] * 4)}{text}"


def page(readme: str, cells: list[Cell], foreign: Red) -> str:
    """The page with new tables."""
    for name, made in (("matrix", matrix(cells)), ("proofs", proofs(cells, foreign))):
        head, mark, rest = readme.partition(f"<!-- {name}: made by table.py -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        if not end:
            fail(f"{README}: there is no place for the table `{name}`")
        readme = f"{head}{mark}\n{made}\n{end}{tail}"
    return readme


def load(files: Iterable[str | Path]) -> list[Cell]:
    cells: list[Cell] = []
    for file in files:
        try:
            cells += json.loads(Path(file).read_text())["cells"]
        except (OSError, ValueError, KeyError) as error:
            fail(f"{file}: not what `poolproof check --json` prints: {error!r}")
    return cells


def complete(cells: list[Cell]) -> list[Cell]:
    """The same cells, if no cell of the table is missing."""
    have = {(cell["pool"], cell["scenario"]) for cell in cells}
    pools = ("sound", *(f"broken/{name}" for name in defects()))
    lacking = [f"{p} {s}" for p in pools for s in {s for _, s in have} if (p, s) not in have]
    if lacking or not cells:
        fail(f"{len(lacking)} cells lack, as {sorted(lacking)[:3]}: give the verdicts of all pools")
    return cells


def fail(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(2)


def main(words: list[str]) -> None:
    if words[:1] == ["--foreign"]:
        own = ("broken/", "sound", "reference")
        thrice = [c for c in load(words[1:]) if c["rate"].startswith("3 of 3")]
        red = red_of(c for c in thrice if not c["pool"].startswith(own))
        FOREIGN.write_text(json.dumps(red, indent=1) + "\n")
    elif words and not words[0].startswith("-"):
        foreign = json.loads(FOREIGN.read_text())
        README.write_text(page(README.read_text(), complete(load(words)), foreign))
    else:
        fail(__doc__ or "")


if __name__ == "__main__":
    main(sys.argv[1:])
