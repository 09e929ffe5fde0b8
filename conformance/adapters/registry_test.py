"""The registry names every adapter there is, and each of its commands starts one."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
import schemas
from driver import HERE, Harness

POOLS = tomllib.loads((HERE / "pools.toml").read_text())
NODE = [name for name in POOLS if "{adapters}/node/launch.py" in POOLS[name]["command"]]
PYTHON = [name for name in POOLS if "{python}" in POOLS[name]["command"] and name not in NODE]


def command_of(name: str) -> list[str]:
    places = {"{python}": sys.executable, "{adapters}": str(HERE)}
    words = POOLS[name]["command"]
    for place, path in places.items():
        words = [word.replace(place, path) for word in words]
    return words


def test_an_entry_says_what_the_pool_is_and_how_to_get_it() -> None:
    for name, entry in POOLS.items():
        assert re.fullmatch(r"(broken/)?[a-z0-9_]+", name)
        assert set(entry) - {"versions"} == {"command", "about", "install"} | (
            {"defect"} if name.startswith("broken/") else set()
        )
        assert entry["about"].endswith(".") and entry["install"]


def test_every_adapter_has_an_entry() -> None:
    programs = {
        str(path.relative_to(HERE))
        for path in HERE.rglob("*.py")
        if "\n    kit.serve(" in path.read_text()
    }
    registered = {POOLS[name]["command"][1].removeprefix("{adapters}/") for name in PYTHON}
    # The broken pools are made from the sound pool; it is not in the registry, because no user has
    # it.
    assert programs - {"broken/sound.py"} == registered
    assert len(registered) == len(PYTHON) >= 5
    assert POOLS["reference"]["command"] == ["{bin}/reference_adapter"]
    assert POOLS["reference_breaks"]["command"] == ["{bin}/reference_adapter", "breaks"]


def test_every_adapter_for_node_has_an_entry_and_any_version_of_its_package() -> None:
    programs = {
        path.stem for path in (HERE / "node").glob("*.js") if "\nkit.serve(" in path.read_text()
    }
    assert programs == set(NODE) and len(NODE) >= 3
    pinned = json.loads((HERE / "node/package.json").read_text())["dependencies"]
    for name in NODE:
        entry = POOLS[name]
        assert entry["command"] == ["{python}", "{adapters}/node/launch.py", name]
        maker, kind, package, program = entry["versions"][1:]
        assert (maker, kind, program) == ("{adapters}/environment.py", "npm", name)
        assert package in pinned and package in entry["install"]
        assert len((HERE / f"node/{name}.js").read_text().splitlines()) <= 120


def test_a_pool_of_a_python_package_is_pinned_and_can_be_had_in_any_version() -> None:
    lock = (HERE.parents[1] / ".python.lock").read_text()
    made = {name for name in PYTHON if "versions" in POOLS[name]}
    assert made >= {"billiard", "joblib", "loky", "loky_reusable", "mpire", "pebble"}
    for name in made:
        entry = POOLS[name]
        maker, kind, package, program = entry["versions"][1:]
        assert (maker, kind) == ("{adapters}/environment.py", "pip")
        assert program == entry["command"][1]
        assert entry["install"] == f"pip install {package}" and f"\n{package}==" in lock


def test_a_defect_names_a_scenario_a_part_and_a_status_of_the_judge() -> None:
    broken = [name for name in POOLS if name.startswith("broken/")]
    assert len(broken) >= 10
    words = tomllib.loads((HERE.parent / "protocol" / "words.toml").read_text())
    for name in broken:
        defect = POOLS[name]["defect"]
        assert set(defect) == {"scenario", "part", "status"}
        assert (HERE.parents[1] / "scenarios" / f"{defect['scenario']}.toml").exists()
        assert defect["status"] in words["statuses"]["words"]
        role, _, what = defect["part"].partition(".")
        if defect["part"] not in ("run-once", "after", "close", "leftovers"):
            assert role in ("victim", "bystander") and what in ("outcome", "cause", "blame")


@pytest.mark.parametrize("name", PYTHON)
def test_a_command_starts_an_adapter_that_says_hello_and_goes_when_told(name: str) -> None:
    with Harness(command_of(name)) as harness:
        hello = harness.wait(lambda: harness.events)[0]
        assert hello["event"] == "hello"
        assert set(hello) == set(schemas.load("event/hello")["properties"])
        assert hello["pool"] == name or not name.startswith("broken/")
        assert harness.bye() == 0
        assert harness.stderr() == ""


def test_an_adapter_is_short() -> None:
    for name in PYTHON:
        lines = Path(command_of(name)[1]).read_text().splitlines()
        assert len(lines) <= 120, f"{name}: an adapter translates, and no more"


def test_the_readmes_example_is_an_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    (tmp_path / "my_adapter.py").write_text(example)
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    with Harness([sys.executable, str(tmp_path / "my_adapter.py")]) as harness:
        harness.open(workers=1)
        harness.submit("runs", "rendezvous", value=7)
        harness.submit("waits", "echo", value=8)
        meeting = harness.meeting("runs")
        harness.send(cmd="cancel", id="waits")
        assert harness.outcome("waits")["kind"] == "cancelled"
        harness.answer(meeting, "go")
        assert harness.outcome("runs") == {"kind": "value", "value": 7}
        harness.submit("throws", "rendezvous")
        harness.answer(harness.meeting("throws"), "throw", text="thrown")
        assert harness.outcome("throws")["kind"] == "task-error"
        harness.close("cancel")
        assert harness.bye() == 0
