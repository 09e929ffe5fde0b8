"""Installs the build, and uses it as other authors do: from separate projects in empty folders.

The installation is moved after it was made, so nothing can depend on its place. The build is the
one that contains POOLPROOF_BIN; without that, build/release. It must be complete.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
BIN = Path(os.environ.get("POOLPROOF_BIN", TREE / "build" / "release" / "bin"))
BUILD = BIN.parent
PATIENCE_S = 300.0  # far longer than any call here may take; a call that reaches it hangs


def call(*words: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    # With these two, the compiler's cache finds an object wherever the folders are.
    cache = {"CCACHE_NOHASHDIR": "1", "CCACHE_BASEDIR": str(folder.parent) if folder else ""}
    return subprocess.run(
        words, cwd=folder, env={**os.environ, **cache}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip


def made(*words: str | Path, folder: Path | None = None) -> None:
    done = call(*words, folder=folder)
    assert done.returncode == 0, f"{words}\n{done.stdout}"


def configure(
    source: Path, folder: Path, found_in: Path, *more: str
) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    return call(
        "cmake", "-S", source, "-B", folder, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={found_in}",
        *launcher, *more, folder=folder,
    )  # fmt: skip


def project(name: str, folder: Path, found_in: Path, *more: str) -> Path:
    """Builds the project adopters/NAME in `folder`, which does not exist yet, and returns it."""
    done = configure(HERE / "adopters" / name, folder, found_in, *more)
    assert done.returncode == 0, done.stdout
    made("cmake", "--build", folder, "-j", "2", folder=folder)
    return folder


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    first = tmp_path_factory.mktemp("installed") / "here"
    made("cmake", "--install", BUILD, "--prefix", first)
    return first.rename(first.parent / "moved")


@pytest.fixture(scope="module")
def caller(prefix: Path) -> Path:
    return project("caller", prefix.parent / "caller", prefix)


ALL_THAT_CALLS_PRINT = "sum 42\nthrew std::out_of_range\ndied by SIGKILL\nthen 42\n"


@pytest.mark.parametrize("program", ["with_static", "wholly_static", "with_shared"])
def test_a_program_that_links_the_executor_itself_works(caller: Path, program: str) -> None:
    assert call(caller / program).stdout == ALL_THAT_CALLS_PRINT


@pytest.mark.parametrize("way", ["through_layer", "by_dlopen"])
def test_a_program_that_reaches_it_through_a_library_alone_is_told_both_cures(
    caller: Path, way: str
) -> None:
    told = call(caller / way).stdout
    assert told.startswith("SpawnError: ")
    assert "link the program itself to poolproof::executor" in told
    assert "call poolproof::worker_entry(argc, argv) as the first line of main" in told


@pytest.mark.parametrize("way", ["through_layer_cured", "by_dlopen_cured"])
def test_worker_entry_is_the_cure(caller: Path, way: str) -> None:
    assert call(caller / way).stdout == ALL_THAT_CALLS_PRINT


def test_nothing_that_is_installed_as_text_names_the_machine(prefix: Path) -> None:
    texts = [f for f in prefix.rglob("*") if f.suffix in {".cmake", ".h", ".py", ".toml", ".js"}]
    assert len(texts) > 20
    for file in texts:
        for place in (TREE, BUILD, prefix.parent):
            assert str(place) not in file.read_text(encoding="utf-8"), file


def test_the_installed_command_knows_and_judges_what_the_built_one_does(prefix: Path) -> None:
    command = prefix / "bin" / "poolproof"
    assert call(command, "scenarios").stdout == call(BIN / "poolproof", "scenarios").stdout
    pools = json.loads(call(command, "pools", "--json").stdout)
    for pool in pools:
        for word in pool["command"]:
            assert not word.startswith("/") or Path(word).exists(), pool
        assert str(TREE) not in " ".join(pool["command"][1:]), pool
    built = json.loads(call(BIN / "poolproof", "pools", "--json").stdout)
    assert [pool["name"] for pool in pools] == [pool["name"] for pool in built]
    for pool in ("reference", "concurrent_futures_fork"):
        checked = call(
            command, "check", pool, "--scenario", "death/killed_while_running",
            "--out", prefix.parent / f"record-{pool}",
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout


def test_a_strangers_pool_passes_its_conformance_tests(prefix: Path) -> None:
    toy = project("toy_pool", prefix.parent / "toy", prefix)
    tested = call("ctest", "-L", "conformance", "-j", "2", "--output-on-failure", folder=toy)
    assert tested.returncode == 0, tested.stdout
    scenarios = json.loads(call(prefix / "bin" / "poolproof", "scenarios", "--json").stdout)
    assert f"out of {len(scenarios)}" in tested.stdout
    assert "toy/death/killed_while_running" in tested.stdout
    # The toy declares no deadlines: skipped, not passed.
    assert "toy/hang/deadline_ends_a_loop (Skipped)" in tested.stdout
    assert (toy / "poolproof/toy/death/killed_while_running/events.ndjson").exists()


def test_a_strangers_pool_fails_them_by_its_planted_defect(prefix: Path) -> None:
    toy = project("toy_pool", prefix.parent / "toy_with_defect", prefix, "-DPLANTED_DEFECT=ON")
    chosen = "death/(killed_while_running|all_killed_while_idle)$"
    tested = call("ctest", "-L", "conformance", "-R", chosen, "--output-on-failure", folder=toy)
    assert tested.returncode != 0
    assert "50% tests passed, 1 tests failed out of 2" in tested.stdout
    assert "toy/death/killed_while_running (Failed)" in tested.stdout
    assert "future t5 (victim) is open" in tested.stdout, "the evidence is shown"


def small_project(folder: Path, call_of_ours: str, language: str = "NONE") -> Path:
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.25)\nproject(theirs LANGUAGES {language})\n"
        f"enable_testing()\nfind_package(poolproof REQUIRED)\n{call_of_ours}\n"
    )
    return folder


def test_a_project_without_any_cpp_has_its_script_judged(prefix: Path, tmp_path: Path) -> None:
    source = small_project(
        tmp_path / "source",
        f"poolproof_add_conformance(NAME theirs COMMAND {sys.executable} ./adapter.py\n"
        "  SCENARIOS death/killed* TIMEOUT 60)",
    )
    adapters = prefix / "share/poolproof/adapters"
    (source / "adapter.py").write_text(
        f"import runpy, sys\nsys.path.insert(0, {str(adapters)!r})\n"
        f"runpy.run_path({str(adapters / 'concurrent_futures_fork.py')!r}, run_name='__main__')\n"
    )
    done = configure(source, tmp_path / "build", prefix)
    assert done.returncode == 0, done.stdout
    tested = call("ctest", "-L", "conformance", "--output-on-failure", folder=tmp_path / "build")
    assert tested.returncode == 0, tested.stdout
    assert "100% tests passed" in tested.stdout
    assert "theirs/death/killed_while_running" in tested.stdout


SLIPS = {
    "COMMAND ./adapter": "NAME is missing",
    "NAME mine": "COMMAND is missing",
    "NAME mine COMMAND ./adapter LEVEL most": "no LEVEL `most`; it is must, should or informs",
    "NAME mine COMMAND ./adapter SCENARIOS death/kiled_while_running": (
        "did you mean `death/killed_while_running`?"
    ),
    "NAME mine COMMAND ./adapter SCENARIOS deaths/*": "no scenario matches `deaths/*`",
    "mine NAME mine COMMAND ./adapter": "it knows no `mine`",
}


@pytest.mark.parametrize("words", SLIPS)
def test_a_slip_in_the_call_is_told_with_its_mend(words: str, tmp_path: Path) -> None:
    source = small_project(tmp_path / "source", f"poolproof_add_conformance({words})")
    done = configure(source, tmp_path / "build", BUILD)  # a build folder is found too
    assert done.returncode != 0
    assert SLIPS[words] in " ".join(done.stdout.split()), done.stdout
