"""The rules of the tree (layers, sizes, names, maps, paths), each a pure function of its files.

A rule takes a `Tree` and returns its violations as lines of text, "file:line: what, and how to fix
it". tree_test.py checks the tree against them, and each rule against a planted violation.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("conformance/adapters", "conformance/cli")  # may use anything; nothing may use them
PARTS = tuple(
    f"conformance/{part}" for part in ("record", "judge", "protocol", "observe", "run", "sweep")
)
ROOMS = (*PROGRAMS, *PARTS, "executor", "faults", "scenarios", "conformance", "reports", "fuzz")
# Example projects of other people: kept to test our package, or templates that users get as their
# own.
STRANGERS = ("conformance/package/adopters/", "conformance/cli/new/")

# Which folder may use which: always itself, and these. An entry that ends in .h is only that
# header.
FLOORS: dict[str, tuple[str, ...]] = {
    "executor": (),
    "faults": (),
    "scenarios": ("faults/fault.h", "faults/call_strike.h"),
    "conformance": ("scenarios", "faults"),
    # record_test.cc writes attempts in the same way as the judge's tests.
    "conformance/record": ("scenarios", "faults", "conformance/judge/staged_attempt.h"),
    "conformance/judge": ("scenarios", "faults", "conformance/record"),
    "conformance/protocol": ("scenarios", "faults", "conformance/record"),
    "conformance/observe": (),
    "conformance/run": ("scenarios", "faults", *PARTS[:4]),
    "conformance/sweep": ("scenarios", "faults", *PARTS[:5]),
    "reports": (
        "conformance/judge/verdict.h",
        "conformance/record/observation.h",
    ),
    "fuzz": ("executor", "faults", "scenarios", "conformance", *PARTS, "reports"),
    "conformance/adapters": ROOMS,
    "conformance/cli": tuple(room for room in ROOMS if room != "conformance/adapters"),
}

TOP_LEVEL = {
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CMakeLists.txt", "CMakePresets.json",
    "LICENSE", "dev", "pyproject.toml",
    "executor", "faults", "scenarios", "conformance", "fuzz", "reports",
}  # fmt: skip
MAPPED = (
    "executor", "faults", "scenarios", "conformance", "conformance/adapters", *PARTS,
    "fuzz", "reports",
)  # fmt: skip

CPP = (".h", ".cc")
BANNED_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base", "impl"}
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|root|home|Users)/")
REGISTRY_HOST = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|(?:static\.)?crates\.io|proxy\.golang\.org"
    r"|repo1?\.maven\.(?:apache\.)?org|deb\.debian\.org|archive\.ubuntu\.com"
)
# Words that readers had to look up or read twice, and what to write instead.
PLAIN_WORDS = {
    "for ever": "forever",
    "in the midst": "in the middle, or while",
    "for want of": "because ... is missing",
    "mend": "fix",
    "mended": "fixed",
    "whence": "from where",
    "whither": "to where",
    "hushed": "drained",
}
PRIVATE_WORDS = re.compile(rf"\b(?:{'|'.join(PLAIN_WORDS)})\b", re.IGNORECASE)
REAPS = re.compile(r"\b(?:waitid|waitpid|wait3|wait4)\s*\(|\bSYS_wait(?:id|4)\b")


@dataclass(frozen=True)
class Tree:
    root: Path
    files: tuple[str, ...]  # relative to the root, sorted

    def text(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8", errors="replace")

    def ending(self, *suffixes: str) -> list[str]:
        return [file for file in self.files if file.endswith(suffixes)]


def tree_at(root: Path) -> Tree:
    """The files that git tracks and that exist; without a repository, all that are not built."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"],
            cwd=root, check=True, capture_output=True, text=True,
        ).stdout.split("\0")  # fmt: skip
        return Tree(root, tuple(sorted(f for f in listed if f and (root / f).exists())))
    built = {"build", ".venv", "node_modules", "__pycache__"}
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in built and not f.endswith("_cache")]
        found += [str((Path(folder) / f).relative_to(root)) for f in files]
    return Tree(root, tuple(sorted(found)))


