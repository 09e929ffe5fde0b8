"""What terminal_test.py does to a program in a terminal, and the row of the guide that it makes
from what it saw.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from terminal import Terminal, parent_of, state_of

LIMIT_S = 5.0  # kLimit of the program

# --- what is done to a program; each function returns once it has happened ---

Deed = Callable[["Seen"], None]


@dataclass
class Seen:
    """A running case, and what it reports in addition to what `cells_of` finds."""

    terminal: Terminal
    program_does: str = ""
    workers_do: str = ""
    file: str = ""  # has the output of tasks
    task_does: str = ""  # before it goes to the gate
    ends_by: str = ""  # if that is not a single signal
    command_does: str = ""


def await_handled(seen: Seen) -> None:
    seen.terminal.await_line(r"handled (\d+) \d+")


def await_ended(seen: Seen) -> None:
    seen.terminal.await_end(seen.terminal.program)


def await_worker_ended(seen: Seen) -> None:
    seen.terminal.await_end(seen.terminal.worker)


def pressing(letter: str, *then: Deed) -> Deed:
    def deed(seen: Seen) -> None:
        seen.terminal.press(letter)
        for each in then:
            each(seen)

    return deed


def in_turn(*deeds: Deed) -> Deed:
    def all_of_them(seen: Seen) -> None:
        for each in deeds:
            each(seen)

    return all_of_them


def nothing(seen: Seen) -> None:
    pass


def open_gate(seen: Seen) -> None:
    seen.terminal.open_gate()


def await_refused_write(seen: Seen) -> None:
    assert seen.terminal.await_line(r"wrote (\w+)") == "EPIPE"
    seen.task_does = "gets EPIPE, "


def hang_up(seen: Seen) -> None:
    seen.terminal.hang_up()


def await_shell_ended(seen: Seen) -> None:
    """The shell has passed the signal on to its jobs."""
    seen.terminal.await_end(seen.terminal.leader)


def await_stopped(seen: Seen) -> None:
    terminal = seen.terminal
    terminal.await_state(terminal.program, "T")
    terminal.await_state(terminal.worker, "T")
    terminal.await_shown("Stopped")  # the shell knows it, too; else its `fg` would send no SIGCONT
    seen.program_does, seen.workers_do = "stops until `fg`", "stop until `fg`"


def foreground(seen: Seen) -> None:
    seen.terminal.type("fg")
    pids = (seen.terminal.program, seen.terminal.worker)
    seen.terminal.await_that(lambda: "T" not in map(state_of, pids), "program and worker to go on")


def let_the_limit_pass(seen: Seen) -> None:
    """The only wait for time: from the beginning of the task, which was seen, until its limit."""
    over = time.monotonic() + LIMIT_S
    while time.monotonic() < over:
        seen.terminal.listen()
        time.sleep(0.1)


def await_running_told(seen: Seen) -> None:
    seen.terminal.await_line(r"running: (.*)")


def await_worker_stopped(seen: Seen) -> None:
    """Although the gate is open, the worker needs its own SIGCONT."""
    terminal = seen.terminal
    terminal.await_state(terminal.worker, "T")
    seen.workers_do = "stop until they get SIGCONT"
    terminal.open_gate()
    assert state_of(terminal.program) != "T"
    assert not terminal.found(r"running: (.*)")
    os.kill(terminal.worker, signal.SIGCONT)


def await_ended_by_shell(seen: Seen) -> None:
    """Before it ends, bash sends its stopped jobs SIGHUP and SIGTERM; then SIGCONT."""
    await_ended(seen)
    seen.ends_by = "SIGHUP or SIGTERM"


def kill_program(seen: Seen) -> None:
    """Also lets the subshell continue that reports how the program ended."""
    parent = parent_of(seen.terminal.program)
    os.kill(seen.terminal.program, signal.SIGKILL)
    await_ended(seen)
    await_worker_ended(seen)
    os.kill(parent, signal.SIGCONT)


def await_shutting_down(seen: Seen) -> None:
    seen.terminal.await_that(lambda: "shutting down" in seen.terminal.lines, "shutdown")


def terminate_group(seen: Seen) -> None:
    """As timeout(1) does: it is the program's parent, and passes on the SIGTERM that it gets."""
    timeout = parent_of(seen.terminal.program)
    # It sleeps once it waits for its child. Before that, although the child runs, it would just
    # exit.
    seen.terminal.await_state(timeout, "S")
    os.kill(timeout, signal.SIGTERM)


