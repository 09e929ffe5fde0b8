"""my_pool: a process pool of a few lines, and the adapter that lets poolproof judge it.

Replace `Pool` by your own pool, and let `Adapter` translate for it. The README beside this file
says how to run it.
"""

import os
import sys

sys.path.insert(0, os.environ.get("POOLPROOF_KIT", "/poolproof/kit"))
import kit  # before the pool: it takes the line to the harness away from fd 0 and fd 1

import ctypes
import multiprocessing
import multiprocessing.connection
import queue
import signal
import threading
import time
import traceback
from multiprocessing.reduction import ForkingPickler

# --- the pool: yours goes here ----------------------------------------------------------------

PR_SET_PDEATHSIG = 1
LONGEST_ANSWER = 1 << 30  # bytes; a longer answer is garbage


class WorkerDied(Exception):
    """The worker's process ended while it had the task."""


class Worker:
    """A forked process with its own pipe: no lock and no queue is shared by two workers."""

    one_at_a_time = threading.Lock()  # so that no worker inherits the other end of another's pipe

    def __init__(self):
        parent = os.getpid()
        with self.one_at_a_time:
            self.pipe, theirs = multiprocessing.Pipe()
            try:
                self.pid = os.fork()
            except OSError:  # no process can be started now
                self.pipe.close()
                theirs.close()
                raise
            if self.pid == 0:
                try:
                    self.work(theirs, parent)
                finally:
                    os._exit(0)
            theirs.close()
        self.handle = os.pidfd_open(self.pid)  # shows the death, whichever process holds the pipe

    @staticmethod
    def work(pipe, parent):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return
        os.closerange(3, pipe.fileno())  # closes the inherited pipes of the other workers
        os.closerange(pipe.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, and it ends us
        while True:
            try:
                call = pipe.recv()
            except Exception as error:
                pipe.send(("decode-args", type(error).__name__, str(error)))
                continue
            if call is None:
                return
            try:
                result = kit.run(call)
            except Exception as error:
                pipe.send(("task-error", type(error).__name__, str(error)))
                continue
            try:
                answer = ForkingPickler.dumps(("value", result))
            except Exception as error:
                answer = ForkingPickler.dumps(("encode-result", type(error).__name__, str(error)))
            pipe.send_bytes(answer)

    def alive(self):
        return not multiprocessing.connection.wait([self.handle], 0)

    def ask(self, data):
        """The answer to one message. Raises WorkerDied."""
        try:
            self.pipe.send_bytes(data)
            if self.pipe not in multiprocessing.connection.wait([self.pipe, self.handle]):
                raise WorkerDied(f"process {self.pid} ended")
            return self.pipe.recv_bytes(LONGEST_ANSWER)
        except (EOFError, OSError) as error:
            raise WorkerDied(f"process {self.pid} ended, or writes rubbish: {error}") from error

    def end(self, by_force=False):
        if by_force:  # it may still live, without its pipe
            os.kill(self.pid, signal.SIGKILL)
        else:
            self.pipe.send(None)
        os.waitpid(self.pid, 0)
        self.pipe.close()
        os.close(self.handle)


class Pool:
    """Each thread owns one worker, and starts another one when that one has died."""

    def __init__(self, workers):
        self.tasks = queue.SimpleQueue()
        self.threads = [threading.Thread(target=self.serve, daemon=True) for _ in range(workers)]
        for thread in self.threads:
            thread.start()

    def submit(self, call, done):
        """`done(kind, *what)` is called on a thread of the pool when the task has ended."""
        self.tasks.put((call, done))

    def shutdown(self):
        """Finishes the submitted tasks, then ends the workers."""
        for _ in self.threads:
            self.tasks.put(None)
        for thread in self.threads:
            thread.join()

    @staticmethod
    def new_worker():
        """A worker, as soon as one can be started. The other threads continue with the tasks."""
        while True:
            try:
                return Worker()
            except OSError:
                time.sleep(0.05)

    def serve(self):
        worker = self.new_worker()
        while (task := self.tasks.get()) is not None:
            call, done = task
            if not worker.alive():  # it died while it was idle
                worker.end(by_force=True)
                worker = self.new_worker()
            ending = self.ending_of(worker, call)
            lost = ending[0] == "worker-lost"
            if lost:
                worker.end(by_force=True)
            try:
                done(*ending)
            except Exception:  # the pool ignores what a callback throws
                traceback.print_exc()
            if lost:
                worker = self.new_worker()
        worker.end(by_force=not worker.alive())

    @staticmethod
    def ending_of(worker, call):
        try:
            data = ForkingPickler.dumps(call)
        except Exception as error:
            return "encode-args", type(error).__name__, str(error)
        try:
            answer = worker.ask(data)
        except WorkerDied as death:
            return "worker-lost", type(death).__name__, str(death)
        try:
            return ForkingPickler.loads(answer)
        except Exception as error:
            return "decode-result", type(error).__name__, str(error)


# --- the adapter: it only translates ----------------------------------------------------------


class Adapter:
    pool, version = "my_pool", "0.1"
    capabilities = (  # what the pool can do: words of the list in protocol.md
        "worker_processes",
        "arguments_cross",
        "results_cross",
        "done_callback",
        "close_drain",
    )
    recovers = "replaces"  # a dead worker is replaced; or "breaks", or "recreate"
    longest_wait = (0, "no wait of it has a limit")  # seconds, and where this number is written

    def open(self, workers):
        self.driven = Pool(workers)

    def submit(self, task):
        def done(kind, *what):
            task.done(kit.value(what[0]) if kind == "value" else self.told(kind, *what))

        self.driven.submit(task.call, done)

    @staticmethod
    def told(kind, error_type, text):
        return {"kind": kind, "native": {"type": error_type, "text": text[:2000]}}

    def outcome(self, error):  # for what `submit` itself throws
        return kit.outcome_of(error, ())

    def cancel(self, task_id):
        raise NotImplementedError("it is called only with `cancel` in the capabilities")

    def close(self, how):
        self.driven.shutdown()
        del self.driven


if __name__ == "__main__":
    kit.serve(Adapter())