def room_of(file: str) -> str | None:
    if file.startswith(STRANGERS):
        return None
    return next((room for room in ROOMS if file.startswith(room + "/")), None)


def may_see(room: str, target: str) -> bool:
    if room_of(target) in (room, None):
        return True
    return any(target == seen or room_of(target) == seen for seen in FLOORS[room])


def includes_keep_the_floors(tree: Tree) -> list[str]:
    known, wrong = set(tree.files), []
    for file in tree.ending(*CPP):
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if not found:
                continue
            name = found[2]
            target = f"executor/include/{name}" if name.startswith("poolproof/") else name
            beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
            if target not in known and beside in known:
                target = beside
                if (room_of(file) or "") in FLOORS:
                    wrong.append(f"{file}:{number}: {name}: write includes from the tree's root")
            wrong += _floor(file, number, target if target in known or found[1] == '"' else "")
    return wrong


def _floor(file: str, number: int, target: str) -> list[str]:
    room = room_of(file)
    if room is None or not target or may_see(room, target):
        return []
    allowed = ", ".join(FLOORS[room]) or "nothing but itself"
    return [f"{file}:{number}: {target}: {room} may see {allowed}"]


def imports_keep_the_floors(tree: Tree) -> list[str]:
    known, wrong = set(tree.files), []
    for file in tree.ending(".py"):
        for node in ast.walk(ast.parse(tree.text(file), file)):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                stem = "." * node.level + (node.module or "")
                names = [stem, *(f"{stem}.{alias.name}" for alias in node.names)]
            else:
                continue
            targets = {_module(file, name, known) for name in names} - {""}
            for target in sorted(targets):
                wrong += _floor(file, node.lineno, target)
    return wrong


def _module(file: str, name: str, known: set[str]) -> str:
    """The file in the tree that an imported name means; "" for a module that is not in the tree."""
    dots = len(name) - len(name.lstrip("."))
    tail = [part for part in name.split(".") if part]
    here = Path(file).parent
    starts = [here.joinpath(*[".."] * (dots - 1))] if dots else [here, Path()]
    for start in starts:
        path = os.path.normpath(start.joinpath(*tail))
        for candidate in (f"{path}.py", f"{path}/__init__.py"):
            if candidate in known:
                return candidate
    return ""


def links_keep_the_floors(tree: Tree) -> list[str]:
    """A target may link only what its folder may use; a library is known by where it is made."""
    scripts = {
        file: re.sub(r"#.*", "", tree.text(file))
        for file in tree.ending("CMakeLists.txt", ".cmake")
    }
    made = {
        name: file
        for file, text in scripts.items()
        for name in re.findall(r"\badd_(?:library|executable)\s*\(\s*([\w:-]+)", text)
    }
    wrong = []
    for file, text in scripts.items():
        room = room_of(file)
        if room is None:
            continue
        for call in re.finditer(r"\b(?:target_link_libraries|poolproof_test)\s*\(([^)]*)\)", text):
            for word in call[1].split()[1:]:
                home = room_of(made.get(word, ""))
                seen = {room, *(room_of(f + "/") or room_of(f) for f in FLOORS[room])}
                if home is not None and home not in seen:
                    number = text.count("\n", 0, call.start()) + 1
                    wrong.append(f"{file}:{number}: {word} is of {home}, which {room} may not see")
    return wrong


def is_code(file: str) -> bool:
    return file.endswith((*CPP, ".py", ".cmake", "CMakeLists.txt", ".sh")) or file == "dev"


def files_are_short(tree: Tree, most: int = 400) -> list[str]:
    lengths = {file: len(tree.text(file).splitlines()) for file in tree.files if is_code(file)}
    return [f"{f}: {n} lines; at most {most}: split it" for f, n in lengths.items() if n > most]


