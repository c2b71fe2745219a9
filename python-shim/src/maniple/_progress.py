"""A line on what a program waits for at a daemon: in a terminal or a notebook, never in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

_AFTER_SECONDS = 2.0
_EVERY_SECONDS = 0.2
_BAR = 24


class Progress:
    """To be used by `with`; `update` may be called as often as one likes.

    Parameters
    ----------
    what : str
        What goes on, as in "computing".
    total : int
        Bytes to transfer; 0 where it is not known how much there is to do.
    """

    def __init__(self, what: str, total: int = 0) -> None:
        self.what = what
        self.total = total
        self._start = time.monotonic()
        self._next = self._start + _AFTER_SECONDS
        self._place: Any = None

    def __enter__(self) -> Progress:
        return self

    def update(self, done: int = 0) -> None:
        """Show how far it is, if it takes long enough for anybody to wonder."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_SECONDS
        if self._place is None:
            self._place = _place()
        if self._place is not False:
            self._place.show(self._text(done, now - self._start))

    def _text(self, done: int, seconds: float) -> str:
        if not self.total:
            return f"maniple: {self.what}, {seconds:.0f} s"
        part = min(1.0, done / self.total)
        bar = "#" * int(part * _BAR)
        rate = done / seconds / 1e6
        return f"maniple: {self.what} [{bar:{_BAR}}] {part:4.0%} {rate:.0f} MB/s, {seconds:.0f} s"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._place:
            self._place.clear()


class _Terminal:
    def __init__(self) -> None:
        self._width = 0

    def show(self, text: str) -> None:
        self._width = max(self._width, len(text))
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()

    def clear(self) -> None:
        sys.stderr.write("\r" + " " * self._width + "\r")
        sys.stderr.flush()


class _Notebook:
    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str) -> None:
        from IPython.display import display

        shown = {"text/plain": text}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(shown, raw=True)

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.update({"text/plain": ""}, raw=True)


def _place() -> Any:
    """Return where lines can be shown and taken away again; False: nowhere."""
    try:
        if sys.stderr.isatty():
            return _Terminal()
    except (AttributeError, ValueError):
        return False
    if type(sys.stderr).__module__.partition(".")[0] == "ipykernel":
        return _Notebook()
    return False
