"""Checks the tree against its rules, and each rule against a violation planted in a small tree.

Reads files only; needs no build: pytest .ci/tree_test.py
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import tree_rules as rules
from tree_rules import Tree, tree_at

Rule = Callable[[Tree], list[str]]
THE_TREE = tree_at(Path(__file__).resolve().parents[1])


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_its_rule(rule: Rule) -> None:
    assert len(THE_TREE.files) > 10, "the tree was not found"
    wrong = rule(THE_TREE)
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.fixture
def plant(tmp_path: Path) -> Callable[[dict[str, str]], Tree]:
    def grow(files: dict[str, str]) -> Tree:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tree_at(tmp_path)

    return grow


TASK_H = {"executor/include/poolproof/task.h": ""}
FAULTS = {"faults/fault.h": "", "faults/injector.h": ""}
JUDGE = {"conformance/judge/verdict.h": "", "conformance/run/run.h": ""}
KIT = {"conformance/adapters/kit.py": "", "conformance/adapters/cpp/line.h": ""}
LIBRARIES = {
    "executor/CMakeLists.txt": "add_library(poolproof_executor a.cc)\n"
    "add_library(poolproof::executor ALIAS poolproof_executor)",
    "conformance/adapters/CMakeLists.txt": "add_library(poolproof_kit line.cc)",
}

# Each entry: the rule, a tree that follows it, what is planted in it, a word of the message.
PLANTED = {
    "the executor includes a fault": (
        rules.includes_keep_the_floors,
        {**TASK_H, **FAULTS, "executor/a.cc": '#include "poolproof/task.h"\n#include <string>\n'},
        {"executor/a.cc": '#include "faults/fault.h"\n'},
        "executor/a.cc:1",
    ),
    "faults include the executor in angle brackets": (
        rules.includes_keep_the_floors,
        {**TASK_H, **FAULTS, "faults/a.cc": '#include "faults/fault.h"\n'},
        {"faults/a.cc": "#include <poolproof/task.h>\n"},
        "faults/a.cc:1",
    ),
    "scenarios see more of faults than its words": (
        rules.includes_keep_the_floors,
        {**FAULTS, "scenarios/a.cc": '#include "faults/fault.h"\n'},
        {"scenarios/a.cc": '#include "faults/injector.h"\n'},
        "faults/injector.h",
    ),
    "the judge includes the judged": (
        rules.includes_keep_the_floors,
        {
            **TASK_H,
            **FAULTS,
            "conformance/a.cc": '#include "faults/injector.h"\n',
            "conformance/package/adopters/a.cc": "#include <poolproof/task.h>\n",
        },
        {"conformance/a.cc": '#  include "poolproof/task.h"\n'},
        "conformance/a.cc:1",
    ),
    "the judge includes an adapter": (
        rules.includes_keep_the_floors,
        {**KIT, "conformance/adapters/a.cc": '#include "conformance/adapters/cpp/line.h"\n'},
        {"conformance/a.cc": '#include "conformance/adapters/cpp/line.h"\n'},
        "conformance/a.cc:1",
    ),
    "a report includes the run": (
        rules.includes_keep_the_floors,
        {**JUDGE, "reports/a.cc": '#include "conformance/judge/verdict.h"\n'},
        {"reports/a.cc": '#include "conformance/run/run.h"\n'},
        "reports/a.cc:1",
    ),
    "the judge includes what runs": (
        rules.includes_keep_the_floors,
        {**JUDGE, "conformance/run/a.cc": '#include "conformance/judge/verdict.h"\n'},
        {"conformance/judge/a.cc": '#include "conformance/run/run.h"\n'},
        "conformance/judge/a.cc:1",
    ),
    "an include is not written from the root": (
        rules.includes_keep_the_floors,
        {**JUDGE, "conformance/judge/a.cc": '#include "conformance/judge/verdict.h"\n'},
        {"conformance/judge/a.cc": '#include "verdict.h"\n'},
        "from the tree's root",
    ),
    "a module imports an adapter's kit": (
        rules.imports_keep_the_floors,
        {**KIT, "conformance/adapters/a.py": "import kit\n"},
        {"scenarios/a.py": "def f():\n    from conformance.adapters import kit\n"},
        "scenarios/a.py:2",
    ),
    "a module imports by a relative name": (
        rules.imports_keep_the_floors,
        {**KIT, "conformance/adapters/a.py": "from . import kit\nimport json\n"},
        {"conformance/a.py": "from .adapters import kit\n"},
        "conformance/a.py:1",
    ),
    "the judge links the judged": (
        rules.links_keep_the_floors,
        {**LIBRARIES, "fuzz/CMakeLists.txt": "target_link_libraries(x PRIVATE poolproof_executor)"},
        {"conformance/CMakeLists.txt": "target_link_libraries(j PUBLIC\n poolproof::executor)"},
        "poolproof::executor is of executor",
    ),
    "a test links an adapter's kit": (
        rules.links_keep_the_floors,
        {**LIBRARIES, "fuzz/CMakeLists.txt": "poolproof_test(NAME x LINK poolproof_executor)"},
        {"fuzz/CMakeLists.txt": "poolproof_test(NAME x LINK poolproof_kit)"},
        "poolproof_kit is of conformance/adapters",
    ),
    "a file is long": (
        rules.files_are_short,
        {"faults/a.cc": "int x;\n" * 400},
        {"faults/a.cc": "int x;\n" * 401},
        "401 lines",
    ),
    "a line is long": (
        rules.lines_are_short,
        {
            "faults/a.cc": 'f(R"x(\n' + "y" * 200 + ')x");\n' + "/" * 100,
            "CMakeLists.txt": f'set(x "{"y" * 200}")',
        },
        {"faults/a.cc": 'f(R"x(\n' + "y" * 200 + ')x");\n' + "/" * 101},
        "faults/a.cc:3: 101 columns",
    ),
    "a line of prose is long": (
        rules.prose_is_short,
        {"a.md": "| " + "y " * 100 + "|\n```\n" + "x " * 100 + "\n```\n" + "h" * 200},
        {"a.md": "y\n" + "y " * 51},
        "a.md:2: 102 columns",
    ),
    "a word is private": (
        rules.words_are_plain,
        {"faults/a.cc": "// It waits forever, in the middle.\n"},
        {"faults/a.cc": "\n// It waits For ever.\n"},
        "faults/a.cc:2: write `forever`, not `for ever`",
    ),
    "a C++ function is long": (
        rules.functions_are_short,
        {"faults/a.cc": "namespace x {\nint f(int a,\n      int b) {\n" + "  a;\n" * 66 + "}\n}\n"},
        {"faults/a.cc": "namespace x {\nint f(int a,\n      int b) {\n" + "  a;\n" * 68 + "}\n}\n"},
        "faults/a.cc:2: a function of 71 lines",
    ),
    "a method inside its class is long": (
        rules.functions_are_short,
        {"faults/a.h": "class A {\n  void f() {\n" + "    a;\n" * 60 + "  }\n};\n"},
        {"faults/a.h": "class A {\n  void f() {\n" + "    a;\n" * 70 + "  }\n};\n"},
        "faults/a.h:2",
    ),
    "a test is long, rows of data apart": (
        rules.functions_are_short,
        {"faults/a_test.cc": "TEST(A, b) {\n" + '      {"row"},\n' * 90 + "  f();\n" * 69 + "}\n"},
        {"faults/a_test.cc": "TEST(A, b) {\n" + '      {"row"},\n' * 90 + "  f();\n" * 71 + "}\n"},
        "faults/a_test.cc:1",
    ),
    "a Python function is long": (
        rules.functions_are_short,
        {"faults/a.py": "def f():\n" + "    a()\n" * 69},
        {"faults/a.py": "def f():\n" + "    a()\n" * 70},
        "faults/a.py:1",
    ),
    "a file is named utils": (
        rules.names_say_something,
        {"faults/utility_belt.cc": "", "faults/baseline.cc": ""},
        {"faults/string_utils.cc": ""},
        "string_utils.cc",
    ),
    "a folder is named common": (
        rules.names_say_something,
        {"faults/a.cc": ""},
        {"faults/common/a.cc": ""},
        "faults/common/a.cc",
    ),
    "a machine path is committed": (
        rules.no_machine_is_named,
        {"a.md": "see <https://example.org/work/x> and tests/work/y"},
        {"a.md": "see\n/" + "root/x"},
        "a.md:2",
    ),
    "a registry is named": (
        rules.no_machine_is_named,
        {"dev": "pip install pytest"},
        {"dev": "pip install --index https://pypi" + ".org/simple"},
        "dev:1",
    ),
    "two files reap": (
        rules.one_file_reaps,
        {
            "executor/os/process.cc": "waitid(P_PIDFD, 3, &i, WEXITED);",
            "executor/os/process_test.cc": "waitpid(pid, 0, 0);",
            "executor/x.cc": "// waitid() is elsewhere",
        },
        {"executor/supervise/a.cc": "::waitpid(pid, nullptr, 0);"},
        "executor/supervise/a.cc",
    ),
    "a stranger stands at the top": (
        rules.the_top_level_is_the_list,
        {name if "." in name else f"{name}/x": "" for name in rules.TOP_LEVEL} | {".ci/run": ""},
        {"scripts/x": ""},
        "scripts",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_rule_goes_red_on(name: str, plant: Callable[[dict[str, str]], Tree]) -> None:
    rule, sound, planted, complaint = PLANTED[name]
    assert rule(plant(sound)) == []
    assert any(complaint in line for line in rule(plant(planted))), rule(plant(planted))


SOUND_MAPS = {
    "a table": "# X\n\n| file | what |\n|---|---|\n| `a.{h,cc}` | it |\n| `inside/` | more |\n",
    "a list": "# X\nWords.\n\n- `a.h`, `a.cc`: it\n- `inside/`: more\n\n- `no such file`\n",
    "a block": "# X\n\n```\na.h a.cc  it\ninside/   more\n  b.h     it\n```\n",
}


@pytest.mark.parametrize("form", SOUND_MAPS)
def test_a_readme_must_open_with_a_map_of_what_exists(
    form: str, plant: Callable[[dict[str, str]], Tree]
) -> None:
    def complaints(text: str) -> list[str]:
        files = {"x/a.h": "", "x/a.cc": "", "x/inside/b.h": "", "x/README.md": text}
        return rules.readmes_open_with_a_map(plant(files), ("x",))

    text = SOUND_MAPS[form]
    assert complaints(text) == []
    assert "gone.h" in complaints(text.replace("a.h", "gone.h").replace("a.{", "gone.{"))[0]
    assert "does not name inside/" in "".join(complaints(text.replace("inside/", "a.h")))
    assert "no map" in complaints("# X\n\nWords only.\n")[0]
    assert "missing" in rules.readmes_open_with_a_map(plant({}), ("y",))[0]


def test_a_repository_lists_what_git_tracks_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "kept.cc").write_text("")
    (tmp_path / "stray.cc").write_text("")
    for command in (["init", "-q"], ["add", "kept.cc"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    assert tree_at(tmp_path).files == ("kept.cc",)