def lines_are_short(tree: Tree, most: int = 100) -> list[str]:
    """Text that cannot be broken does not count: a CMake string, a raw string of C++."""
    wrong = []
    for file in filter(is_code, tree.files):
        text = tree.text(file)
        if file.endswith(CPP):
            text = re.sub(
                r'R"(\w*)\(.*?\)\1"', lambda raw: "\n" * raw[0].count("\n"), text, flags=re.S
            )
        elif file.endswith((".cmake", "CMakeLists.txt")):
            text = re.sub(r'"[^"\n]*"', '""', text)
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > most:
                wrong.append(f"{file}:{number}: {len(line)} columns; at most {most}")
    return wrong


def prose_is_short(tree: Tree, most: int = 100) -> list[str]:
    """Markdown, apart from what cannot be broken: tables, code, and a link longer than a line."""
    wrong = []
    for file in tree.ending(".md"):
        in_code = False
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            if line.lstrip().startswith("```"):
                in_code = not in_code
            breaks = " " in line[:most].strip() and not line.lstrip().startswith("|")
            if len(line) > most and breaks and not in_code:
                wrong.append(f"{file}:{number}: {len(line)} columns; at most {most}")
    return wrong


def words_are_plain(tree: Tree) -> list[str]:
    wrong = []
    for file in tree.ending(*CPP, ".py", ".js", ".rs", ".md", ".toml"):
        if file.startswith(".ci/tree_"):
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for found in PRIVATE_WORDS.finditer(line):
                word = found[0].lower()
                wrong.append(f"{file}:{number}: write `{PLAIN_WORDS[word]}`, not `{word}`")
    return wrong


def functions_are_short(tree: Tree, most: int = 70) -> list[str]:
    """In a test, rows of data (a line that begins with a brace or a string) do not count."""
    wrong = []
    for file in tree.files:
        lines = tree.text(file).splitlines() if file.endswith((*CPP, ".py")) else []
        if file.endswith(CPP):
            spans = _cpp_functions(lines)
        elif file.endswith(".py"):
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
            nodes = [n for n in ast.walk(ast.parse(tree.text(file), file)) if isinstance(n, kinds)]
            spans = [(node.lineno, node.end_lineno or node.lineno) for node in nodes]
        else:
            continue
        data = re.compile(r'\s*(?:[{}"]|R")' if "_test." in file else r"(?!)")
        for first, last in spans:
            length = sum(not data.match(line) for line in lines[first - 1 : last])
            if length > most:
                wrong.append(f"{file}:{first}: a function of {length} lines; at most {most}")
    return wrong


def _cpp_functions(lines: list[str]) -> list[tuple[int, int]]:
    """Found by clang-format's indents: from a head at column 0 or 2 to a lone `}` below it."""
    no_head = re.compile(
        r"namespace|class|struct|enum|union|extern|template|public:|private:|using"
    )
    spans = []
    for indent in ("", "  "):
        first = 0
        for number, line in enumerate(lines, 1):
            if re.match(rf"{indent}}}\s*(//.*)?$", line):
                if first:
                    spans.append((first, number))
                first = 0
            elif re.match(rf"{indent}[A-Za-z_~\[]", line):
                body = line.strip()
                first = 0 if no_head.match(body) or body.endswith(";") else number
    return spans


def names_say_something(tree: Tree) -> list[str]:
    wrong = []
    for file in tree.files:
        words = {word for part in Path(file).parts for word in re.split(r"[_.\-]", part.lower())}
        if bad := words & BANNED_NAMES:
            wrong.append(
                f"{file}: a name with {', '.join(sorted(bad))} says nothing; name the thing"
            )
    return wrong


