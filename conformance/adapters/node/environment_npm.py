"""A folder with one released version of a package for Node, as npm installs it.

No script of any package runs, so nothing needs to be confined. npm itself decides whether a version
can run on this Node, by what the package says it needs (`engines`).
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

from confinement import Failed, Unavailable, run, say

LAUNCH = Path(__file__).resolve().parent / "launch.py"
INSTALL_S, LOOK_UP_S = 300, 60
NAMED = 6  # versions that are named if one does not exist
HOW = ["--ignore-scripts", "--engine-strict", "--save-exact", "--no-audit", "--no-fund"]


def name() -> str:
    """What distinguishes environments that must not be mixed up."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Unavailable(f"there is no `{program}` on PATH; Debian: apt install nodejs npm")
    return "node-" + run(["node", "--version"], LOOK_UP_S).strip().removeprefix("v")


def command(folder: Path, program: str) -> list[str]:
    return [sys.executable, str(LAUNCH), program, str(folder)]


def make(folder: Path, package: str, version: str) -> None:
    """Fills `folder`. Throws Unavailable."""
    wanted = f"{package}@{version}"
    (folder / "package.json").write_text('{"private": true}\n')
    say(f"installing {wanted} ...")
    try:
        run(["npm", "install", *HOW, wanted], INSTALL_S, folder)
    except Failed as failure:
        raise Unavailable(_why(package, version, failure)) from failure
    manifest = folder / "node_modules" / package / "package.json"
    got = json.loads(manifest.read_text())["version"]
    if got != version:  # a range or a tag: npm accepts them, but their meaning changes
        raise Unavailable(f"{version} is no version of {package}; it would be {got} today")


def _why(package: str, version: str, failure: Failed) -> str:
    if "ETARGET" in failure.output:
        return f"there is no {package} {version}; {_known(package, version)}"
    if "EBADENGINE" in failure.output:
        needs = re.search(r"Required: *(.*)", failure.output)
        has = re.search(r"Actual: *(.*)", failure.output)
        words = [found[1] if found else "(npm does not say)" for found in (needs, has)]
        return f"{package} {version} needs another Node: {words[0]}; here is {words[1]}"
    return f"npm could not install {package}@{version}: {failure}"


def _known(package: str, version: str) -> str:
    """The last released versions: of the same major number, if there are any."""
    try:
        versions = json.loads(run(["npm", "view", package, "versions", "--json"], LOOK_UP_S))
    except (Failed, ValueError) as error:
        return f"which there are npm could not tell: {error}"
    major = version.partition(".")[0] + "."
    alike = [each for each in versions if each.startswith(major)]
    return f"the last of {len(versions)} versions: {', '.join((alike or versions)[-NAMED:])}"
