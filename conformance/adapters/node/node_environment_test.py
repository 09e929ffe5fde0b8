"""An environment with any released version, made by a fake npm of these tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import environment_npm
import pytest
from confinement import Unavailable
from driver import Harness
from node_driver import HERE, LAUNCH, needs_node, needs_pools

# Installs what it is asked for, except some versions; keeps a log of how it was called.
NPM = r"""#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
[ "$1" = view ] && { echo '["5.9.9", "6.0.0", "6.0.1", "6.1.0", "7.0.0"]'; exit; }
for wanted; do :; done
name=${wanted%@*} version=${wanted##*@}
case $version in
  6.9.9) echo "npm error code ETARGET" >&2; exit 1 ;;
  8.0.0) echo "npm error code EBADENGINE"; echo 'npm error notsup Required: {"node":">=30"}'
         echo 'npm error notsup Actual:   {"node":"v20.1.0"}'; exit 1 ;;
  9.0.0) echo "npm error network is down"; exit 1 ;;
  latest) version=7.0.0 ;;
esac
mkdir -p "node_modules/$name"
echo "{\"name\": \"$name\", \"version\": \"$version\"}" > "node_modules/$name/package.json"
"""
NODE = "#!/bin/sh\necho v20.1.0\n"


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("npm", NPM), ("node", NODE)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return programs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "environment"
    made.mkdir()
    return made


def test_a_version_is_installed_without_any_script_of_its_own(played: Path, folder: Path) -> None:
    environment_npm.make(folder, "workerpool", "6.0.1")
    manifest = folder / "node_modules/workerpool/package.json"
    assert json.loads(manifest.read_text())["version"] == "6.0.1"
    (call,) = (played / "calls").read_text().splitlines()
    assert call.split()[0] == "install" and call.split()[-1] == "workerpool@6.0.1"
    assert {"--ignore-scripts", "--engine-strict"} <= set(call.split())
    started = environment_npm.command(folder, "workerpool")
    assert started == [sys.executable, LAUNCH, "workerpool", str(folder)]
    assert environment_npm.name() == "node-20.1.0"


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("6.9.9", "there is no workerpool 6.9.9; the last of 5 versions: 6.0.0, 6.0.1, 6.1.0"),
        ("8.0.0", 'needs another Node: {"node":">=30"}; here is {"node":"v20.1.0"}'),
        ("9.0.0", "network is down"),
        ("latest", "latest is no version of workerpool; it would be 7.0.0 today"),
    ],
)
def test_what_cannot_be_had_is_told_with_the_reason(
    played: Path, folder: Path, version: str, why: str
) -> None:
    with pytest.raises(Unavailable) as error:
        environment_npm.make(folder, "workerpool", version)
    assert why in str(error.value)


def test_a_machine_without_npm_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="there is no `node` on PATH"):
        environment_npm.name()


def test_the_command_makes_a_version_once_and_names_its_adapter(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOLPROOF_CACHE", str(tmp_path / "cache"))
    program = HERE.parent / "environment.py"
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, program, "npm", "workerpool", "workerpool", "6.0.1"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        *_, name, folder = json.loads(ended.stdout)["command"]
        assert name == "workerpool" and Path(folder, "node_modules/workerpool").is_dir()
        assert Path(folder).is_relative_to(tmp_path / "cache")
    assert len((played / "calls").read_text().splitlines()) == 1


@needs_node
def test_a_version_that_has_threads_only_is_refused_by_its_adapter(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "tinypool"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.7.9", "main": "index.js"}')
    (package / "index.js").write_text("module.exports = class {};\n")
    with Harness([sys.executable, LAUNCH, "tinypool", str(tmp_path)]) as harness:
        refusal = harness.wait(lambda: harness.events)[0]
        assert refusal["event"] == "refused" and "worker threads only" in refusal["why"]


@needs_pools
def test_what_is_pinned_is_what_is_installed_and_judged() -> None:
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    for name, version in pinned.items():
        assert version == locked[f"node_modules/{name}"]["version"]
        with Harness([sys.executable, LAUNCH, name.replace("-", "_")]) as harness:
            hello = harness.wait(lambda: harness.events)[0]
            assert (hello["event"], hello["version"]) == ("hello", version)
            assert harness.bye() == 0


def test_the_lock_names_no_place_and_every_package_has_a_hash() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