def readmes_open_with_a_map(tree: Tree, folders: tuple[str, ...] = MAPPED) -> list[str]:
    wrong = []
    for folder in folders:
        readme = f"{folder}/README.md"
        if readme not in tree.files:
            wrong.append(f"{readme}: missing; every folder opens with a map of its rooms")
            continue
        entries = map_of(tree.text(readme))
        if not entries:
            wrong.append(
                f"{readme}: no map in its first 40 lines (a table, list or block of names)"
            )
        for entry in entries:
            if not any((tree.root / folder).glob(entry.strip("/"))):
                wrong.append(f"{readme}: the map names {entry}, which does not exist")
        inside = {f[len(folder) + 1 :] for f in tree.files if f.startswith(folder + "/")}
        named = {entry.split("/")[0] for entry in entries}
        for room in sorted({f.split("/")[0] for f in inside if "/" in f} - named):
            wrong.append(f"{readme}: the map does not name {room}/")
    return wrong


def map_of(readme: str) -> list[str]:
    """The names that the first table, list or block of a README gives; `x.{h,cc}` is two."""
    entries: list[str] = []
    fenced = False
    folders: list[tuple[int, str]] = []  # in a block, an indented name lies in the folder above it
    for line in [*readme.splitlines()[:40], ""]:
        if line.startswith("```"):
            if fenced and entries:
                break
            fenced = not fenced
        elif fenced and (found := re.match(r"(\s*)([\w.*{},/-]+)", line)):
            folders = [(depth, name) for depth, name in folders if depth < len(found[1])]
            above = "".join(name for _, name in folders)
            entries += _spelt_out(above + found[2])
            folders += [(len(found[1]), found[2])] if found[2].endswith("/") else []
        elif not fenced and (found := re.match(r"\s*(?:\||[-*])\s*(?:\*\*)?(`.*)", line)):
            first_cell = re.split(r"\||: | - | — ", found[1])[0]
            for name in re.findall(r"`([\w.*{},/-]+)`", first_cell):
                entries += _spelt_out(name)
        elif entries and not fenced and not line.startswith(("|", " ", "-", "*")):
            break
    return entries


def _spelt_out(name: str) -> list[str]:
    found = re.match(r"(.*)\{([^}]*)\}(.*)$", name)
    return [found[1] + way + found[3] for way in found[2].split(",")] if found else [name]


def no_machine_is_named(tree: Tree) -> list[str]:
    wrong = []
    for file in tree.files:
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for kind, pattern in (("machine path", MACHINE_PATH), ("registry host", REGISTRY_HOST)):
                if found := pattern.search(line):
                    wrong.append(f"{file}:{number}: a {kind}: {found[0]}")
    return wrong


def one_file_reaps(tree: Tree) -> list[str]:
    """One reaper (design.md, L3): in executor/, tests apart, one file calls the wait functions."""
    sources = [f for f in tree.ending(*CPP) if f.startswith("executor/")]
    sources = [f for f in sources if "_test." not in f and "/tests/" not in f]
    reaping = [f for f in sources if REAPS.search(re.sub(r"//.*", "", tree.text(f)))]
    if len(reaping) == 1:
        return []
    return [
        f"executor/: waitid or waitpid is called in {', '.join(reaping) or 'no file'}; want one"
    ]


def the_top_level_is_the_list(tree: Tree) -> list[str]:
    top = {file.split("/")[0] for file in tree.files}
    strange = sorted(name for name in top - TOP_LEVEL if not name.startswith("."))
    return [f"{name}: not on the list of the top level" for name in strange] + [
        f"{name}: missing from the top level" for name in sorted(TOP_LEVEL - top)
    ]


RULES = (
    includes_keep_the_floors, imports_keep_the_floors, links_keep_the_floors, files_are_short,
    lines_are_short, prose_is_short, words_are_plain, functions_are_short, names_say_something,
    readmes_open_with_a_map, no_machine_is_named, one_file_reaps, the_top_level_is_the_list,
)  # fmt: skip
