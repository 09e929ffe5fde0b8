"""Checks what a new user meets first: `./dev`, and the README do what they say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = ("demo", "test", "build", "format", "tidy", "fuzz", "nightly", "clean")


def dev(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "dev", *args], capture_output=True, text=True, timeout=60, check=False
    )


def test_dev_alone_explains_itself() -> None:
    said = dev()
    assert said.returncode == 0
    assert all(f"./dev {command}" in said.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    "mistake",
    [
        ("tset",),
        ("build", "relaese"),
        ("demo", "now"),
        ("test", "unit"),
        ("format", "-x"),
        ("fuzz", "long"),
        ("nightly", "--minute"),
    ],
)
def test_a_mistyped_call_gets_one_helpful_line(mistake: tuple[str, ...]) -> None:
    said = dev(*mistake)
    assert said.returncode == 2
    assert said.stdout == ""
    assert len(said.stderr.splitlines()) == 1
    assert mistake[0] in said.stderr and "./dev" in said.stderr


def test_an_unknown_command_is_answered_with_those_that_exist() -> None:
    assert all(command in dev("tset").stderr for command in COMMANDS)


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_path_that_a_page_at_the_top_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    named = set(re.findall(r"`([\w.-]+/[\w./-]*)`", prose))
    named |= set(re.findall(r"\]\((?!https?:)([^)#]+)\)", prose))
    made = {path for path in named if path.startswith(("build/", "./"))}
    made |= {path for path in named if "NAME" in path}  # stands for a file that the reader will add
    assert len(named - made) > 5
    assert not [path for path in sorted(named - made) if not (ROOT / path).exists()]


def test_the_readme_shows_the_example_that_a_test_compiles_and_runs() -> None:
    example = (ROOT / "executor/examples/first.cc").read_text(encoding="utf-8")
    shown = re.findall(r"```cpp\n(.*?)```", README, re.DOTALL)
    assert shown == [example]


def test_the_readme_and_dev_agree_on_the_commands() -> None:
    assert set(re.findall(r"\./dev (\w+)", README)) <= set(COMMANDS)
