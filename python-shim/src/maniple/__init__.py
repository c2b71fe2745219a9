"""NumPy programs, unmodified, on all cores, GPUs and clusters.

``import maniple as np`` gives the names of NumPy; large arrays are Maniple's. ``maniple
script.py`` does so for a script that imports numpy.
"""

from __future__ import annotations

from collections.abc import Sequence as _Sequence
from typing import Any as _Any

import numpy as _numpy

from maniple import _core  # noqa: F401
from maniple._errors import (  # noqa: F401
    ManipleError,
    ManipleIndexError,
    ManipleMemoryError,
    ServerError,
)
from maniple._hook import install, uninstall
from maniple._namespace import namespace as _namespace

__maniple_version__ = "0.1.0"

__all__ = _numpy.__all__
__version__ = _numpy.__version__
_module = _namespace("numpy")


def flush(wait: bool = True) -> None:
    """Execute what is recorded so far; return when it is done if `wait` is true."""
    from maniple._recorder import stream

    stream.flush(sync=wait)
    stream.warn()


def synchronize(*arrays: _Any) -> None:
    """Return when everything recorded so far has been executed, that of ``arrays`` included."""
    flush()


def __getattr__(name: str) -> _Any:
    # A name of the numpy namespace. Kept, so that the next use costs a dictionary look-up.
    value = getattr(_module, name)
    if not (name.startswith("__") and name.endswith("__")):
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_numpy)})


def connect(url: str, *, token: str = "", token_file: str = "", ca: str = "") -> None:
    """Compute at the daemon at ``url`` from here on; empty: at this machine's own server.

    Arrays that are elsewhere are fetched and go with the program.

    Parameters
    ----------
    url : str
        ``maniple://host:port``, or ``maniple+insecure://host:port`` on loopback.
    token, token_file, ca : str
        As MANIPLE_TOKEN, MANIPLE_TOKEN_FILE and MANIPLE_CA, which are used where one is empty.

    Raises
    ------
    ServerError
        The daemon cannot be used; everything stays as it was.
    """
    import os

    from maniple._recorder import stream

    values = {
        "MANIPLE_URL": url,
        "MANIPLE_TOKEN": token,
        "MANIPLE_TOKEN_FILE": token_file,
        "MANIPLE_CA": ca,
    }
    before = {name: os.environ.get(name) for name in values}
    try:
        os.environ.update({name: value for name, value in values.items() if value})
        if token_file:
            os.environ.pop("MANIPLE_TOKEN", None)
        if url:
            from maniple._address import address_of_environment
            from maniple._remote import ask

            ask(address_of_environment(), "version")
        else:
            os.environ.pop("MANIPLE_URL", None)
        stream.change_backend()
    except BaseException:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        raise


def load_table(path: str, columns: _Sequence[str] | None = None) -> dict[str, _Any]:
    """Open a table that lies at the daemon, an Arrow IPC file or a Parquet file.

    Nothing passes through the client. ``np.load`` of such a file does the same for all columns.

    Parameters
    ----------
    path : str
        Below one of the daemon's data directories (``maniple server --data``).
    columns : sequence of str, optional
        Names of columns; without it all of them, which must hold numbers or booleans then.

    Returns
    -------
    dict
        The name of each column, and its one-dimensional array. Nulls of floating-point columns are
        NaN.

    Raises
    ------
    FileNotFoundError
        The daemon has no such file, or cannot read it; the message says why.
    ServerError
        The program uses no daemon.
    """
    from maniple import _files

    return _files.load_table(path, columns)


def load_ipython_extension(ipython: _Any) -> None:
    """``%load_ext maniple``: from here on, cells that import numpy get Maniple."""
    from maniple._jupyter import register

    install()
    register(ipython)


def unload_ipython_extension(ipython: _Any) -> None:
    uninstall()
