"""How a task of the sound pool can fail."""

from __future__ import annotations


class PoolError(Exception):
    """How a task failed. `cause` and `certainty` use the protocol's words, if known."""

    def __init__(self, text: str, cause: str | None = None, certainty: str | None = None):
        super().__init__(text)
        self.cause, self.certainty = cause, certainty
        self.pid: int | None = None
        self.worker: int | None = None


class TaskError(PoolError): ...


class EncodeArgsError(PoolError): ...


class DecodeArgsError(PoolError): ...


class EncodeResultError(PoolError): ...


class DecodeResultError(PoolError): ...


class WorkerLost(PoolError): ...


class DeadlineError(PoolError): ...


class Cancelled(PoolError): ...


class ShutDown(PoolError): ...


class SpawnError(PoolError): ...


class GarbageError(PoolError): ...
