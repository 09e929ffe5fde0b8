"""Plants each defect of defects.toml in a copy of the tree, and reports which tests detect it.

    plant.py [--scratch FOLDER] [--only WORDS] [--table FILE]

The copy is built once without a defect, and everything must pass. Then each defect is planted,
built, and tried by the simulation, by the model (property tests) and by the unit tests of the loop.
Fails if a defect no longer applies, does not compile, or is not detected by any of the three.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PROGRAMS = ("simulate", "lifecycle_property_test", "executor_loop_test", "executor_unit_test")
# A spinning loop must not block the nightly run.
LIMIT_S = 240
# The name of a column, then the commands; a defect is detected if one of them fails.
JUDGES = {
    "simulation": (("simulate", "random", "--histories", "100000"), ("simulate", "all")),
    "model": (("lifecycle_property_test",),),
    "unit": (("executor_loop_test",), ("executor_unit_test", "--gtest_filter=*Death*:*Lifecycle*")),
}


@dataclass
class Defect:
    name: str
    file: str
    # The text as it is, and the text that replaces it.
    before: str
    after: str
    # By judge: what it reported first, or "" if it noticed nothing.
    said: dict[str, str] = field(default_factory=dict)

    def killed(self) -> bool:
        return any(self.said.values())


def read_defects() -> list[Defect]:
    table = tomllib.loads((HERE / "defects.toml").read_text(encoding="utf-8"))["defect"]
    return [Defect(row["name"], row["file"], row["from"], row["to"]) for row in table]


def planted(text: str, defect: Defect) -> str:
    if text.count(defect.before) != 1:
        sys.exit(
            f"plant: '{defect.name}' no longer applies: its text stands "
            f"{text.count(defect.before)} times in {defect.file}. Write it anew in defects.toml."
        )
    return text.replace(defect.before, defect.after)


def check_that_all_apply(defects: list[Defect]) -> None:
    for defect in defects:
        planted((ROOT / defect.file).read_text(encoding="utf-8"), defect)


def copy_if_changed(source: str, target: str) -> None:
    """Gives the file a new time, so that a reused copy is built again where needed."""
    if not Path(target).exists() or Path(target).read_bytes() != Path(source).read_bytes():
        shutil.copy(source, target)


def copy_tree(scratch: Path) -> None:
    scratch.mkdir(parents=True, exist_ok=True)
    for name in ("CMakeLists.txt", "executor", "fuzz", "conformance/package"):
        source, target = ROOT / name, scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=copy_if_changed, dirs_exist_ok=True)
        else:
            copy_if_changed(str(source), str(target))


def configure(scratch: Path) -> None:
    command = ["cmake", "-S", str(scratch), "-B", str(scratch / "build"), "-G", "Ninja"]
    options = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DPOOLPROOF_ROOMS=executor;fuzz"]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)


def build(scratch: Path) -> str:
    """What the compiler printed; "" if it built."""
    made = subprocess.run(
        ["nice", "-n", "19", "ninja", "-j2", "-C", str(scratch / "build"), *PROGRAMS],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if made.returncode == 0 else made.stdout


def first_words(output: str) -> str:
    """The sentence with which a run says what is wrong."""
    for pattern in (
        r"^broken: (.*?)(?: \[.*)?$",  # a law, without the text of the failure
        r"^\[  FAILED  \] (\S+)",
        r"Assertion: (.*)",
    ):
        if found := re.search(pattern, output, re.MULTILINE):
            return found.group(1)
    return "it aborts"


def run(scratch: Path, command: tuple[str, ...]) -> str:
    program = scratch / "build" / "bin" / command[0]
    try:
        done = subprocess.run(
            [program, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "it does not end"
    return "" if done.returncode == 0 else first_words(done.stderr + done.stdout)


def try_all(scratch: Path) -> dict[str, str]:
    said = {}
    for judge, commands in JUDGES.items():
        said[judge] = next((words for c in commands if (words := run(scratch, c))), "")
    return said


def as_table(defects: list[Defect]) -> str:
    lines = ["| defect | in | simulation says | model | unit tests |", "|---|---|---|---|---|"]
    for defect in defects:
        cells = [
            defect.name,
            f"`{Path(defect.file).name}`",
            defect.said["simulation"] or "-",
            "killed" if defect.said["model"] else "-",
            "killed" if defect.said["unit"] else "-",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, help="keep the copy and its build here")
    parser.add_argument("--only", default="", help="defects whose name holds these words")
    parser.add_argument("--table", type=Path, help="write the table here")
    asked = parser.parse_args()
    defects = read_defects()
    check_that_all_apply(defects)
    defects = [each for each in defects if asked.only in each.name]
    with tempfile.TemporaryDirectory(prefix="poolproof-defects-") as own:
        scratch = asked.scratch or Path(own)
        copy_tree(scratch)
        configure(scratch)
        if wrong := build(scratch) or "".join(try_all(scratch).values()):
            sys.exit(f"plant: without any defect: {wrong}")
        for defect in defects:
            path = scratch / defect.file
            sound = path.read_text(encoding="utf-8")
            path.write_text(planted(sound, defect), encoding="utf-8")
            if wrong := build(scratch):
                sys.exit(f"plant: '{defect.name}' does not compile:\n{wrong}")
            defect.said = try_all(scratch)
            path.write_text(sound, encoding="utf-8")
            print(f"{defect.name}: {defect.said}", flush=True)
    if asked.table:
        asked.table.write_text(as_table(defects), encoding="utf-8")
    survivors = [each.name for each in defects if not each.killed()]
    sys.exit("plant: survived: " + "; ".join(survivors) if survivors else 0)


if __name__ == "__main__":
    main()
