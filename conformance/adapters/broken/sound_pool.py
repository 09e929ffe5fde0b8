"""A small process pool without a known defect. The broken pools beside it are made from it.

It follows the rules that other pools break. Each worker has its own channel, so a death blocks
nothing that another worker needs. Only the kernel's record of the process counts as a death (pidfd,
then waitid), never the end of a pipe. A worker claims a task before it decodes it, so the pool
knows which task a death hits. Replies are read before a death is reported. A message counts only
when it is whole. Nothing polls.

One thread supervises: it forks, watches and reaps, and only it touches the workers (PDEATHSIG is
bound to the thread that forked). A second thread decodes results and reports outcomes, so that
neither a result nor a callback can delay the first one. Both take their orders from queues, and no
lock is held during a fork. Descriptors are plain numbers: in a forked worker, no object may close
them.

A broken pool puts its defect into one of the methods without an underscore.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import select
import signal
import socket
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable

import sound_worker as wire
from sound_books import Task, Worker, cause_of_death
from sound_errors import (
    Cancelled,
    DeadlineError,
    DecodeArgsError,
    DecodeResultError,
    EncodeArgsError,
    EncodeResultError,
    GarbageError,
    PoolError,
    ShutDown,
    SpawnError,
    TaskError,
    WorkerLost,
)
from sound_worker import be_a_worker, describe

GRACE_S = 0.5  # for a worker that lost its channel, or was asked to end; then it is killed
MOST_UNCLAIMED = 3  # workers that may die before they claim a task; then it is given up
MOST_BYTES = 1 << 30  # of one message

_FAILURE_OF = {
    wire.RAISED: (TaskError, "ran"),
    wire.UNDECODABLE: (DecodeArgsError, "not-started"),
    wire.UNENCODABLE: (EncodeResultError, "ran"),
}


def _decoded(outcome: bytes | PoolError) -> tuple[object, PoolError | None]:
    try:
        return (None, outcome) if isinstance(outcome, PoolError) else (pickle.loads(outcome), None)
    except BaseException as error:
        return None, DecodeResultError(describe(error), certainty="ran")


class SoundPool:
    holds_the_program = False  # until it is closed

    def __init__(
        self,
        workers: int,
        tasks_per_worker: int | None = None,
        initializer: Callable[[], None] | None = None,
    ):
        self.size, self.share, self.initializer = workers, tasks_per_worker, initializer
        self.workers: list[Worker] = []
        self.queue: deque[Task] = deque()
        self._closing = ""
        self._orders: deque[Callable[[], None]] = deque()
        self._outcomes: queue.SimpleQueue = queue.SimpleQueue()
        self._bell, self._bell_rope = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._teller, self._supervisor = (
            threading.Thread(target=self._or_abort, args=(work,), daemon=not self.holds_the_program)
            for work in (self._tell_all, self._supervise)
        )
        self._teller.start()
        self._supervisor.start()

    def submit(self, function, argument, tell, deadline_s: float | None = None) -> Task:
        """Runs function(argument) in a worker. `tell` is called once, on a thread of the pool."""
        if self._closing:
            raise ShutDown("the pool was shut down", certainty="not-started")
        deadline = None if deadline_s is None else time.monotonic() + deadline_s
        try:
            data = pickle.dumps((function, argument))
        except BaseException as error:
            raise EncodeArgsError(describe(error), certainty="not-started") from error
        task = Task(data, tell, deadline)
        self._order(lambda: self.queue.append(task))
        return task

    def cancel(self, task: Task) -> None:
        """Takes a task back that was not given to a worker yet; otherwise it continues."""
        self._order(lambda: self._withdraw(task))

    def resize(self, workers: int) -> None:
        """Surplus workers end when their task has ended; free places are filled again."""
        self._order(lambda: self._resize(workers))

    def close(self, how: str) -> None:
        """Ends the pool. drain: when all is done; cancel: when what runs is done; kill: now."""
        self._closing = how
        self._order(lambda: self._withdraw(*self.queue) if how == "cancel" else None)
        self._supervisor.join()
        self._teller.join()
        os.close(self._bell)
        os.close(self._bell_rope)

    # --- where a defect goes -----------------------------------------------------------------

    def cause_of(self, status: os.waitid_result | None) -> str:
        """What is reported about a worker's death."""
        return cause_of_death(status)

    def notices(self, worker: Worker) -> bool:
        """Whether the pool watches for the end of this worker, or of its channel."""
        return True

    def let_go(self, worker: Worker) -> None:
        """Frees what the pool holds of a worker that has ended."""
        for fd in (worker.pidfd, worker.channel):
            if fd >= 0:
                os.close(fd)

    def hand_over(self, task: Task, result: bytes | PoolError) -> None:
        """Passes the outcome on to be reported. Called once for each task."""
        self._outcomes.put((task, result))

    def on_death(self, worker: Worker) -> None:
        """A worker ended that was not asked to, and its task fails because of that."""

    def is_idle(self) -> bool:
        return not self.queue and all(worker.task is None for worker in self.workers)

    # --- outcomes ----------------------------------------------------------------------------

    def _or_abort(self, work: Callable[[], None]) -> None:
        """If a thread ended because of a bug, this would look like a hang: so it aborts visibly."""
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os.abort()

    def _tell_all(self) -> None:
        while (item := self._outcomes.get()) is not None:
            task, outcome = item
            try:
                task.tell(*_decoded(outcome))
            except Exception:  # the caller's error: other tasks lose nothing
                traceback.print_exc()

    # --- supervision -------------------------------------------------------------------------

    def _order(self, deed: Callable[[], None]) -> None:
        self._orders.append(deed)
        with contextlib.suppress(BlockingIOError):  # it has already rung
            os.write(self._bell_rope, b"!")

    def _withdraw(self, *tasks: Task) -> None:
        for task in tasks:
            if task in self.queue:
                self.queue.remove(task)
                self.hand_over(task, Cancelled("it was cancelled", certainty="not-started"))

    def _supervise(self) -> None:
        while True:
            while self._orders:
                self._orders.popleft()()
            if self._closing == "kill" or (self._closing and self.is_idle() and not self._orders):
                break
            self._hire()
            self._hand_out()
            ready = self._sleep()
            # The order matters: what was sent before a death counts, and a death counts before a
            # deadline.
            for worker in list(self.workers):
                if worker.channel in ready:
                    self._listen(worker)
            for worker in list(self.workers):
                if worker.pidfd in ready and self.notices(worker):
                    self._bury(worker)
            self._look_at_the_clock(time.monotonic())
        self._end_all()

    def _sleep(self) -> set[int]:
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        ends = [task.deadline for task in self.queue]
        for worker in self.workers:
            if worker.channel >= 0:
                poll.register(
                    worker.channel, select.POLLIN | (select.POLLOUT if worker.outbox else 0)
                )
            if self.notices(worker):
                poll.register(worker.pidfd, select.POLLIN)
            ends.append(worker.suspect_until)
            if worker.task and not worker.doom:
                ends.append(worker.task.deadline)
        next_end = min((end for end in ends if end is not None), default=None)
        left = None if next_end is None else max(0.0, next_end - time.monotonic()) * 1000 + 1
        ready = {fd for fd, _ in poll.poll(left)}
        if self._bell in ready:
            os.read(self._bell, 4096)
        return ready

    def _hire(self) -> None:
        taken = {worker.index for worker in self.workers}
        for index in set(range(self.size)) - taken:
            try:
                self.workers.append(self._fork(index))
            except OSError as error:
                if not self.workers:  # no worker is left, or will be, to run them
                    for task in self.queue:
                        self.hand_over(task, SpawnError(describe(error), certainty="not-started"))
                    self.queue.clear()
                return

    def _fork(self, index: int) -> Worker:
        ours, theirs = (end.detach() for end in socket.socketpair())
        parent = os.getpid()
        pid = 0
        try:
            pid = os.fork()
            if pid == 0:
                be_a_worker(theirs, parent, self.initializer)
            pidfd = os.pidfd_open(pid)
        except OSError:
            os.close(ours)
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        return Worker(index, pid, pidfd, ours)

    def _hand_out(self) -> None:
        for worker in self.workers:
            if worker.task is None and worker.channel >= 0 and not worker.doom and self.queue:
                worker.task = self.queue.popleft()
                worker.outbox += wire.TASK_HEADER.pack(len(worker.task.data)) + worker.task.data
            self._write(worker)

    def _write(self, worker: Worker) -> None:
        try:
            while worker.outbox and worker.channel >= 0:
                del worker.outbox[: os.write(worker.channel, worker.outbox)]
        except BlockingIOError:
            pass
        except OSError:  # it is gone; the kernel's record of its process will say how
            worker.outbox.clear()

    def _listen(self, worker: Worker) -> None:
        """Reads what the worker has sent, handles whole messages, and notices the channel's end."""
        lost = False
        while worker.channel >= 0 and not lost:
            try:
                more = os.read(worker.channel, 1 << 20)
            except BlockingIOError:
                break
            except OSError:
                more = b""
            worker.inbox += more
            lost = not more
            self._take_in(worker)
        if lost:
            os.close(worker.channel)
            worker.channel = -1
            if self.notices(worker):
                worker.suspect_until = time.monotonic() + GRACE_S

    def _take_in(self, worker: Worker) -> None:
        while len(worker.inbox) >= wire.HEADER.size and not isinstance(worker.doom, GarbageError):
            kind, size = wire.HEADER.unpack_from(worker.inbox)
            known = kind in (wire.CLAIMED, wire.STARTED, wire.VALUE, *_FAILURE_OF)
            if not known or size > MOST_BYTES or worker.task is None:
                self._doom(worker, GarbageError("the worker spoke out of turn", "garbage"))
                return
            whole = wire.HEADER.size + size
            if len(worker.inbox) < whole:
                return
            data = bytes(worker.inbox[wire.HEADER.size : whole])
            del worker.inbox[:whole]
            self._on_word(worker, worker.task, kind, data)

    def _on_word(self, worker: Worker, task: Task, kind: bytes, data: bytes) -> None:
        if kind == wire.CLAIMED:
            worker.claimed = True
        elif kind == wire.STARTED:
            worker.started = True
        else:
            outcome: bytes | PoolError = data
            if kind in _FAILURE_OF:
                failure, certainty = _FAILURE_OF[kind]
                outcome = failure(data.decode(), certainty=certainty)
            worker.task, worker.claimed, worker.started = None, False, False
            worker.done += 1
            self.hand_over(task, outcome)
            if worker.index >= self.size or worker.done == self.share:
                self._dismiss(worker)

    def _resize(self, workers: int) -> None:
        self.size = workers
        for worker in self.workers:
            if worker.index >= workers and worker.task is None and worker.channel >= 0:
                self._dismiss(worker)

    def _dismiss(self, worker: Worker) -> None:
        """Closing its input ends it; another worker takes its place after that."""
        os.close(worker.channel)
        worker.channel, worker.suspect_until = -1, time.monotonic() + GRACE_S

    def _doom(self, worker: Worker, reason: PoolError) -> None:
        worker.doom = worker.doom or reason
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            signal.pidfd_send_signal(worker.pidfd, signal.SIGKILL)

    def _bury(self, worker: Worker) -> None:
        """Takes the exit record, and settles the tasks of the dead worker."""
        self._listen(worker)
        try:
            status = os.waitid(os.P_PIDFD, worker.pidfd, os.WEXITED)
        except ChildProcessError:
            status = None
        self.let_go(worker)
        self.workers.remove(worker)
        task, worker.task = worker.task, None
        if task is None:
            return
        by_us = worker.doom is not None and cause_of_death(status) == "signal:KILL"
        meant = by_us and not isinstance(worker.doom, WorkerLost)
        if not worker.claimed and not meant and task.unclaimed_deaths + 1 < MOST_UNCLAIMED:
            task.unclaimed_deaths += 1
            self.queue.appendleft(task)
            return
        if by_us:
            failure = worker.doom
        else:
            cause = self.cause_of(status)
            failure = WorkerLost(f"worker {worker.index} (pid {worker.pid}) ended: {cause}", cause)
            self.on_death(worker)
        failure.certainty = worker.certainty()
        failure.pid, failure.worker = worker.pid, worker.index
        self.hand_over(task, failure)

    def _look_at_the_clock(self, now: float) -> None:
        for task in [task for task in self.queue if task.deadline and task.deadline <= now]:
            self.queue.remove(task)
            self.hand_over(task, DeadlineError("it was still waiting", "deadline", "not-started"))
        for worker in self.workers:
            if worker.task and worker.task.deadline and worker.task.deadline <= now:
                self._doom(worker, DeadlineError("it ran past its deadline", "deadline"))
            if worker.suspect_until and worker.suspect_until <= now:
                worker.suspect_until = None
                self._doom(worker, WorkerLost("the worker lost its channel", "channel-lost"))

    def _end_all(self) -> None:
        for worker in list(self.workers):
            if self._closing == "kill":
                self._doom(worker, ShutDown("the pool was shut down by force"))
            elif worker.channel >= 0:
                os.close(worker.channel)  # the end of the worker's input: it ends
                worker.channel = -1
        for worker in list(self.workers):
            end = select.poll()
            end.register(worker.pidfd, select.POLLIN)
            if not end.poll(GRACE_S * 1000):
                self._doom(worker, ShutDown("the worker did not end when asked to"))
            self._bury(worker)
        while self._orders:  # tasks that were submitted just before the end
            self._orders.popleft()()
        while self.queue:
            task = self.queue.popleft()
            self.hand_over(task, ShutDown("the pool was shut down", certainty="not-started"))
        self._outcomes.put(None)
