"""What a terminal does to a program with an executor: checks the tables of `executor/guide.md`,
section "the terminal".

Each case starts `poolproof_terminal_program` in a new session with its own pseudo-terminal, by a
real `bash -i`, does what its row says (presses a key, closes the terminal ...), and makes the row's
cells from what it saw. They must equal those of the guide.

Run it with: cmake --build build/release --target poolproof_terminal_program
             pytest executor/tests/terminal_test.py
POOLPROOF_BIN names another folder of programs. Any user may run it, with or without a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import terminal_row as do
from terminal import PROGRAM, TREE, Terminal

GUIDE = TREE / "executor" / "guide.md"


@dataclass(frozen=True)
class Case:
    name: str
    row: str  # the first cell
    words: str  # for the program
    deed: do.Deed
    line: str = "{program}"  # what is typed into the shell; empty: no shell
    shows_first: bool = True  # wait for the task's first output
    starts_later: bool = False  # the action waits for the first task


LEFT, HANDLES, IGNORES = "does nothing about it", "handles it", "ignores it"
WAITS = "waits for it with `sigwait` or `signalfd`"
NOHUP, SETSID = "nohup {program}", "setsid --wait {program}"
# With -b bash reports at once that a job has stopped.
BACKGROUND, TOSTOP = "set -b; {program} &", "set -b; stty tostop; {program} &"
# For cases in which the shell cannot be asked how the program ended.
TELLS_STATUS = "(trap : HUP TERM; {program}; echo status $? >reports)"
TIMEOUT = "timeout 1000 {program}"
COMMANDS = "Commands that a task starts"

C_ENDS = do.pressing("C", do.await_ended)
C_HANDLED = do.pressing("C", do.await_handled)
C_KILLS_WORKER = do.pressing("C", do.await_handled, do.await_worker_ended)
C_AT_COMMAND = do.in_turn(do.await_command, C_HANDLED, do.look_at_command)
C_ENDS_AT_COMMAND = do.in_turn(do.await_command, C_ENDS, do.await_worker_ended, do.look_at_command)
STOPPED_TOO_LONG = do.pressing("Z", do.await_stopped, do.let_the_limit_pass, do.foreground)
CLOSED = do.in_turn(do.hang_up, do.await_shell_ended)
CLOSED_UNDER_NOHUP = do.in_turn(do.await_nohup_out, CLOSED)
HANDLED_TERM = do.in_turn(do.terminate_group, do.await_handled)

# By the headings of the guide.
CASES = {
    "Ctrl-C": [
        Case("left", LEFT, "", C_ENDS),
        Case("handled", HANDLES, "handle:INT", C_HANDLED),
        Case(
            "twice",
            f"{HANDLES}, and it comes twice",
            "handle:INT",
            do.in_turn(C_HANDLED, do.pressing("C")),
        ),
        Case(
            "handled_early",
            f"{HANDLES}, in a handler that a static constructor sets",
            "",
            C_HANDLED,
            "TERMINAL_EARLY_HANDLER=INT {program}",
        ),
        Case("sigwait", WAITS, "sigwait:INT", C_HANDLED),
        Case("signalfd", WAITS, "signalfd:INT", C_HANDLED),
        Case("ignored", IGNORES, "ignore:INT", do.pressing("C")),
        Case("inherit_left", f"{LEFT}, `kInherit`", "inherit", C_ENDS),
        Case("inherit_handled", f"{HANDLES}, `kInherit`", "handle:INT inherit", C_KILLS_WORKER),
        Case("inherit_ignored", f"{IGNORES}, `kInherit`", "ignore:INT inherit", do.pressing("C")),
        Case(
            "shutdown_left",
            f"{LEFT}, and is in `shutdown()`",
            "shutdown",
            do.in_turn(do.await_shutting_down, C_ENDS),
        ),
        Case(
            "shutdown_handled",
            f"{HANDLES}, and is in `shutdown()`",
            "shutdown handle:INT",
            do.in_turn(do.await_shutting_down, C_HANDLED),
        ),
        Case(
            "starts",
            f"{HANDLES}, and workers are starting",
            "handle:INT starts",
            do.press_while_workers_start,
            starts_later=True,
        ),
        Case(
            "constructor",
            f"{HANDLES}, and workers are starting",
            "handle:INT slow-start",
            do.press_while_a_constructor_runs,
            starts_later=True,
        ),
        Case("nested_left", f"{LEFT}, and a task has an executor of its own", "nested", C_ENDS),
        Case(
            "nested_handled",
            f"{HANDLES}, and a task has an executor of its own",
            "nested handle:INT",
            C_HANDLED,
        ),
        Case(
            "nohup",
            f"{LEFT}, under `nohup`",
            "",
            do.in_turn(do.await_nohup_out, C_ENDS),
            NOHUP,
            shows_first=False,
        ),
        Case("setsid", f"{LEFT}, under `setsid`", "", do.pressing("C"), SETSID),
        Case("background", f"{LEFT}, in the background", "", do.pressing("C"), BACKGROUND),
    ],
    "Ctrl-\\": [
        Case("left", LEFT, "", do.pressing("\\", do.await_ended)),
        Case("handled", HANDLES, "handle:QUIT", do.pressing("\\", do.await_handled)),
        Case(
            "inherit",
            f"{HANDLES}, `kInherit`",
            "handle:QUIT inherit",
            do.pressing("\\", do.await_handled, do.await_worker_ended),
        ),
    ],
    "Ctrl-Z, then `fg`": [
        Case("left", LEFT, "", do.pressing("Z", do.await_stopped, do.foreground)),
        Case(
            "deadline",
            f"{LEFT}; the `deadline` of the running task passes",
            "deadline",
            do.in_turn(STOPPED_TOO_LONG, do.await_running_told),
        ),
        Case(
            "run_limit",
            f"{LEFT}; the `run_limit` of the running task passes",
            "run-limit",
            do.in_turn(STOPPED_TOO_LONG, do.await_running_told),
        ),
        Case(
            "queued_deadline",
            f"{LEFT}; the `deadline` of the queued task passes",
            "queued-deadline",
            STOPPED_TOO_LONG,
        ),
        Case(
            "closed",
            f"{LEFT}; no `fg`, the terminal is closed",
            "",
            do.pressing("Z", do.await_stopped, do.hang_up, do.await_ended_by_shell),
            TELLS_STATUS,
        ),
        Case(
            "killed",
            f"{LEFT}; no `fg`, it gets SIGKILL",
            "",
            do.pressing("Z", do.await_stopped, do.kill_program),
            TELLS_STATUS,
        ),
        Case(
            "handled",
            HANDLES,
            "handle:TSTP",
            do.pressing("Z", do.await_handled, do.await_worker_stopped),
        ),
        Case(
            "handled_well",
            f"{HANDLES}, and an initializer ignores it in workers",
            "handle:TSTP worker-ignores:TSTP",
            do.pressing("Z", do.await_handled),
        ),
        Case("ignored", IGNORES, "ignore:TSTP", do.pressing("Z")),
    ],
    "The terminal is closed (SIGHUP)": [
        Case("left", LEFT, "", do.in_turn(do.hang_up, do.await_ended), TELLS_STATUS),
        Case("handled", HANDLES, "handle:HUP", do.in_turn(CLOSED, do.await_handled)),
        Case(
            "inherit",
            f"{HANDLES}, `kInherit`",
            "handle:HUP inherit",
            do.in_turn(CLOSED, do.await_handled, do.await_worker_ended),
        ),
        Case("nohup", "runs under `nohup`", "", CLOSED_UNDER_NOHUP, NOHUP, shows_first=False),
        Case(
            "nohup_background",
            "runs under `nohup`",
            "",
            CLOSED_UNDER_NOHUP,
            f"{NOHUP} &",
            shows_first=False,
        ),
        Case(
            "nohup_inherit",
            "runs under `nohup`, `kInherit`",
            "inherit",
            CLOSED_UNDER_NOHUP,
            NOHUP,
            shows_first=False,
        ),
        Case("setsid", "runs under `setsid`", "", CLOSED, SETSID),
        Case(
            "leader_left",
            f"runs without a shell, and {LEFT}",
            "",
            do.in_turn(do.hang_up, do.await_ended),
            "",
        ),
        Case(
            "leader_handled",
            f"runs without a shell, and {HANDLES}",
            "handle:HUP",
            do.in_turn(do.hang_up, do.await_handled),
            "",
        ),
        Case(
            "leader_inherit",
            f"runs without a shell, and {HANDLES}, `kInherit`",
            "handle:HUP inherit",
            do.in_turn(do.hang_up, do.await_handled),
            "",
        ),
    ],
    "SIGTERM from `timeout`": [
        Case("left", LEFT, "", do.in_turn(do.terminate_group, do.await_ended), TIMEOUT),
        Case(
            "handled",
            HANDLES,
            "handle:TERM",
            do.in_turn(HANDLED_TERM, do.await_worker_ended),
            TIMEOUT,
        ),
        Case(
            "handled_well",
            f"{HANDLES}, and an initializer ignores it in workers",
            "handle:TERM worker-ignores:TERM",
            HANDLED_TERM,
            TIMEOUT,
        ),
    ],
    "A task writes to a closed pipe (SIGPIPE)": [
        Case("left", LEFT, "pipe", do.open_gate),
        Case(
            "ignored", IGNORES, "pipe ignore:PIPE", do.in_turn(do.open_gate, do.await_refused_write)
        ),
    ],
    "In the background": [
        Case("stdin", "its task reads stdin", "reads:stdin", do.await_read, BACKGROUND),
        Case(
            "tty",
            "its task reads `/dev/tty`",
            "reads:/dev/tty",
            do.in_turn(do.await_stopped, do.foreground, do.type_hello, do.await_read),
            BACKGROUND,
        ),
        Case("prints", "its task prints", "", do.nothing, BACKGROUND),
        Case(
            "tostop",
            "its task prints, after `stty tostop`",
            "",
            do.in_turn(do.await_stopped, do.foreground),
            TOSTOP,
            shows_first=False,
        ),
        Case(
            "tostop_ignored",
            "its task prints, after `stty tostop`; it ignores SIGTTOU",
            "ignore:TTOU",
            do.nothing,
            TOSTOP,
        ),
    ],
    COMMANDS: [
        Case("left", f"{LEFT}; the task calls `system`", "command:system", C_ENDS_AT_COMMAND),
        Case(
            "handled",
            f"{HANDLES}; the task calls `system`",
            "command:system handle:INT",
            C_AT_COMMAND,
        ),
        Case(
            "inherit",
            f"{LEFT}, `kInherit`; the task calls `system`",
            "command:system inherit",
            C_ENDS_AT_COMMAND,
        ),
        Case(
            "env_left",
            f"{LEFT}; `system`, with `env --default-signal`",
            "command:env",
            C_ENDS_AT_COMMAND,
        ),
        Case(
            "env_handled",
            f"{HANDLES}; `system`, with `env --default-signal`",
            "command:env handle:INT",
            C_AT_COMMAND,
        ),
        Case(
            "spawn_left",
            f"{LEFT}; `posix_spawn`, with SETSIGDEF",
            "command:posix_spawn",
            C_ENDS_AT_COMMAND,
        ),
        Case(
            "spawn_handled",
            f"{HANDLES}; `posix_spawn`, with SETSIGDEF",
            "command:posix_spawn handle:INT",
            C_AT_COMMAND,
        ),
    ],
}
EACH = [
    pytest.param(heading, case, id=f"{heading.split()[0].strip('(,`')}-{case.name}")
    for heading, cases in CASES.items()
    for case in cases
]


def tables() -> dict[tuple[str, str], list[str]]:
    """The rows of the guide's section, by heading and first cell."""
    page = GUIDE.read_text(encoding="utf-8").partition("\n## the terminal\n")[2]
    rows: dict[tuple[str, str], list[str]] = {}
    heading = ""
    for line in page.partition("\n## ")[0].splitlines():
        if line.startswith("### "):
            heading = line[4:]
        elif line.startswith("| ") and not line.startswith("| your program |"):
            first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert (heading, first) not in rows, line
            rows[heading, first] = cells
    return rows


