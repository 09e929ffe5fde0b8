"""Every test and scenario that `executor/loky.md` names exists, and no item of its lists is empty.

Reads files only; needs no build: pytest executor/tests/loky_page_test.py
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "executor/loky.md").read_text(encoding="utf-8")
REASONS = ("not here: ", "not needed: ", "not tried: ", "**Python, later**", "**Windows, later**")


def declared_in(sources: list[str]) -> set[str]:
    """`Suite.name`; of a suite with parameters `Instance/Suite.name` and `.../name of a case`."""
    found: set[str] = set()
    for text in sources:
        named = re.findall(r"\bTEST(_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", text)
        found |= {f"{suite}.{name}" for _, suite, name in named}
        for instance, suite in re.findall(r"INSTANTIATE_TEST_SUITE_P\(\s*(\w+),\s*(\w+),", text):
            cases = re.findall(r'Case\{[^{}]*"(\w+)"\}', text) or [""]
            found |= {
                f"{instance}/{suite}.{name}/{case}"
                for kind, of, name in named
                if kind == "_P" and of == suite
                for case in cases
            }
    return found


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cell: str) -> list[str]:
    quoted = re.findall(r"`([^`]+)`", cell)
    return [q for q in quoted if re.fullmatch(r"([A-Z]\w*/)?[A-Z]\w*\.[\w*/]+|[a-z]+/\w+", q)]


SOURCES = [
    path.read_text(encoding="utf-8")
    for room in ("executor", "fuzz")
    for path in sorted((ROOT / room).rglob("*_test.cc"))
]
TESTS = declared_in(SOURCES)
SCENARIOS = {
    str(path.relative_to(ROOT / "scenarios").with_suffix(""))
    for path in (ROOT / "scenarios").rglob("*.toml")
}


def exists(name: str) -> bool:
    known = SCENARIOS if re.match(r"[a-z]", name) else TESTS
    return any(fnmatch.fnmatchcase(one, name) for one in known)


def test_every_test_and_scenario_that_the_page_names_exists() -> None:
    assert len(TESTS) > 300 and len(SCENARIOS) > 30
    names = {name for row in rows() for name in named(row[-1])}
    assert len(names) > 100
    assert not sorted(name for name in names if not exists(name))


def test_a_name_that_is_misspelt_is_noticed() -> None:
    assert exists("Submit.*") and exists("Every/Struck.*/crashes") and exists("death/abort_in_task")
    for wrong in ("Submti.*", "Every/Struck.*/crashs", "death/abort_in_taks", "Submit.runs"):
        assert not exists(wrong), wrong


def test_every_row_has_a_test_or_the_reason_why_not() -> None:
    bare = [
        row
        for row in rows()
        if row[-1] not in ("tests", "here")
        and not named(row[-1])
        and not any(reason in cell for reason in REASONS for cell in row)
    ]
    assert not bare


def test_every_item_of_the_catalogue_has_a_row() -> None:
    """58 items in the sections A to G, nine in H."""
    first = [row[0] for row in rows() if re.fullmatch(r"[\dH]+(, \d+)*", row[0])]
    items = [item for cell in first for item in cell.split(", ")]
    assert {str(n) for n in range(1, 59)} | {f"H{n}" for n in range(1, 10)} == set(items)
