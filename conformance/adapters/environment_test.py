"""Environments are made once and completely, from wheels or from a source that is built confined.

No network: the packages are made here, and pip is told to look in one folder only.
"""

from __future__ import annotations

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import confinement
import environment_pip
import pytest
from driver import HERE

LIMIT_S = 120.0
NAME = "poolproof_toy"
MODULE = "import sys; version = '{version}'; print(version, sys.prefix)\n"

PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

# The build system of the toy's source: it is in the source itself, and needs no other package.
BACKEND = """
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
{first}
from wheel_of_toy import write_wheel
def build_wheel(folder, settings=None, metadata=None):
    seen = f"uid = {{os.getuid()}}; pids = {{sum(e.isdigit() for e in os.listdir('/proc'))}}"
    return write_wheel(folder, {version!r}, seen)
"""


def write_wheel(folder: str | Path, version: str, more: str = "") -> str:
    """A wheel of one module; also what the toy's own build system calls."""
    name, info = f"{NAME}-{version}-py3-none-any.whl", f"{NAME}-{version}.dist-info"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr(f"{NAME}.py", MODULE.format(version=version) + more)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return name


def write_source(folder: Path, version: str, first: str = "") -> None:
    wheel_of_toy = "import zipfile\nfrom pathlib import Path\n" + (
        f"NAME = {NAME!r}\nMODULE = {MODULE!r}\n" + inspect.getsource(write_wheel)
    )
    files = {
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND.format(version=version, first=first),
        "wheel_of_toy.py": wheel_of_toy,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
    }
    with tarfile.open(folder / f"{NAME}-{version}.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{NAME}-{version}/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, BytesIO(text.encode()))


class Place:
    """A cache of its own, and a folder of packages that pip may look in."""

    def __init__(self, folder: Path):
        self.cache, self.packages = folder / "cache", folder / "packages"
        self.packages.mkdir(mode=0o755)
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PIP_")},
            "POOLPROOF_CACHE": str(self.cache),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.packages),
        }

    def start(self, version: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "environment.py"), "pip", NAME, "/an/adapter.py"]
        return subprocess.Popen(
            [*command, version],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A background job of a shell has it ignored, and so would everything that it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def answer(self, version: str) -> dict[str, Any]:
        process = self.start(version)
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, err
        return json.loads(out)

    def kept(self) -> list[str]:
        """What is in the cache, without locks."""
        return sorted(p.name for p in self.cache.glob("pip/*/*") if p.suffix != ".lock")


@pytest.fixture
def place() -> Iterator[Place]:
    # Not pytest's own folder: an ordinary user who builds a package must be able to read here.
    folder = Path(tempfile.mkdtemp(prefix="poolproof-test-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield Place(folder)
    shutil.rmtree(folder)


def what_is_imported(command: list[str]) -> str:
    assert command[1] == "/an/adapter.py"
    ran = subprocess.run(
        [command[0], "-c", f"import {NAME}"], capture_output=True, text=True, check=True
    )
    return ran.stdout


def wait_for(done: Callable[[], Any]) -> Any:
    until = time.monotonic() + LIMIT_S
    while not (result := done()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return result


def test_a_version_is_brought_once_for_all_who_ask_and_is_that_version(place: Place) -> None:
    for version in ("1.0", "1.1", "2.0"):
        write_wheel(place.packages, version)
    first, second = place.start("1.1"), place.start("1.1")
    told = [process.communicate(timeout=LIMIT_S) for process in (first, second)]
    assert told[0][0] == told[1][0]
    command = json.loads(told[0][0])["command"]
    assert what_is_imported(command).startswith("1.1 ")
    assert "installing" in told[0][1] + told[1][1]
    assert (told[0][1] + told[1][1]).count("installing") == 1
    assert place.kept() == [f"{NAME}-1.1"]
    shutil.rmtree(place.packages)  # from here on, nothing can be installed
    assert place.answer("1.1") == {"command": command}


def test_a_version_that_does_not_exist_is_answered_with_the_nearest(place: Place) -> None:
    for version in ("1.0", "1.9", "1.10", "2.0b1", "2.0", "3.0"):
        write_wheel(place.packages, version)
    why = place.answer("1.11")["unavailable"]
    assert f"no {NAME} 1.11" in why and "1.0, 1.9, 1.10, 2.0" in why
    assert place.kept() == []


def test_a_package_of_which_there_is_no_version_is_told_so(place: Place) -> None:
    assert f"no version of {NAME} at all" in place.answer("1.0")["unavailable"]
    assert place.kept() == []


@pytest.mark.parametrize("version", ["../x", "1 0", "", "-r", "1.0;x"])
def test_what_is_no_version_is_answered_at_once(place: Place, version: str) -> None:
    assert "is no version" in place.answer(version)["unavailable"]
    assert not place.cache.exists()


def test_a_source_is_built_by_an_ordinary_user_who_sees_no_process_of_ours(place: Place) -> None:
    write_source(place.packages, "1.0")
    command = place.answer("1.0")["command"]
    code = f"import {NAME} as toy; print(toy.uid, toy.pids)"
    seen = subprocess.run(
        [command[0], "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    uid, pids = map(int, seen.split())
    assert uid == (65534 if os.getuid() == 0 else os.getuid())
    alone = ["unshare", *(["--user"] if os.getuid() else []), "--pid", "--fork", "true"]
    if subprocess.run(alone, capture_output=True).returncode == 0:
        assert pids < 10


def test_a_build_that_fails_says_how_and_nothing_is_kept(place: Place) -> None:
    write_source(place.packages, "1.0", first="raise ValueError('no compiler in this house')")
    why = place.answer("1.0")["unavailable"]
    assert "could not be built" in why and "no compiler in this house" in why
    assert place.kept() == []


def test_what_is_interrupted_leaves_nothing_half_and_can_be_made_later(place: Place) -> None:
    # A build that never ends, and its mark.
    mark = place.packages / "mark"
    mark.mkdir(mode=0o777)
    mark.chmod(0o777)
    sleeps = f"import time; open('{mark}/building', 'w').close(); time.sleep(3600)"
    write_source(place.packages, "1.0", first=sleeps)
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        making = place.start("1.0")
        wait_for((mark / "building").exists)
        making.send_signal(number)
        making.communicate(timeout=LIMIT_S)
        assert making.returncode == status
        assert place.kept() == []
        wait_for(lambda: not builders(place))
        (mark / "building").unlink()
    making = place.start("1.0")
    wait_for((mark / "building").exists)
    making.kill()  # nothing of it can clean up now; the next call does
    making.communicate(timeout=LIMIT_S)
    work = Path(os.readlink(f"/proc/{builders(place)[0]}/cwd"))
    for pid in builders(place):
        os.kill(pid, signal.SIGKILL)
    (place.packages / f"{NAME}-1.0.tar.gz").unlink()
    write_wheel(place.packages, "1.0")
    assert what_is_imported(place.answer("1.0")["command"]).startswith("1.0 ")
    assert place.kept() == [f"{NAME}-1.0"]
    shutil.rmtree(work)  # no process was left to remove it


def builders(place: Place) -> list[int]:
    """The processes that were told where the packages of this test are."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(place.packages).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_work_folder_is_gone_whatever_happens_in_it() -> None:
    with pytest.raises(ValueError), confinement.work_folder() as work:
        (work / "home" / "file").write_text("left behind")
        raise ValueError
    assert not work.exists()


def test_what_outlives_its_limit_is_ended_with_all_that_it_started() -> None:
    with pytest.raises(confinement.Failed, match="longer than 1 s") as failed:
        confinement.run(["sh", "-c", "echo so far; sleep 3600 & echo $!; wait"], 1)
    said, pid = failed.value.output.split("\n")[:2]
    assert said == "so far"
    wait_for(lambda: not Path(f"/proc/{pid}").exists())


def test_python_orders_its_versions() -> None:
    ordered = ["1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.9", "1.10", "2"]
    assert sorted(reversed(ordered), key=environment_pip._order) == ordered


def test_wrong_words_are_told_how_it_is_called() -> None:
    ran = subprocess.run(
        [sys.executable, HERE / "environment.py", "pip"], capture_output=True, text=True
    )
    assert ran.returncode == 2 and ran.stdout == "" and "MAKER" not in ran.stderr
    assert ran.stderr.startswith("usage: environment.py pip|npm PACKAGE PROGRAM VERSION")
