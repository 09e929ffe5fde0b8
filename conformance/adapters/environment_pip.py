"""An environment with one released version of a Python package: a venv of Debian's Python.

Wheels first, since to install one runs nothing of it. Where a version has none, its source is built
confined, and the wheel that comes out is installed like any other.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from confinement import Failed, Unavailable, run, run_confined, say, work_folder

PYTHON = "/usr/bin/python3"
INSTALL_S, BUILD_S = 300, 600
NEAR = 3  # versions named on either side of one that does not exist


def name() -> str:
    """What differs between environments that may not be taken for one another."""
    return run(
        [PYTHON, "-c", "import sys; print('python-%d.%d.%d' % sys.version_info[:3])"], 30
    ).strip()


def command(folder: Path, program: str) -> list[str]:
    return [str(folder / "bin/python"), program]


def make(folder: Path, package: str, version: str) -> None:
    """Fills `folder`. Throws Unavailable."""
    try:
        run([PYTHON, "-m", "venv", str(folder)], INSTALL_S)
    except (Failed, OSError) as error:
        raise Unavailable(f"no venv could be made with {PYTHON}: {error}") from error
    wanted = f"{package}=={version}"
    say(f"installing {wanted} ...")
    try:
        _install(folder, wanted)
        return
    except Failed as error:
        no_wheel = error
    if not _lacks(no_wheel, package):
        raise Unavailable(f"pip could not install {wanted}: {no_wheel}")
    say(f"{wanted} has no wheel for this Python: building it from source, confined ...")
    with work_folder() as work:
        try:
            _build(folder, work, wanted)
        except Failed as error:
            if _lacks(error, package):
                raise Unavailable(_no_such(package, version, no_wheel, error)) from error
            raise Unavailable(f"{wanted} could not be built from its source: {error}") from error
        (wheel,) = work.glob("wheels/*.whl")
        try:
            _install(folder, str(wheel))
        except Failed as error:
            raise Unavailable(f"what {wanted} needs could not be installed: {error}") from error


def _pip(folder: Path, *words: str) -> list[str]:
    python = str(folder / "bin/python")
    return [python, "-m", "pip", *words, "--disable-pip-version-check", "--no-input"]


def _install(folder: Path, what: str) -> None:
    run(_pip(folder, "install", "--only-binary", ":all:", what), INSTALL_S)


def _build(folder: Path, work: Path, wanted: str) -> None:
    pip = _pip(folder, "wheel", "--no-deps", "--no-cache-dir", "--no-binary", _project(wanted))
    run_confined(
        [*pip, "--wheel-dir", str(work / "wheels"), wanted], BUILD_S, work, _settings(folder)
    )


def _project(wanted: str) -> str:
    return wanted.partition("==")[0]


def _settings(folder: Path) -> dict[str, str]:
    """pip's settings of the user who calls, as environment: confined, there is another home."""
    found = {}
    for line in run(_pip(folder, "config", "list"), 60).splitlines():
        if match := re.fullmatch(r"(?:global|install|wheel|:env:)\.([\w-]+)='(.*)'", line):
            found["PIP_" + match[1].upper().replace("-", "_")] = match[2]
    return {
        key: value for key, value in found.items() if key not in os.environ and key != "PIP_CERT"
    }


def _lacks(failure: Failed, package: str) -> bool:
    """pip says that there is no such version of the package itself, in the form asked for."""
    return (
        re.search(
            rf"No matching distribution found for {re.escape(package)}(==|\s|$)",
            failure.output,
            re.I,
        )
        is not None
    )


def _no_such(package: str, version: str, *failures: Failed) -> str:
    known: set[str] = set()
    for failure in failures:
        for listed in re.findall(r"\(from versions: ([^)]*)\)", failure.output):
            known |= {word.strip() for word in listed.split(",")} - {"none", ""}
    if not known:
        return (
            f"pip finds no version of {package} at all; is its index within reach?"
            f" It said: {failures[-1]}"
        )
    ordered = sorted(known, key=_order)
    at = sum(_order(each) < _order(version) for each in ordered)
    near = ", ".join(ordered[max(0, at - NEAR) : at + NEAR])
    return f"there is no {package} {version}; the nearest of {len(known)} versions: {near}"


def _order(version: str) -> list[tuple[int, int, str]]:
    """Numbers by size; a pre-release before its release."""
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    found = [
        (1, int(part), "") if part.isdigit() else (2 if part == "post" else -1, 0, part)
        for part in parts
    ]
    return [*found, (0, 0, "")]
