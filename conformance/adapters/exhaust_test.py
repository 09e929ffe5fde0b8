"""Using up a resource, and damaging what the pool reads: each task in its own fork."""

from __future__ import annotations

import signal

import pytest
from bodies_test import FORKING
from driver import adapter

MIB = 1 << 20


def limits(text: str) -> str:
    return (
        f"{FORKING}\n    def prepare(self):\n        import os, resource, socket\n        {text}\n"
    )


# What the task's body raised, as the exit status of its process: kit.run raised it.
REFUSED = """
        run = kit.run
        def told(call):
            try:
                run(call)
            except (MemoryError, OSError, RecursionError) as refusal:
                os._exit(100 + (getattr(refusal, 'errno', None) or 0))
            except RuntimeError:
                os._exit(99)
        kit.run = told
"""


@pytest.mark.parametrize(
    ("what", "limit", "status"),
    [
        ("memory", "resource.setrlimit(resource.RLIMIT_AS, (300 << 20,) * 2)", 100),
        ("memory", "resource.setrlimit(resource.RLIMIT_DATA, (100 << 20,) * 2)", 100),
        ("files", "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))", 100 + 24),
        ("file-size", "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20,) * 2)", 100 + 27),
        ("files", "pass", 99),
    ],
)
def test_what_is_refused_is_written_and_raised_and_what_is_not_is_said(
    what: str, limit: str, status: int
) -> None:
    with adapter(limits(limit) + REFUSED) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        at_most = 100 if what == "files" else 1024 * MIB
        harness.answer(harness.meeting("t1"), "exhaust", what=what, at_most=at_most)
        assert harness.outcome("t1") == {"kind": "value", "value": status}
        assert len(harness.ledger.of("t1", "struck")) == (1 if status >= 100 else 0)
        assert not harness.ledger.of("t1", "end")


def test_a_stack_that_overflows_ends_the_process_or_is_an_error_of_the_language() -> None:
    handled = "import faulthandler; faulthandler.enable(); resource.setrlimit(4, (0, 0))"
    with adapter(limits(handled) + REFUSED) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "exhaust", what="stack", at_most=1)
        told = harness.outcome("t1")["value"]
        written = bool(harness.ledger.of("t1", "struck"))
        assert (told, written) in [(-signal.SIGSEGV, False), (100, True)]


def test_garbage_goes_to_every_pipe_and_socket_but_the_line() -> None:
    ends = """self.pipe, self.pair = os.pipe(), socket.socketpair()
        run = kit.run
        def told(call):
            run(call)
            read = [os.read(self.pipe[0], 9999), self.pair[0].recv(9999), self.pair[1].recv(9999)]
            os._exit(sum(got.startswith(b'rubbish') and len(got) == 4096 for got in read))
        kit.run = told
"""
    with adapter(limits(ends)) as harness:
        harness.open()
        harness.submit("t1", "rendezvous")
        harness.answer(harness.meeting("t1"), "garbage")
        assert harness.outcome("t1") == {"kind": "value", "value": 3}
        assert harness.ledger.of("t1", "struck")
        assert harness.ledger.of("t1", "end"), "the body goes on"
