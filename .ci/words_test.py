"""Checks that the words of conformance/protocol/words.toml stand there and nowhere else.

What is generated from them must be current, and no list of them may be written by hand. A list is a
run of words in quotes with nothing between them but punctuation, comments and enumerators of C++.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree_rules import Tree, tree_at

THE_TREE = tree_at(Path(__file__).resolve().parents[1])
PROTOCOL = "conformance/protocol"
MADE = "by generate_words.py; do not edit"
# These three have their own words: the executor knows nothing of the harness, a test says itself
# what it expects, and an example of another project is not ours.
APART = re.compile(r"executor/|conformance/(?:package/adopters|cli/new)/|.*(?:_test\.|\.test\.)")
QUOTED = {".md": r"`([\w:-]+)`", "": r"[\"'`]([\w:-]+)[\"'`]"}
BETWEEN = re.compile(r"(?:[\s,;|+(){}\[\]]|\bor\b|\band\b|(?:\w+::)+k\w+|//[^\n]*|#[^\n]*)*")


def lists_of(tree: Tree) -> dict[str, set[str]]:
    file = tomllib.loads(tree.text(f"{PROTOCOL}/words.toml"))
    lists = {name: set(of["words"]) for name, of in file.items()}
    for of in file.values():
        for shorter in of.get("shorter", ()):
            marked = (word for word, told in of["words"].items() if shorter in told.get("in", ()))
            lists[shorter] = set(marked)
    return lists


def runs_in(text: str, quoted: str) -> Iterator[tuple[int, set[str]]]:
    """Where each run of words in quotes begins, and its words."""
    run: list[re.Match[str]] = []
    for found in re.finditer(quoted, text):
        if run and not BETWEEN.fullmatch(text, run[-1].end(), found.start()):
            yield run[0].start(), {word[1] for word in run}
            run = []
        run.append(found)
    if run:
        yield run[0].start(), {word[1] for word in run}


def words_stand_once(tree: Tree) -> list[str]:
    """A run mostly of words of one list, with more than half of them, is that list again."""
    wrong, lists = [], lists_of(tree)
    for file in tree.ending(".cc", ".h", ".py", ".js", ".json", ".md", ".cmake"):
        text = tree.text(file)
        if APART.match(file) or MADE in text:
            continue
        if file.endswith(".md"):
            text = re.sub(r"generate_words.py -->.*?<!-- end -->", "", text, flags=re.S)
        # An adapter names those of the capabilities that its pool has.
        text = re.sub(r"\bcapabilities\b[\"']?\s*[:=]\s*[\[({][^\])}]*", "", text)
        for at, run in runs_in(text, QUOTED.get(Path(file).suffix, QUOTED[""])):
            for name, words in lists.items():
                same = run & words
                if len(same) >= max(3, len(words) // 2 + 1, len(run) * 3 // 4):
                    line = text.count("\n", 0, at) + 1
                    wrong.append(
                        f"{file}:{line}: {', '.join(sorted(same))}: these are the {name} of"
                        f" {PROTOCOL}/words.toml; use what is generated from it"
                    )
    return wrong


def test_no_list_is_written_by_hand() -> None:
    wrong = words_stand_once(THE_TREE)
    assert not wrong, "\n" + "\n".join(wrong)


def test_what_is_generated_is_current() -> None:
    generator = THE_TREE.root / PROTOCOL / "generate_words.py"
    done = subprocess.run(
        [sys.executable, generator, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\ncall {generator}"


WORDS = 'points.shorter.stages = ""\n[points.words]\n' + "\n".join(
    f"{point} = {{ in = {['stages'] if '-' in point else []} }}"
    for point in ("idle", "running", "encode-args", "decode-args", "encode-result", "decode-result")
)
SOUND = {
    f"{PROTOCOL}/words.toml": f'{WORDS}\n[capabilities.words]\na = ""\nb = ""\nc = ""\n',
    "adapter.py": 'capabilities = ("a", "b", "c")\nf("idle")\ng("running")\nh("encode-args")\n',
    "x.md": "<!-- line of points: made by generate_words.py -->`idle`, `running`<!-- end -->",
    "words.py": f'"""made {MADE}"""\n("a", "b", "c")\n',
    "x_test.cc": '{"a", "b", "c"}',
}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.cc", 'f();\n{{Point::kIdle, "idle"},  // a\n {Point::kRunning, "running"},\n'
                 ' {Point::kEncodeArgs, "encode-args"}, {"decode-args"}}'),
        ("a.py", 'f()\nSTAGES = ("encode-args", "decode-args") + ("encode-result",)'),
        ("a.js", '\nconst CAPABILITIES = ["a",\n  "b",\n  "c"];'),
        ("a.json", '{"enum": [\n"a",\n"b",\n"c"\n]}'),
        ("a.md", "\n| `how` | `a`, `b` or `c` |"),
    ],
)  # fmt: skip
def test_a_list_by_hand_is_found(file: str, text: str, tmp_path: Path) -> None:
    def grown(files: dict[str, str]) -> Tree:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        return tree_at(tmp_path)

    assert words_stand_once(grown(SOUND)) == []
    (wrong,) = words_stand_once(grown({file: text}))
    assert wrong.startswith(f"{file}:2"), wrong
