"""The server as a backend of the shim."""

from __future__ import annotations

import os

import numpy as np

from maniple import _program_pb2 as pb
from maniple._backend import Backend, BackendError, BackendUnavailable, Batch, Limits
from maniple._encode import encode_batch
from maniple._errors import Interrupted, ServerError
from maniple._server import Configuration
from maniple._transport import Connection, Region, open_connection


class ServerBackend:
    """Sends batches to the server, and shows what they left in shared memory.

    `submit` may raise `Interrupted`, whose `reply` says whether the batch was done, and then has
    `results`, as
    `submit` would have returned them.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        limits = connection.limits
        self.limits = Limits(
            batch_bytes=limits.batch_bytes,
            batch_instructions=limits.batch_instructions,
            dimensions=limits.dimensions,
            inline_bytes=limits.inline_bytes,
            session_memory_bytes=limits.session_memory_bytes,
        )

    @property
    def lost(self) -> ServerError | None:
        """Why the session and its arrays are gone; None while they are not."""
        return self.connection.lost

    def operations(self) -> dict[str, int]:
        """ "name:signature" to the operation's number."""
        return {f"{row.name}:{row.signature}": row.number for row in self.connection.operations}

    def submit(self, batch: Batch) -> list[bytes | np.ndarray]:
        """Execute a batch; one entry for each observation."""
        try:
            reply = self.connection.submit(encode_batch(batch))
        except Interrupted as interrupted:
            if interrupted.reply is not None and interrupted.reply.status == pb.OK:
                interrupted.results = self._results(batch, interrupted.reply)
            raise
        if reply.status != pb.OK:
            raise BackendError(reply.status, reply.message, reply.source)
        return self._results(batch, reply)

    def reserve(self, nbytes: int) -> Region:
        """Shared memory for the client to fill."""
        try:
            return self.connection.reserve(nbytes)
        except ServerError as error:
            if error.status == 0:
                raise
            raise BackendError(error.status, str(error)) from error

    def explain(self) -> str:
        """What the session's kernels do; empty unless it was opened for that."""
        return self.connection.explain()

    def profile(self) -> pb.ProfileReply:
        """Time by source line and operation; empty unless the session was opened for that."""
        return self.connection.profile()

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
        options = _options_of_environment()
    try:
        return ServerBackend(open_connection(configuration, options))
    except ServerError as error:
        raise BackendUnavailable(str(error)) from error


def _options_of_environment() -> pb.SessionOptions:
    """MANIPLE_FUSION=off, MANIPLE_ENGINE, MANIPLE_THREADS, MANIPLE_EXPLAIN and MANIPLE_PROFILE."""
    return pb.SessionOptions(
        fusion_off=os.environ.get("MANIPLE_FUSION", "") in ("off", "0"),
        engine=os.environ.get("MANIPLE_ENGINE", ""),
        threads=int(os.environ.get("MANIPLE_THREADS") or 0),
        explain=os.environ.get("MANIPLE_EXPLAIN", "") not in ("", "0"),
        profile=os.environ.get("MANIPLE_PROFILE", "") not in ("", "0"),
    )
