"""Runs clang-tidy over the named files, or over all. Skips a file that has passed and not changed.

Called by ./dev tidy, once the clang preset is configured. A file has changed if the output of the
preprocessor for it, or .clang-tidy, has changed. build/clang/tidied/ records what has passed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "clang"
PASSED = BUILD / "tidied"


def commands() -> dict[Path, dict[str, str]]:
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    return {Path(entry["file"]): entry for entry in entries}


def fingerprint(entry: dict[str, str]) -> str:
    words = [word for word in shlex.split(entry["command"]) if "ccache" not in word]
    words = words[: words.index("-o")] + words[words.index("-o") + 2 :]
    words[words.index("-c")] = "-E"
    seen = subprocess.run(words, cwd=entry["directory"], capture_output=True, check=False)
    told = b"\0".join([seen.stdout, seen.stderr, (ROOT / ".clang-tidy").read_bytes()])
    return hashlib.sha256(told).hexdigest()


def tidy(file: Path, entry: dict[str, str]) -> bool:
    stamp = PASSED / fingerprint(entry)
    if stamp.exists():
        return True
    done = subprocess.run(
        ["clang-tidy", "--quiet", "-p", BUILD, file], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        stamp.touch()
        return True
    told = [line for line in done.stderr.splitlines() if not line.endswith("generated.")]
    print("\n".join([f"== {file.relative_to(ROOT)}", done.stdout, *told]), flush=True)
    return False


def main() -> int:
    known = commands()
    wanted = [Path(name).resolve() for name in sys.argv[1:]] or sorted(known)
    if strange := [str(file) for file in wanted if file not in known]:
        print(f"tidy: the clang preset compiles no {', '.join(strange)}", file=sys.stderr)
        return 2
    ours = [file for file in wanted if file.is_relative_to(ROOT) and BUILD not in file.parents]
    PASSED.mkdir(exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = list(pool.map(lambda file: tidy(file, known[file]), ours))
    print(f"clang-tidy: {sum(passed)} of {len(passed)} files pass")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
