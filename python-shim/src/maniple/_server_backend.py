"""The server as a backend of the shim."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from maniple import _program_pb2 as pb
from maniple._backend import (
    SESSION_ENDED,
    Backend,
    BackendError,
    BackendInterrupted,
    BackendLost,
    BackendUnavailable,
    Batch,
    Limits,
    Placement,
)
from maniple._encode import encode_batch
from maniple._errors import Interrupted, ServerError
from maniple._server import Configuration
from maniple._transport import Connection, Region, open_connection


def limits_of(limits: pb.Limits, *, shared_memory: bool = True) -> Limits:
    """Return what a server has said of its limits."""
    return Limits(
        batch_bytes=limits.batch_bytes,
        batch_instructions=limits.batch_instructions,
        dimensions=limits.dimensions,
        inline_bytes=limits.inline_bytes,
        session_memory_bytes=limits.session_memory_bytes,
        shared_memory=shared_memory,
    )


def numbers_of(operations: Iterable[pb.Operation]) -> dict[str, int]:
    """Return "name:signature" to the number of each operation of a server's table."""
    return {f"{row.name}:{row.signature}": row.number for row in operations}


class ServerBackend:
    """Sends batches to the server, and shows what they left in shared memory.

    Attributes
    ----------
    shared_memory_spoiled : bool
        Something in shared memory was not computed: what is found there has to be observed before
        it is believed.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.shared_memory_spoiled = False
        self._errors: list[tuple[int, str, str]] = []
        self.limits = limits_of(connection.limits)

    def operations(self) -> dict[str, int]:
        """ "name:signature" to the operation's number."""
        return numbers_of(self.connection.operations)

    def submit(self, batch: Batch) -> list[bytes | np.ndarray]:
        """Execute a batch; one entry for each observation."""
        try:
            reply = self.connection.submit(encode_batch(batch))
        except Interrupted as interrupted:
            # Observations can be asked for again: what was moved to shared memory stays there.
            told = None if interrupted.reply is None else self._failure(interrupted.reply)
            raise BackendInterrupted(told) from None
        except ServerError as error:
            raise BackendLost(str(error), error.log) from error
        failure = self._failure(reply)
        if failure is not None:
            raise failure
        self._errors += [(error.kind, error.operation, error.source) for error in reply.errors]
        return self._results(batch, reply)

    def take_errors(self) -> list[tuple[int, str, str]]:
        """Return the floating-point errors that answers have told of, once."""
        errors, self._errors = self._errors, []
        return errors

    def settle(self) -> list[BackendError]:
        """Read the answers that an exception kept somebody from reading; the failures in them."""
        if not self.connection.unsettled:
            return []
        try:
            replies = self.connection.settle()
        except ServerError as error:
            raise BackendLost(str(error), error.log) from error
        failures = [self._failure(reply) for reply in replies]
        return [failure for failure in failures if failure is not None]

    def lost(self) -> BackendLost | None:
        """Whether the server is known to be gone, without asking it."""
        error = self.connection.check()
        return None if error is None else BackendLost(str(error), error.log)

    def _failure(self, reply: pb.Reply) -> BackendError | None:
        if reply.status == pb.OK:
            self.shared_memory_spoiled |= reply.failed_batch != 0
            return None
        if reply.status in SESSION_ENDED:
            raise self._ended(reply.message)
        return BackendError(reply.status, reply.message, reply.source, reply.failed_batch)

    def _ended(self, message: str) -> BackendLost:
        error = self.connection.ended(message)
        return BackendLost(str(error), error.log)

    def reserve(self, nbytes: int) -> Region:
        """Shared memory for the client to fill."""
        try:
            return self.connection.reserve(nbytes)
        except ServerError as error:
            if error.status in SESSION_ENDED:
                raise self._ended(str(error)) from error
            if error.status == 0:
                raise BackendLost(str(error), error.log) from error
            raise BackendError(error.status, str(error)) from error

    def upload(self, memory: np.ndarray) -> Placement:
        """Not needed: memory is shared."""
        raise NotImplementedError

    def explain(self) -> str:
        """What the session's kernels do; empty unless it was opened for that."""
        return self.connection.explain()

    def profile(self) -> pb.ProfileReply:
        """Time by source line and operation; empty unless the session was opened for that."""
        return self.connection.profile()

    def timeline(self, after: int) -> pb.TimelineReply:
        """When batches ran, from the one behind `after` on."""
        return self.connection.timeline(after)

    def interrupt(self) -> None:
        """Cancel what runs and what is queued; from any thread."""
        self.connection.interrupt()

    def close(self) -> None:
        """End the session."""
        self.connection.close()

    def _results(self, batch: Batch, reply: pb.Reply) -> list[bytes | np.ndarray]:
        placements = iter(reply.placements)
        contents = iter(reply.contents)
        return [
            next(contents) if length else self.connection.array(next(placements))
            for _, _, length in batch.observations
        ]


def connect(
    configuration: Configuration | None = None, options: pb.SessionOptions | None = None
) -> Backend:
    """Find or start the server, or raise BackendUnavailable."""
    if options is None:
        options = session_options()
    try:
        return ServerBackend(open_connection(configuration, options))
    except ServerError as error:
        raise BackendUnavailable(str(error)) from error


def session_options() -> pb.SessionOptions:
    """As MANIPLE_FUSION, _SPREAD, _ENGINE, _THREADS, _DEVICE, _EXPLAIN, _PROFILE, _TIMELINE say."""
    device = os.environ.get("MANIPLE_DEVICE", "")
    if device not in ("", "auto", "cpu", "gpu"):
        raise ValueError(f"MANIPLE_DEVICE must be 'auto', 'gpu' or 'cpu', not {device!r}")
    return pb.SessionOptions(
        fusion_off=os.environ.get("MANIPLE_FUSION", "") in ("off", "0"),
        cascade_all=os.environ.get("MANIPLE_FUSION", "") == "cascade",
        spread_all=os.environ.get("MANIPLE_SPREAD", "") == "all",
        device=device,
        announces_writes=True,
        emulate=os.environ.get("MANIPLE_GPU_EMULATE", ""),
        engine=os.environ.get("MANIPLE_ENGINE", ""),
        threads=int(os.environ.get("MANIPLE_THREADS") or 0),
        explain=os.environ.get("MANIPLE_EXPLAIN", "") not in ("", "0"),
        profile=os.environ.get("MANIPLE_PROFILE", "") not in ("", "0"),
        timeline=os.environ.get("MANIPLE_TIMELINE", "") not in ("", "0"),
    )
