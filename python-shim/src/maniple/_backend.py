"""What the shim needs from whoever executes its programs.

`_reference.ReferenceBackend` (NumPy in this process) and `_transport` (the server) implement
`Backend`. `Batch` has the columns of the message of the same name in `program.proto`; a backend
that sends it encodes it with `_encode.encode_batch`.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from maniple._errors import ServerError

if TYPE_CHECKING:
    import numpy as np

FORMAT = 2
"""Version of the program format."""

INVALID_PROGRAM = 100
UNKNOWN_BUFFER = 101
LIMIT_EXCEEDED = 104
INDEX_OUT_OF_RANGE = 105
NUMERICAL_FAILURE = 107
OUT_OF_MEMORY = 200
SHARED_MEMORY_UNAVAILABLE = 201
INTERNAL = 300

REFUSALS = frozenset((INVALID_PROGRAM, UNKNOWN_BUFFER, 102, 103, LIMIT_EXCEEDED))
"""With these nothing of a batch was executed."""

SESSION_ENDED = frozenset((102, 400))
"""The server answers, but has closed the session: unknown to it, or it is shutting down."""

Placement = tuple[int, int, int]
"""(segment, offset, bytes) of a region of shared memory."""


class Limits(NamedTuple):
    """What one batch may hold. A zero means that the backend sets no limit.

    Where `shared_memory` is false the backend has `upload` in the place of `reserve`: contents are
    sent before the batch that introduces them, and whole buffers that are observed are copies.
    """

    batch_bytes: int = 4 << 20
    batch_instructions: int = 100_000
    dimensions: int = 64
    inline_bytes: int = 64 << 10
    session_memory_bytes: int = 0
    shared_memory: bool = True


class Batch:
    """A list of instructions, column by column.

    Attributes
    ----------
    number : int
        1, 2, 3, … within the session.
    layouts : list of (data type, shape, strides)
    scalars : list of (data type, low bits, high bits)
    buffers : list of (handle, bytes, content or None, placement or None)
    sources : list of "file:line"
    reports : list of int
        One entry a source: the kinds of floating-point errors to be told of.
    operation, operand_count, source : list of int
        One entry an instruction.
    operand_buffer, operand_layout, operand_offset : list of int
        One entry an operand.
    observations : list of (handle, offset, length)
    written : list of int
        Handles of shared buffers that the program may have written to since they were last used.
    sync : bool
    """

    __slots__ = (
        "buffers",
        "layout_index",
        "layouts",
        "number",
        "observations",
        "operand_buffer",
        "operand_count",
        "operand_layout",
        "operand_offset",
        "operation",
        "reports",
        "scalar_index",
        "scalar_values",
        "scalars",
        "source",
        "source_codes",
        "source_index",
        "sources",
        "sync",
        "written",
    )

    def __init__(self) -> None:
        self.number = 0
        self.layouts: list[tuple[int, tuple[int, ...], tuple[int, ...]]] = []
        self.scalars: list[tuple[int, int, int]] = []
        self.buffers: list[tuple[int, int, bytes | None, Placement | None]] = []
        self.sources: list[str] = []
        self.reports: list[int] = []
        self.operation: list[int] = []
        self.operand_count: list[int] = []
        self.source: list[int] = []
        self.operand_buffer: list[int] = []
        self.operand_layout: list[int] = []
        self.operand_offset: list[int] = []
        self.observations: list[tuple[int, int, int]] = []
        self.written: list[int] = []
        self.sync = False
        # Positions of what is already in the tables; not sent.
        self.layout_index: dict[tuple[int, tuple[int, ...], tuple[int, ...]], int] = {}
        self.scalar_index: dict[tuple[int, int, int], int] = {}
        self.scalar_values: dict[tuple[int, object], int] = {}
        self.source_index: dict[int, int] = {}
        self.source_codes: list[object] = []

    def cut(self) -> None:
        """Drop an instruction of which not all columns are written."""
        count = len(self.source)
        del self.operation[count:], self.operand_count[count:]
        count = sum(self.operand_count)
        del self.operand_buffer[count:], self.operand_layout[count:], self.operand_offset[count:]

    def drop_frees_below(self, first: int) -> None:
        """Drop the frees of handles before `first`."""
        rows = zip(self.operation, self.operand_count, self.source, strict=True)
        starts = [0, *itertools.accumulate(self.operand_count)]
        kept = [
            (row, start)
            for row, start in zip(rows, starts, strict=False)
            if row[0] or self.operand_buffer[start] >= first
        ]
        for name in ("operand_buffer", "operand_layout", "operand_offset"):
            column = getattr(self, name)
            setattr(self, name, [x for row, at in kept for x in column[at : at + row[1]]])
        self.operation = [row[0] for row, _ in kept]
        self.operand_count = [row[1] for row, _ in kept]
        self.source = [row[2] for row, _ in kept]


class Region(Protocol):
    """Shared memory that the client reserved and fills.

    `array` is a writable, one-dimensional uint8 ndarray whose `base` is not an ndarray (so that
    every NumPy view of the region has `array` itself as its base); `placement` is what the batch
    that introduces the buffer says.
    """

    @property
    def array(self) -> np.ndarray: ...

    @property
    def placement(self) -> Placement: ...


class Backend(Protocol):
    """Executes batches in the order in which they are submitted."""

    @property
    def limits(self) -> Limits: ...

    def operations(self) -> dict[str, int]:
        """Return "name:signature" (as "add:dd->d") to the operation's number."""
        ...

    def submit(self, batch: Batch) -> list[bytes | np.ndarray]:
        """Execute a batch.

        Returns one entry for each observation: `bytes` for an inline one, for a whole buffer a
        uint8 ndarray over its shared memory, of the same kind as `Region.array`. May return
        before the batch is executed where it has no observation and does not ask to sync; a later
        call then raises what went wrong.

        Raises
        ------
        BackendError
        BackendLost
        BackendInterrupted
        """
        ...

    def take_errors(self) -> list[tuple[int, str, str]]:
        """Return, once, the floating-point errors of what has been executed.

        (kind, operation, "file:line") each; the kinds are the program format's.
        """
        ...

    def reserve(self, nbytes: int) -> Region:
        """Return shared memory of `nbytes` bytes, for a buffer of one of the next batches."""
        ...

    def upload(self, memory: np.ndarray) -> Placement:
        """Send the content of a buffer of one of the next batches: what a contiguous array holds.

        Only where no memory is shared.
        """
        ...

    def close(self) -> None: ...


