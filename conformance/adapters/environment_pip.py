"""An environment with one released version of a Python package: a venv of Debian's Python.

Wheels are preferred, because installing one runs none of its code. If a version has no wheel, its
source is built confined, and the resulting wheel is installed like any other.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from confinement import Failed, Unavailable, run, run_confined, say, work_folder

PYTHON = "/usr/bin/python3"
PIP = "/usr/share/python-wheels"  # Debian's pip, which `python3 -m venv` copies
INSTALL_S, BUILD_S = 300, 600
NEAR = 3  # versions that are named before and after one that does not exist


def name() -> str:
    """What distinguishes environments that must not be mixed up."""
    return run(
        [PYTHON, "-c", "import sys; print('python-%d.%d.%d' % sys.version_info[:3])"], 30
    ).strip()


def command(folder: Path, program: str) -> list[str]:
    return [str(folder / "bin/python"), program]


def make(folder: Path, package: str, version: str) -> None:
    """Fills `folder`. Throws Unavailable."""
    try:
        run([PYTHON, "-m", "venv", "--without-pip", str(folder)], INSTALL_S)
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
            _build(work, wanted)
        except Failed as error:
            if _lacks(error, package):
                raise Unavailable(_no_such(package, version, no_wheel, error)) from error
            raise Unavailable(f"{wanted} could not be built from its source: {error}") from error
        (wheel,) = work.glob("wheels/*.whl")
        try:
            _install(folder, str(wheel))
        except Failed as error:
            raise Unavailable(f"what {wanted} needs could not be installed: {error}") from error


def _pip(python: str | Path, *words: str) -> list[str]:
    """pip, run by this Python, which need not have its own."""
    wheels = sorted(Path(PIP).glob("pip-*.whl"))
    own = importlib.util.find_spec("pip")
    if wheels:
        pip = wheels[-1] / "pip"
    elif own is not None and own.origin is not None:
        pip = Path(own.origin).parent
    else:
        raise Unavailable("there is no pip here; Debian: apt install python3-venv")
    return [str(python), str(pip), *words, "--disable-pip-version-check", "--no-input"]


def _install(folder: Path, what: str) -> None:
    run(_pip(folder / "bin/python", "install", "--only-binary", ":all:", what), INSTALL_S)


def _build(work: Path, wanted: str) -> None:
    # Not with the environment's Python: perhaps only its owner can read it.
    words = ("wheel", "--no-deps", "--no-cache-dir", "--no-binary", _project(wanted))
    pip = _pip(PYTHON, *words, "--wheel-dir", str(work / "wheels"), wanted)
    run_confined(pip, BUILD_S, work, _settings())


def _project(wanted: str) -> str:
    return wanted.partition("==")[0]


def _settings() -> dict[str, str]:
    """The calling user's settings of pip, as environment: a confined program has another home."""
    found = {}
    for line in run(_pip(PYTHON, "config", "list"), 60).splitlines():
        if match := re.fullmatch(r"(?:global|install|wheel)\.([\w-]+)='(.*)'", line):
            found["PIP_" + match[1].upper().replace("-", "_")] = match[2]
    return found


def _lacks(failure: Failed, package: str) -> bool:
    """pip says that the package itself has no such version in the requested form."""
    words = rf"No matching distribution found for {re.escape(package)}(==|\s|$)"
    return re.search(words, failure.output, re.IGNORECASE) is not None


def _no_such(package: str, version: str, *failures: Failed) -> str:
    known: set[str] = set()
    for failure in failures:
        needs = re.search(rf"[ :]{re.escape(version)} Requires-Python ([^;\n]+)", failure.output)
        if needs:
            return f"{package} {version} needs another Python: {needs[1].strip()}; here is {name()}"
        for listed in re.findall(r"\(from versions: ([^)]*)\)", failure.output):
            known |= {word.strip() for word in listed.split(",")} - {"none", ""}
    if not known:
        retries = [line for line in failures[0].output.splitlines() if "Retrying" in line]
        said = f" pip said: {retries[-1]}" if retries else ""
        return f"pip finds no version of {package} at all; is its index within reach?{said}"
    ordered = sorted(known, key=_order)
    at = sum(_order(each) < _order(version) for each in ordered)
    near = ", ".join(ordered[max(0, at - NEAR) : at + NEAR])
    return f"there is no {package} {version}; the nearest of {len(known)} versions: {near}"


def _order(version: str) -> list[tuple[int, int, str]]:
    """Sorts by numbers; a pre-release comes before its release, and a development release before
    that.
    """
    ranks = {"post": 1}
    return [
        (2, int(part), "") if part.isdigit() else (ranks.get(part, -1), 0, part)
        for part in re.findall(r"\d+|[a-z]+", version.lower())
    ] + [(0, 0, "")]
