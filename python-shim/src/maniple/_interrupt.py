"""Ctrl-C during a call of the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

try:
    # The same functions without the conversions to enums, which would be a tenth of a call.
    from _signal import SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]
except ImportError:
    from signal import SIGINT, default_int_handler, getsignal, signal


PATIENCE_SECONDS = 0.8
"""What runs ends within that after a Ctrl-C, or cannot be stopped (a matrix product, say)."""


class InterruptGuard:
    """Turns the first Ctrl-C within it into a call of `on_interrupt`, so that the answer still
    arrives, in order.

    The second one raises KeyboardInterrupt at once. Does nothing where Python would not raise
    KeyboardInterrupt here:
    outside the main thread, or with somebody else's handler.
    """

    __slots__ = ("_active", "_on_interrupt", "pressed")

    def __init__(self, on_interrupt: Callable[[], None]) -> None:
        self._on_interrupt = on_interrupt
        self._active = False
        self.pressed = False

    def __enter__(self) -> InterruptGuard:
        if (
            threading.current_thread() is threading.main_thread()
            and getsignal(SIGINT) is default_int_handler
        ):
            self._active = True
            signal(SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._active:
            signal(SIGINT, default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
        self._on_interrupt()


class Repetition:
    """Interrupts again while the answer does not come: the first one may have overtaken the call.

    To be called now and then. Raises KeyboardInterrupt where what runs cannot be stopped.
    """

    __slots__ = ("_guard", "_interrupt", "_since")

    def __init__(self, guard: InterruptGuard, interrupt: Callable[[], None]) -> None:
        self._guard = guard
        self._interrupt = interrupt
        self._since = 0.0

    def __call__(self) -> None:
        if not self._guard.pressed:
            return
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > PATIENCE_SECONDS:
            raise KeyboardInterrupt
        self._interrupt()
