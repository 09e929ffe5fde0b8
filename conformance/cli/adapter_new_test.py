"""`adapter new`: the files that it writes run at once, pass `adapter test`, and are judged."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from command import BIN, TREE, cells_of, poolproof

NEW = Path(__file__).resolve().parent / "new"
ADAPTERS = TREE / "conformance" / "adapters"
LANGUAGES = ["python", "cpp"]


def made(folder: Path, language: str, name: str) -> Path:
    run = poolproof("adapter", "new", "--lang", language, name, cwd=folder)
    assert run.returncode == 0, run.stderr
    assert f"Made {name}/:" in run.stdout and "adapter test -- " in run.stdout
    return folder / name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_files_are_those_of_the_tree_with_the_name_and_the_places_filled_in(
    tmp_path: Path, language: str
) -> None:
    folder = made(tmp_path, language, "our_pool")
    templates = {file.name: file.read_text() for file in (NEW / language).iterdir()}
    assert {file.name for file in folder.iterdir()} == {
        name.replace("my_pool", "our_pool") for name in templates
    }
    for name, text in templates.items():
        written = (folder / name.replace("my_pool", "our_pool")).read_text()
        expected = text.replace("my_pool", "our_pool").replace("/poolproof/kit", str(ADAPTERS))
        assert written == expected.replace("/poolproof/prefix", str(BIN.parent))


def judged(adapter: list[str | Path], out: Path) -> None:
    test = poolproof("adapter", "test", *adapter)
    assert test.returncode == 0, test.stdout + test.stderr
    run = poolproof(
        "check", "--scenario", "death/*", "--jobs", "3", "--out", out, "--json", "--", *adapter
    )
    statuses = {scenario: cell["status"] for (_, scenario), cell in cells_of(run).items()}
    assert run.returncode == 0, statuses
    assert list(statuses.values()).count("pass") >= 5


def test_a_new_adapter_in_python_runs_at_once(tmp_path: Path) -> None:
    folder = made(tmp_path, "python", "our_pool")
    judged(["/usr/bin/python3", folder / "our_pool.py"], tmp_path / "out")


def test_a_new_adapter_in_cpp_builds_and_runs_at_once(tmp_path: Path) -> None:
    folder = made(tmp_path, "cpp", "our_pool")
    build = str(folder / "build")
    for words in (["-G", "Ninja", "-S", str(folder), "-B", build],
                  ["--build", build]):  # fmt: skip
        built = subprocess.run(["cmake", *words], capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout + built.stderr
    judged([folder / "build" / "our_pool_adapter"], tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--lang", "pyhton", "our_pool"], "`python`"),
        (["--lang", "rust", "our_pool"], "python or cpp"),
        (["our_pool"], "--lang"),
        (["--lang", "python"], "name"),
        (["--lang", "python", "Our-Pool"], "my_pool"),
        (["--lang", "python", "../our_pool"], "my_pool"),
        (["--lang", "python", ""], "my_pool"),
        (["--lang", "python", "queue"], "queue_pool"),
        (["--lang", "python", "there"], "there already"),
    ],
)
def test_a_slip_gets_one_helpful_line_and_writes_nothing(
    tmp_path: Path, words: list[str], meant: str
) -> None:
    (tmp_path / "there").write_text("mine")
    run = poolproof("adapter", "new", *words, cwd=tmp_path)
    assert run.returncode == 2
    assert run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and meant in run.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_text() == "mine"
