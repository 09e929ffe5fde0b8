"""Runs programs of other authors for a limited time, and confined if possible.

Confined means: as an ordinary user if we are root, in a separate process namespace if the machine
allows one, with an environment that contains only what it needs, and in a work folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

NOBODY = 65534
LAST_LINES = 8
LAST_BREATH_S = 5.0  # for killed processes to disappear

# What an ordinary client of a package registry may learn from its environment.
PASSED_ON = ("PIP_", "NPM_CONFIG_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class Unavailable(Exception):
    """There will be no environment; the text says why, and what to do."""


class Failed(Exception):
    """A program failed; `output` is what it printed."""

    def __init__(self, what: str, output: str):
        super().__init__(f"{what}\n{last_lines(output)}".strip())
        self.output = output


def say(text: str) -> None:
    """Tells the waiting user what is happening; stdout is for the answer only."""
    print(text, file=sys.stderr, flush=True)


def last_lines(text: str) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-LAST_LINES:])


def run(
    argv: list[str],
    limit_s: int,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Returns what it printed, both streams together. Throws Failed if it fails or exceeds its
    limit.

        It has its own session, which ends with it.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=env,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        _end(process)
        output, _ = process.communicate()
        raise Failed(
            f"`{_name(argv)}` was ended: it took longer than {limit_s} s", output
        ) from None
    except BaseException:
        _end(process)
        raise
    finally:
        _end(process)
    if process.returncode:
        raise Failed(f"`{_name(argv)}` failed with status {process.returncode}", output)
    return output


def _name(argv: list[str]) -> str:
    return " ".join(argv[-6:])


def _end(process: subprocess.Popen[str]) -> None:
    """Ends what is left of its session, and makes sure that no process there writes any more."""
    # The group may exist longer than its leader; its number is not reused while a member lives.
    until = time.monotonic() + LAST_BREATH_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.005)


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """An empty folder in which a confined program may write; removed afterwards."""
    root = os.geteuid() == 0
    # Not in root's TMPDIR, because other users may not be able to look there.
    folder = Path(tempfile.mkdtemp(prefix="poolproof-work-", dir="/var/tmp" if root else None))
    try:
        (folder / "home").mkdir()
        if root:
            for each in (folder, folder / "home"):
                os.chown(each, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_confined(argv: list[str], limit_s: int, work: Path, more: Mapping[str, str]) -> str:
    """As `run`, confined. `more` is part of the caller's environment, after its own values."""
    # The limit holds even if we are killed; it is in our group, so that it ends with the group.
    limited = ["timeout", "--foreground", "-k", "5", str(limit_s), *argv]
    env = _environment(work, {**more, **os.environ})
    return run([*_confinement(), *limited], limit_s + 10, work, env)


def _environment(work: Path, wanted: Mapping[str, str]) -> dict[str, str]:
    env = {"HOME": str(work / "home"), "TMPDIR": str(work), "LANG": "C.UTF-8"}
    env["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    for name, value in wanted.items():
        if name in CERTIFICATES and Path(value).is_file():
            copy = work / f"{name.lower()}.pem"  # other users may not be able to read the original
            shutil.copyfile(value, copy)
            copy.chmod(0o644)
            env[name] = str(copy)
        elif name.upper().startswith(PASSED_ON):
            env[name] = value
    return env


def _confinement() -> list[str]:
    """The words before a command: the strictest of these that this machine allows."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
    alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    ladder = [[*alone, *drop], drop]
    if os.geteuid() != 0:
        ladder = [[*alone[:1], "--user", "--map-current-user", *alone[1:]], ["setpriv", *drop[-1:]]]
    for words in ladder:
        try:
            subprocess.run([*words, "true"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return words
    raise Unavailable(
        "what must be built cannot be confined: `setpriv` of util-linux cannot be run here"
    )
