"""Files that lie at a daemon: opened there, without passing through the client."""

from __future__ import annotations

import errno
import math
from collections.abc import Sequence
from typing import Any

from maniple._array import make
from maniple._backend import BackendLost
from maniple._buffer import PRIVATE, Remote
from maniple._dtypes import DTYPE
from maniple._errors import ServerError
from maniple._recorder import stream
from maniple._views import c_strides


def load(path: str) -> Any:
    """Return what a file of the daemon's data directories holds.

    Returns
    -------
    ndarray or dict
        The array of a .npy file; the columns of a table.

    Raises
    ------
    FileNotFoundError
        The daemon has no such file, or cannot read it.
    """
    with stream.lock:
        if getattr(stream.backend, "load", None) is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        reply = _ask(path, ())
        if reply.columns:
            return _columns(reply)
        dtype = DTYPE[reply.type]
        shape = tuple(reply.shape)
        strides = c_strides(shape, dtype.itemsize)
        if reply.fortran_order:
            strides = c_strides(shape[::-1], dtype.itemsize)[::-1]
        buffer = _buffer(reply.number, reply.bytes)
        return make(buffer, 0, dtype, shape, strides, math.prod(shape))


def load_table(path: str, columns: Sequence[str] | None) -> dict[str, Any]:
    """Return columns of a table of the daemon's data directories (maniple.load_table)."""
    names = () if columns is None else tuple(columns)
    if columns is not None and (not names or isinstance(columns, str)):
        raise ValueError(f"columns is {columns!r}: give a sequence of at least one name, or none")
    with stream.lock:
        if getattr(stream.backend, "load", None) is None:
            raise ServerError("tables are opened at a daemon: set MANIPLE_URL, or maniple.connect")
        reply = _ask(path, names)
        if not reply.columns:
            # Of no use to anybody; it is freed with the next batch.
            _buffer(reply.number, reply.bytes)
            raise ValueError(f"{path} holds one array and is no table: use np.load")
        return _columns(reply)


def _ask(path: str, columns: Sequence[str]) -> Any:
    try:
        reply = stream.backend.load(path, columns)  # type: ignore[attr-defined]
    except BackendLost as error:
        raise stream._lose(error) from None
    if reply.status:
        raise FileNotFoundError(
            errno.ENOENT, f"No such file here; the daemon says: {reply.message}", path
        )
    return reply


def _columns(reply: Any) -> dict[str, Any]:
    return {
        column.name: make(
            _buffer(column.number, column.bytes),
            0,
            DTYPE[column.type],
            (column.rows,),
            (DTYPE[column.type].itemsize,),
            column.rows,
        )
        for column in reply.columns
    }


def _buffer(number: int, nbytes: int) -> Remote:
    """Return the buffer of what the daemon has read."""
    handle = stream.new_handle()
    stream.batch.buffers.append((handle, nbytes, None, (0, number, nbytes)))
    return Remote(PRIVATE, handle, nbytes)
