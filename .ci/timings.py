"""Where the time of a `./dev` command went: its steps, then the longest steps of its builds.

Called by ./dev --timings with a file of "seconds<TAB>step" lines, and with the time at which the
command began, in seconds since the epoch.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 12


def steps(file: Path) -> list[tuple[str, int]]:
    """The name of each step, and how many seconds it took; the last line ends the last step."""
    told = [line.split("\t", 1) for line in file.read_text().splitlines()]
    begun = [(int(seconds), name) for seconds, name in told]
    return [(name, after - at) for (at, name), (after, _) in zip(begun, begun[1:], strict=False)]


def built(log: Path, since: float) -> list[tuple[str, float]]:
    """What ninja made since then, and how many seconds each took (.ninja_log, version 5)."""
    found = []
    for line in log.read_text().splitlines()[1:]:
        start, end, mtime, output, _ = line.split("\t")
        # What ninja's log says of the output's time is in nanoseconds.
        if int(mtime) / 1e9 >= since:
            found.append((output, (int(end) - int(start)) / 1000))
    return found


def folder_of(output: str) -> str:
    parts = Path(output).parts
    return "/".join(part for part in parts[:2] if part != "CMakeFiles")


def main(steps_file: str, since: str) -> None:
    print("\nseconds  step")
    for name, seconds in steps(Path(steps_file)):
        print(f"{seconds:7}  {name}")
    for log in sorted((ROOT / "build").glob("*/.ninja_log")):
        made = built(log, float(since))
        if not made:
            continue
        folders: dict[str, float] = defaultdict(float)
        for output, seconds in made:
            folders[folder_of(output)] += seconds
        total = sum(seconds for _, seconds in made)
        print(f"\nbuild/{log.parent.name}: {len(made)} steps, {total:.0f} s of compiler and linker")
        for folder, seconds in sorted(folders.items(), key=lambda item: -item[1])[:LONGEST]:
            print(f"{seconds:7.0f}  {folder}/")
        for output, seconds in sorted(made, key=lambda item: -item[1])[:LONGEST]:
            print(f"{seconds:7.1f}  {output}")


if __name__ == "__main__":
    main(*sys.argv[1:])
