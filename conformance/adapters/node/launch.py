"""Starts an adapter that is written for Node: `launch.py ADAPTER [FOLDER]`.

ADAPTER is the name of a program in this folder ("workerpool") or the path of another one. FOLDER is
where its pool's package is installed; the default is this folder.

The kit's rule in Node: a Node program cannot copy a descriptor, and cannot mark one close-on-exec.
So the line is moved from fd 0 and fd 1 before Node starts, to the number that line.js expects. When
Node starts, it marks every descriptor that it inherited close-on-exec (a test checks this). This
program becomes Node, and stays the same process.
"""

import json
import os
import shutil
import socket
import stat
import sys
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
LINE = 10  # as in line.js; Node marks all descriptors up to 15, and then on until one is closed


def _is_the_line() -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(0).st_mode):
            return False
    except OSError:  # fd 0 is closed
        return False
    with socket.socket(fileno=os.dup(0)) as probe:
        return probe.type == socket.SOCK_SEQPACKET


def _take_the_line() -> None:
    os.dup2(0, LINE, inheritable=True)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)


def _refuse(why: str) -> NoReturn:
    os.write(LINE, json.dumps({"event": "refused", "cmd": "hello", "why": why}).encode() + b"\n")
    sys.exit(1)


def main(arguments: list[str]) -> None:
    if not 1 <= len(arguments) <= 2:
        print("usage: launch.py ADAPTER [FOLDER]", file=sys.stderr)
        sys.exit(2)
    if not _is_the_line():
        print(
            "An adapter is started by the harness, with fd 0 as its SOCK_SEQPACKET socket"
            " (conformance/protocol/protocol.md); try: poolproof check -- COMMAND",
            file=sys.stderr,
        )
        sys.exit(2)
    _take_the_line()
    adapter = arguments[0]
    program = Path(adapter) if adapter.endswith(".js") else HERE / f"{adapter}.js"
    if not program.is_file():
        _refuse(f"there is no adapter {program}")
    node = shutil.which("node")
    if node is None:
        _refuse("there is no `node` on PATH; install Node 18 or later (Debian: nodejs and npm)")
    os.execv(node, ["node", str(program.resolve()), *arguments[1:]])


if __name__ == "__main__":
    main(sys.argv[1:])