def press_while_workers_start(seen: Seen) -> None:
    terminal = seen.terminal
    terminal.await_that(lambda: "starts begin" in terminal.lines, "the first start")
    terminal.await_that(
        lambda: "starts end" in terminal.lines or os.write(terminal.master, b"\x03") == 0,
        "the last start",
        of_program=True,
    )
    terminal.await_line(r"began running (\d+)")


def press_while_a_constructor_runs(seen: Seen) -> None:
    terminal = seen.terminal
    terminal.await_line(r"starting (\d+)")
    terminal.press("C")
    await_handled(seen)
    terminal.open_gate("start")
    terminal.await_line(r"began running (\d+)")
    assert terminal.found(r"starting (\d+)")[0] == str(terminal.worker)


def await_read(seen: Seen) -> None:
    size = seen.terminal.await_line(r"read (\w+)")
    seen.task_does = {"0": "reads an end of file, "}.get(size, f"reads {size} bytes, ")


def type_hello(seen: Seen) -> None:
    seen.terminal.type("hello")


def await_nohup_out(seen: Seen) -> None:
    seen.file = "nohup.out"
    path = seen.terminal.folder / seen.file
    seen.terminal.await_that(
        lambda: path.exists() and "running began" in path.read_text(), "nohup.out"
    )


def await_command(seen: Seen) -> None:
    seen.terminal.await_line(r"command (\d+)")


def look_at_command(seen: Seen) -> None:
    """Whether it does what comes after the gate. If the signal was for it, it was sent before."""
    terminal = seen.terminal
    terminal.open_gate()
    terminal.await_end(int(terminal.await_line(r"command (\d+)")))
    seen.command_does = "goes on" if "finished" in terminal.lines else "ends"


# --- the cells of a row ---


def of_end(told: str) -> str:
    word, _, rest = told.partition(" ")
    if word == "value":
        return "gives its value"
    return f"ends with `{word}`" + (f" ({rest})" if rest else "")


def of_output(seen: Seen, over: bool) -> str:
    terminal = seen.terminal
    if seen.file:
        text = (terminal.folder / seen.file).read_text()
        assert ("queued ended" if over else "running began") in text, text
        return f"goes to `{seen.file}`"
    if not over:
        return "is shown until then" if "running began" in terminal.shown else "is not shown"
    printed = terminal.found(r"printed (\w+ \w+)")
    assert printed, terminal.lines
    refused = {each.split()[1] for each in printed} - {"all"}
    if refused:
        return f"is lost ({', '.join(sorted(refused))})"
    terminal.await_shown(printed[-1].split()[0] + " ended")
    return "is shown"


def cells_of(seen: Seen) -> list[str]:
    """What happened to program, workers, the running task, queued tasks and output."""
    terminal = seen.terminal
    program, worker = terminal.program, terminal.worker
    if not terminal.ended(program):
        terminal.open_gate()
    terminal.await_end(program)
    terminal.await_end(worker)
    terminal.await_nothing_left()
    over = "end" in terminal.lines
    status = terminal.status_of_program() if not over else 0
    for pid in terminal.found(r"handled \d+ (\d+)"):
        assert int(pid) == program, "a handler of the program ran elsewhere"
    running = terminal.found(r"running: (.*)") or [""]
    queued = terminal.found(r"queued: (.*)") or [""]
    successor = terminal.found(r"began queued (\d+)")
    assert over or not successor
    workers = seen.workers_do or "go on"
    if not over:
        by = signal.Signals(status - 128).name
        assert by in (seen.ends_by or by), by
        seen.program_does = f"ends by {seen.ends_by or by}"
        workers = "are killed"
    elif successor and int(successor[0]) != int(
        (terminal.found(r"outer (\d+)") or [str(worker)])[0]
    ):
        died = re.fullmatch(r"TerminatedWorkerError (SIG\w+)", running[0])
        workers = f"end by {died[1]}, are replaced" if died else workers + "; one is replaced"
    return [
        seen.program_does or "goes on",
        workers,
        seen.task_does + of_end(running[0]) if over else "is lost",
        of_end(queued[0]).replace("gives its value", "runs") if over else "never runs",
        of_output(seen, over),
    ]
