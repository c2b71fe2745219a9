"""NumPy's files that lie at a daemon: opened there, without passing through the client."""

from __future__ import annotations

import errno
import math
from typing import Any

from maniple._array import make
from maniple._backend import BackendLost
from maniple._buffer import PRIVATE, Remote
from maniple._dtypes import DTYPE
from maniple._recorder import stream
from maniple._views import c_strides


def load(path: str) -> Any:
    """Return the array in a .npy file of the daemon's data directories.

    Raises
    ------
    FileNotFoundError
        The daemon has no such file, or cannot read it.
    """
    with stream.lock:
        loader = getattr(stream.backend, "load", None)
        if loader is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        try:
            reply = loader(path)
        except BackendLost as error:
            raise stream._lose(error) from None
        if reply.status:
            raise FileNotFoundError(
                errno.ENOENT, f"No such file here; the daemon says: {reply.message}", path
            )
        dtype = DTYPE[reply.type]
        shape = tuple(reply.shape)
        strides = c_strides(shape, dtype.itemsize)
        if reply.fortran_order:
            strides = c_strides(shape[::-1], dtype.itemsize)[::-1]
        handle = stream.new_handle()
        stream.batch.buffers.append((handle, reply.bytes, None, (0, reply.number, reply.bytes)))
        buffer = Remote(PRIVATE, handle, reply.bytes)
        return make(buffer, 0, dtype, shape, strides, math.prod(shape))
