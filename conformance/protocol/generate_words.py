"""Writes the words of words.toml for everybody who needs them.

    generate_words.py             brings the committed files up to date, and names those it changed
    generate_words.py --check     changes nothing; fails if one of them is not current
    generate_words.py --cpp FILE  writes the header for C++; CMake calls this

In a page, what stands between the marks "<!-- table of LIST: made by generate_words.py -->" and
"<!-- end -->" is made here. Instead of `table` there may be `list` (with meanings) or `line` (words
only).
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]
MADE = "Generated from conformance/protocol/words.toml by generate_words.py; do not edit."

KITS = ("capabilities", "closings", "bodies", "stages")
SCHEMA = (
    *KITS, "recoveries", "meetings", "takable", "orders", "kinds", "causes", "intents",
    "certainties", "scopes",
)  # fmt: skip
PAGES = (
    "conformance/protocol/protocol.md", "conformance/judge/README.md", "faults/README.md",
    "scenarios/README.md",
)  # fmt: skip
SCHEMA_HEAD = f"""{{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "words.json",
  "description": "{MADE}",
  "$defs": {{
"""
COLUMNS = {  # of a table: its heads, and what stands below them
    "bodies": {"body": "`word`", "`args` beside the addresses": "takes", "does": "means"},
    "orders": {"answer": "`says`", "the body": "means"},
    "points": {
        "word": "`word`", "where the fault strikes": "means",
        "whose process is at this point": "whose",
    },
    "statuses": {"status": "`word`", "says of the pool": "weight", "when": "means"},
}  # fmt: skip

Entry = dict[str, Any]  # one word: `word`, `means`, perhaps more columns


def read() -> tuple[dict[str, Any], dict[str, list[Entry]]]:
    """The file, and the entries of each list; the shorter lists are among them."""
    file = tomllib.loads((HERE / "words.toml").read_text())
    lists: dict[str, list[Entry]] = {}
    for name, of in file.items():
        entries = [
            {"word": word, **(told if isinstance(told, dict) else {"means": told})}
            for word, told in of["words"].items()
        ]
        lists[name] = entries
        for shorter in of.get("shorter", ()):
            lists[shorter] = [entry for entry in entries if shorter in entry.get("in", ())]
    for entry in (entry for entries in lists.values() for entry in entries):
        entry["means"] = re.sub(r"{(\w+)}", lambda of: in_prose(lists[of[1]]), entry["means"])
    return file, lists


def words(entries: list[Entry]) -> list[str]:
    return [entry["word"] for entry in entries]


def in_prose(entries: list[Entry]) -> str:
    *others, last = (f"`{word}`" for word in words(entries))
    return f"{', '.join(others)} or {last}"


# --- C++ ----------------------------------------------------------------------------------------

CPP_HEAD = f"""// {MADE}
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace poolproof::words {{

using WordList = std::span<const std::string_view>;

// The word of each value of an enum below; a value is the index of its word.
template <typename Enum>
inline constexpr WordList kWordsOf;

// "?" for a value that has no word, so that it cannot be taken for one.
template <typename Enum>
constexpr std::string_view word_of(Enum value) {{
  const auto at = static_cast<std::size_t>(value);
  return at < kWordsOf<Enum>.size() ? kWordsOf<Enum>[at] : "?";
}}

template <typename Enum>
constexpr std::optional<Enum> find(std::string_view word) {{
  for (std::size_t at = 0; at < kWordsOf<Enum>.size(); ++at)
    if (kWordsOf<Enum>[at] == word) return static_cast<Enum>(at);
  return std::nullopt;
}}

// Every value, in the order of the words.
template <typename Enum>
constexpr auto all() {{
  std::array<Enum, kWordsOf<Enum>.size()> values{{}};
  for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<Enum>(at);
  return values;
}}

}}  // namespace poolproof::words
"""


def camel(word: str) -> str:
    """all-workers -> kAllWorkers; signal:NAME -> kSignal"""
    return "k" + "".join(part.title() for part in re.split(r"[-_]", word.split(":")[0]))


def cpp_enum(of: dict[str, Any], entries: list[Entry]) -> str:
    room, name = of["enum"].split("::")
    lines = [
        f"  // {entry['word']}: {entry['means']}\n  {camel(entry['word'])}," for entry in entries
    ]
    if "none" in of:
        lines.append(f"  // {of['none']}\n  kNone,")
    inside = "\n".join(lines)
    return (
        f"\nnamespace poolproof::{room} {{\n\n// {of['about']}\n"
        f"enum class {name} {{\n{inside}\n}};\n\n}}  // namespace poolproof::{room}\n"
    )


def cpp_array(kind: str, name: str, values: list[str]) -> str:
    inside = "".join(f"    {value},\n" for value in values)
    return f"inline constexpr std::array<{kind}, {len(values)}> {name} = {{\n{inside}}};\n"


def cpp(file: dict[str, Any], lists: dict[str, list[Entry]]) -> str:
    enums, tables = CPP_HEAD, ""
    for name, entries in lists.items():
        of, constant = file.get(name, {}), camel(name)
        quoted = [json.dumps(entry["word"]) for entry in entries]
        tables += cpp_array("std::string_view", constant, quoted)
        if name not in file:
            continue
        means = [json.dumps(entry["means"]) for entry in entries]
        tables += cpp_array("std::string_view", f"{constant}Mean", means)
        if "enum" in of:
            enums += cpp_enum(of, entries)
            tables += (
                f"template <>\ninline constexpr WordList kWordsOf<{of['enum']}>{{{constant}}};\n"
            )
        if "weight" in entries[0]:
            weight = file["weights"]["enum"]
            values = [f"{weight}::{camel(entry['weight'])}" for entry in entries]
            tables += cpp_array(weight, f"{constant}Weigh", values)
    return (
        f"{enums}\nnamespace poolproof::words {{\n\n{tables}\n}}  // namespace poolproof::words\n"
    )


# --- the kits and the schemas -------------------------------------------------------------------


def array(start: str, values: list[str], end: str) -> str:
    """On one line if it fits, as ruff and prettier format it."""
    quoted = [json.dumps(value) for value in values]
    line = start + ", ".join(quoted) + end
    return (
        line
        if len(line) <= 100
        else "\n    ".join([start, *(f"{q}," for q in quoted)]) + "\n" + end
    )


def python(lists: dict[str, list[Entry]]) -> str:
    tuples = [array(f"{name.upper()} = (", words(lists[name]), ")") for name in KITS]
    return f'"""{MADE}"""\n\n' + "\n".join(tuples) + "\n"


def javascript(lists: dict[str, list[Entry]]) -> str:
    kit = [name for name in KITS if name in ("closings", "bodies", "stages")]
    arrays = [array(f"const {name.upper()} = [", words(lists[name]), "];") for name in kit]
    names = ", ".join(name.upper() for name in kit)
    return (
        f'"use strict";\n\n// {MADE}\n\n'
        + "\n".join(arrays)
        + (f"\n\nmodule.exports = {{ {names} }};\n")
    )


def schema(lists: dict[str, list[Entry]]) -> str:
    """Without the words that have a parameter; a schema describes those by a pattern."""
    plain = {name: [word for word in words(lists[name]) if ":" not in word] for name in SCHEMA}
    rows = [f'    "{name}": {{"enum": {json.dumps(values)}}}' for name, values in plain.items()]
    return SCHEMA_HEAD + ",\n".join(rows) + "\n  }\n}\n"


# --- the pages ----------------------------------------------------------------------------------


def table(names: list[str], file: dict[str, Any], lists: dict[str, list[Entry]]) -> str:
    """Of several lists: the first column names the list."""
    columns = {"field": "`one`", "word": "`word`", "means": "means"}
    if len(names) == 1:
        columns = COLUMNS[names[0]]
    rows = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for name in names:
        for entry in lists[name]:
            told = {"one": file[name].get("one", ""), **entry}
            cells = (
                re.sub(r"\w+", lambda key, told=told: told[key[0]], c) for c in columns.values()
            )
            rows.append(f"| {' | '.join(cells)} |")
    return "\n" + "\n".join(rows) + "\n"


def bullets(entries: list[Entry]) -> str:
    lines = [f"- `{entry['word']}`: {entry['means']}." for entry in entries]
    wrap = textwrap.TextWrapper(
        100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n" + "".join(f"{wrap.fill(line)}\n" for line in lines)


def page(text: str, file: dict[str, Any], lists: dict[str, list[Entry]]) -> str:
    def fresh(mark: re.Match[str]) -> str:
        names = mark[3].split(", ")
        if mark[2] == "table":
            made = table(names, file, lists)
        elif mark[2] == "list":
            made = bullets(lists[names[0]])
        else:
            made = ", ".join(f"`{word}`" for word in words(lists[names[0]]))
        return f"{mark[1]}{made}<!-- end -->"

    form = r"(<!-- (table|list|line) of ([\w, ]+): made by generate_words.py -->).*?<!-- end -->"
    return re.sub(form, fresh, text, flags=re.S)


def committed() -> dict[Path, str]:
    """Each committed file that is made here, wholly or in part, as it should be."""
    file, lists = read()
    made = {
        TREE / "conformance/adapters/words.py": python(lists),
        TREE / "conformance/adapters/node/words.js": javascript(lists),
        HERE / "schemas/words.json": schema(lists),
    }
    for name in PAGES:
        made[TREE / name] = page((TREE / name).read_text(), file, lists)
    return made


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--cpp"]:
        target, made = Path(arguments[1]), cpp(*read())
        if not target.exists() or target.read_text() != made:  # else all would be compiled again
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(made)
        return 0
    stale = [
        (target, made)
        for target, made in committed().items()
        if not target.exists() or target.read_text() != made
    ]
    for target, made in stale:
        print(target.relative_to(TREE))
        if arguments != ["--check"]:
            target.write_text(made)
    return 1 if stale and arguments == ["--check"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