class BackendError(Exception):
    """A batch was refused or failed.

    Attributes
    ----------
    status : int
        `Status` of the program format.
    message : str
    source : str
        "file:line" of the instruction, or empty.
    failed_batch : int
        This batch and all after it had no effect; 0 if they had.
    """

    def __init__(self, status: int, message: str, source: str = "", failed_batch: int = 0) -> None:
        super().__init__(message)
        self.failed_batch = failed_batch
        self.status = status
        self.message = message
        self.source = source


class BackendLost(Exception):
    """The backend is gone, with all it held; `log` is where to read more, or empty."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class BackendInterrupted(KeyboardInterrupt):
    """Ctrl-C during `submit`. `error` says how the batch failed; None: it was executed."""

    def __init__(self, error: BackendError | None) -> None:
        super().__init__()
        self.error = error


class BackendUnavailable(Exception):
    """No backend can be started here; the message says why."""


def create_backend(name: str) -> Backend | None:
    """Start the backend that MANIPLE_BACKEND names; None when nothing shall be deferred."""
    backend = _create(name)
    if os.environ.get("MANIPLE_TIMELINE", "") not in ("", "0"):
        from maniple import _timeline

        _timeline.watch(backend)
    return backend


def _create(name: str) -> Backend | None:
    if name == "none":
        return None
    if name == "reference":
        from maniple._reference import ReferenceBackend

        return ReferenceBackend()
    if name not in ("", "server"):
        raise ValueError(f"MANIPLE_BACKEND must be 'server', 'reference' or 'none', not {name!r}")
    if os.environ.get("MANIPLE_URL"):
        from maniple._address import address_of_environment

        # Never a server of this machine's in its place: the user has said where to compute.
        address = address_of_environment()
        try:
            from maniple._remote import connect as connect_daemon
        except ImportError as error:
            raise ServerError(
                f"a daemon needs pyarrow: pip install 'maniple[remote]' ({error})"
            ) from error
        from maniple._server_backend import session_options

        remote: Backend = connect_daemon(address, session_options())
        return remote
    try:
        from maniple._transport import connect
    except ImportError as error:
        raise BackendUnavailable(f"the server's transport cannot be imported: {error}") from error
    backend: Backend = connect()
    return backend
