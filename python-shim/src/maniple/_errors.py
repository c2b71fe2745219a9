"""What goes wrong beyond NumPy's own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.linalg import LinAlgError

if TYPE_CHECKING:
    from maniple._program_pb2 import Reply


class ManipleError(RuntimeError):
    """The server refused or could not execute what the program recorded."""


class ManipleMemoryError(ManipleError, MemoryError):
    """The server has no memory left for a result."""


class ManipleIndexError(ManipleError, IndexError):
    """An index array addresses elements outside its target."""


class ManipleLinAlgError(ManipleError, LinAlgError):
    """A matrix is singular, or a decomposition did not converge: NumPy's LinAlgError."""


class ServerError(ManipleError):
    """The server cannot be started, refuses the client, or is gone, and what it held with it.

    Attributes
    ----------
    status : int
        `Status` of the program format, 0 where the server did not answer.
    log : str
        The file in which the server wrote what happened; empty if unknown.
    """

    def __init__(self, message: str, *, status: int = 0, log: str = "") -> None:
        super().__init__(f"{message} (server log: {log})" if log else message)
        self.status = status
        self.log = log


class Interrupted(KeyboardInterrupt):
    """The user interrupted a call; the connection goes on.

    Attributes
    ----------
    reply : Reply or None
        The answer to the interrupted `submit`. Its status may be OK: what the batch did then
        stands, and the
        client must take note of it before it lets this exception go on.
    results : list or None
        What `ServerBackend.submit` would have returned then.
    """

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__()
        self.reply = reply
        self.results: list[Any] | None = None