def start(case: Case, folder: Path) -> Terminal:
    words = case.words.split()
    if not case.line:
        return Terminal(folder, words)
    terminal = Terminal(folder)
    terminal.tells_status = case.line == TELLS_STATUS
    terminal.type(case.line.format(program=" ".join([str(PROGRAM), str(folder), *words])))
    return terminal


def cells_of_row(heading: str, case: Case, terminal: Terminal) -> list[str]:
    if not case.starts_later:
        terminal.await_line(r"began running (\d+)")
    if case.shows_first and not case.starts_later:
        terminal.await_shown("running began")
    seen = do.Seen(terminal)
    case.deed(seen)
    cells = do.cells_of(seen)
    return [cells[0], seen.command_does] if heading == COMMANDS else cells


def struck_twice(case: Case, terminal: Terminal) -> bool:
    """Whether the signal came again after the second task had begun.

    bash passes SIGHUP on to its jobs, and when bash has ended, the kernel sends it to them once
    more. Workers that have the signal's own meaning then end at both. The rows are about one.
    """
    begun = [n for n, line in enumerate(terminal.lines) if line.startswith("began queued")]
    later = terminal.lines[begun[0] :] if begun else []
    return "inherit" in case.words and any(line.startswith("handled") for line in later)


@pytest.mark.parametrize(("heading", "case"), EACH)
def test_a_row_of_the_guide_is_what_happens(heading: str, case: Case, tmp_path: Path) -> None:
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        terminal = start(case, folder)
        try:
            cells = cells_of_row(heading, case, terminal)
            print("| " + " | ".join([case.row, *cells]) + " |")
            assert tables().get((heading, case.row)) == cells
            return
        except AssertionError:
            if attempt == 4 or not struck_twice(case, terminal):
                raise
        finally:
            terminal.close()


def test_every_row_of_the_guide_has_a_case() -> None:
    assert set(tables()) == {(heading, each.row) for heading, all in CASES.items() for each in all}
