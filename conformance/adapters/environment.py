"""Makes an environment with any released version of a pool, once, and says how its adapter starts.

    environment.py MAKER PACKAGE PROGRAM VERSION

MAKER is `pip` or `npm`; PROGRAM is the adapter. The harness calls it for POOL@VERSION, by the
pool's `versions` in pools.toml. The answer is one JSON object on stdout, {"command": [...]} or
{"unavailable": "why"}, with status 0. Progress is printed on stderr.

Environments are in the user's cache (POOLPROOF_CACHE, or else XDG_CACHE_HOME/poolproof), never in
the tree, and may be deleted at any time. An environment is made in a folder beside its place, under
a lock, and moved there when it is complete. So an interrupted one is never used, and the next call
removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from confinement import Unavailable, say

HERE = Path(__file__).resolve().parent
MAKERS = {"pip": HERE, "npm": HERE / "node"}
WORD = re.compile(r"[A-Za-z0-9@][A-Za-z0-9._+!/-]{0,99}")


def cache() -> Path:
    if own := os.environ.get("POOLPROOF_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "poolproof"


def maker_of(kind: str) -> ModuleType:
    """environment_KIND.py: `name`, `make` and `command`, as in environment_pip.py."""
    sys.path.append(str(MAKERS[kind]))
    return importlib.import_module(f"environment_{kind}")


def environment(kind: str, package: str, version: str) -> Path:
    """The folder of the environment, which is made if it does not exist."""
    maker = maker_of(kind)
    shelf = cache() / kind / str(maker.name())
    label = re.sub(r"[^A-Za-z0-9._+-]", "_", f"{package}-{version}")
    place = shelf / label
    shelf.mkdir(parents=True, exist_ok=True)
    with locked(shelf / f"{label}.lock", f"{package} {version}"):
        half = shelf / f"{label}.half"
        shutil.rmtree(half, ignore_errors=True)
        if place.is_dir():
            return place
        half.mkdir()
        try:
            maker.make(half, package, version)
            half.rename(place)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return place


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    with open(path, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another call is making {what}: waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def answer(kind: str, package: str, program: str, version: str) -> dict[str, object]:
    if not WORD.fullmatch(version) or ".." in version or "/" in version:
        return {"unavailable": f"{version!r} is no version; try one like 3.0.0"}
    try:
        folder = environment(kind, package, version)
    except Unavailable as why:
        return {"unavailable": str(why)}
    except OSError as error:
        return {"unavailable": f"no environment can be made under {cache()}: {error}"}
    return {"command": maker_of(kind).command(folder, program)}


def main(arguments: list[str]) -> int:
    if len(arguments) != 4 or arguments[0] not in MAKERS or not WORD.fullmatch(arguments[1]):
        print("usage: environment.py pip|npm PACKAGE PROGRAM VERSION", file=sys.stderr)
        return 2
    # If we are told to end, we end what we have started, and leave nothing incomplete.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        print(json.dumps(answer(*arguments)))
    except KeyboardInterrupt:
        say("interrupted; nothing was kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
