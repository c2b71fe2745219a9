"""The stream of instructions: recording, flushing, frees, errors, fork."""

from __future__ import annotations

import atexit
import itertools
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from maniple import _backend, _settings
from maniple._backend import Batch

if TYPE_CHECKING:
    from types import CodeType, FrameType

    import numpy as np

    from maniple._views import Layout

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class ManipleError(RuntimeError):
    """The server refused or could not execute what the program recorded."""


class ManipleMemoryError(ManipleError, MemoryError):
    """The server has no memory left for a result."""


class ManipleIndexError(ManipleError, IndexError):
    """An index array addresses elements outside its target."""


_EXCEPTIONS: dict[int, type[ManipleError]] = {
    _backend.OUT_OF_MEMORY: ManipleMemoryError,
    _backend.INDEX_OUT_OF_RANGE: ManipleIndexError,
}

# By address, because hashing a code object reads all its constants; the entry keeps it alive.
_frame_is_internal: dict[int, tuple[CodeType, bool]] = {}


def _is_internal(code: CodeType) -> bool:
    name = code.co_filename
    internal = name.startswith((_HERE, "<__array_function__")) or (
        f"{os.sep}numpy{os.sep}" in name and f"{os.sep}tests{os.sep}" not in name
    )
    if len(_frame_is_internal) > 10_000:
        _frame_is_internal.clear()
    _frame_is_internal[id(code)] = (code, internal)
    return internal


def caller() -> str:
    """Return "file:line" of the innermost frame that is the user's."""
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        known = _frame_is_internal.get(id(code))
        if not (_is_internal(code) if known is None else known[1]):
            return f"{code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


class Stream:
    """Everything recorded by this process, in order.

    All methods may be called from any thread. Frees are only appended to a list, which is atomic,
    because the garbage collector may call `free` at any point, also while the lock is held.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.batch = Batch()
        self.number = 1  # of the batch in the making
        self.completed = 0  # everything up to here is known to be executed
        self.pending_elements = 0
        self.must_sync = False  # an exported buffer was touched
        self.frees: list[int] = []
        self.lost: set[int] = set()  # introduced by batches that were refused
        self.shared: dict[int, weakref.ref[np.ndarray]] = {}
        self.inherited = 0  # handles up to here belong to the parent process
        self.enabled = True
        self.handles = itertools.count(1)
        self._operations: dict[str, int] | None = None
        self._backend: _backend.Backend | None = None
        self.limits = _backend.Limits()

    # -- the backend ---------------------------------------------------------------------------

    @property
    def operations(self) -> dict[str, int]:
        """The backend's table; starts the backend. Empty when nothing can be deferred."""
        if self._operations is None:
            with self.lock:
                if self._operations is None:
                    self._start()
        assert self._operations is not None
        return self._operations

    def _start(self) -> None:
        if not self.enabled:
            self._operations = {}
            return
        try:
            self._backend = _backend.create_backend(_settings.backend)
        except _backend.BackendUnavailable as error:
            warnings.warn(
                f"Maniple computes with NumPy alone: {error}", RuntimeWarning, stacklevel=2
            )
        if self._backend is None:
            self.enabled = False
            self._operations = {}
            return
        self.limits = self._backend.limits
        self._operations = dict(self._backend.operations())

    @property
    def backend(self) -> _backend.Backend:
        if self._backend is None and not self.operations:
            raise ManipleError("Maniple has no backend in this process")
        assert self._backend is not None
        return self._backend

    @property
    def started_backend(self) -> _backend.Backend | None:
        """The backend, if anything has needed it yet."""
        return self._backend

    # -- recording (callers hold the lock) -----------------------------------------------------

    def new_handle(self) -> int:
        return next(self.handles)

    def new_buffer(self, nbytes: int, content: bytes | None = None) -> int:
        """Introduce a buffer and return its handle."""
        handle = next(self.handles)
        self.batch.buffers.append((handle, nbytes, content, None))
        return handle

    def layout(self, key: tuple[int, tuple[int, ...], tuple[int, ...]]) -> int:
        """Return the position of (data type, shape, strides) in this batch's layouts."""
        batch = self.batch
        index = batch.layout_index.get(key)
        if index is None:
            index = len(batch.layouts)
            batch.layouts.append(key)
            batch.layout_index[key] = index
        return index

    def scalar(self, key: tuple[int, int, int]) -> int:
        """Return the position of (data type, low, high) in this batch's scalars."""
        batch = self.batch
        index = batch.scalar_index.get(key)
        if index is None:
            index = len(batch.scalars)
            batch.scalars.append(key)
            batch.scalar_index[key] = index
        return index

    def place(self, layout: Layout) -> int:
        """As `layout`, for one that remembers its position."""
        index = layout.index = self.layout(layout.key)
        layout.number = self.number
        return index

    def source(self, frame: FrameType | None) -> int:
        """Return 1 + the position of the user's file and line in this batch's sources."""
        batch = self.batch
        while frame is not None:
            code = frame.f_code
            # An address within the code object, which is at least as long as its instructions.
            key = id(code) + frame.f_lasti
            index = batch.source_index.get(key)
            if index is not None:
                return index
            known = _frame_is_internal.get(id(code))
            if not (_is_internal(code) if known is None else known[1]):
                batch.source_codes.append(code)
                batch.sources.append(f"{code.co_filename}:{frame.f_lineno}")
                index = batch.source_index[key] = len(batch.sources)
                return index
            frame = frame.f_back
        return 0

    def emit(
        self,
        operation: int,
        handles: Sequence[int],
        layouts: Sequence[int],
        offsets: Sequence[int],
        elements: int,
        in_place: bool = False,
    ) -> None:
        """Append one instruction; flush where the policy says so."""
        batch = self.batch
        frees = self.frees
        if frees:
            if len(frees) == 1 and not self.inherited and not self.lost:
                # A temporary that has just died: nearly every instruction has one.
                batch.operand_buffer.append(frees.pop())
                batch.operation.append(0)
                batch.operand_count.append(1)
                batch.source.append(0)
                batch.operand_layout.append(0)
                batch.operand_offset.append(0)
            else:
                self._drain_frees()
        source = self.source(sys._getframe(1))
        count = len(handles)
        batch.operand_buffer += handles
        batch.operand_layout += layouts
        batch.operand_offset += offsets
        batch.operation.append(operation)
        batch.operand_count.append(count)
        batch.source.append(source)
        self.pending_elements += elements
        self.send_if_due(in_place)

    def send_if_due(self, in_place: bool) -> None:
        """Flush where the policy says so."""
        if self.must_sync:
            self.flush(sync=True)
        elif len(self.batch.operation) >= _settings.batch_instructions or (
            in_place and self.pending_elements > _settings.pending_elements
        ):
            self.flush()

    def _drain_frees(self) -> None:
        # The list may grow while it is read: take what is there, once.
        frees, count = self.frees, len(self.frees)
        handles = frees[:count]
        del frees[:count]
        inherited = self.inherited
        if inherited:
            handles = [handle for handle in handles if handle > inherited]
        if self.lost:
            known = [handle for handle in handles if handle not in self.lost]
            self.lost.difference_update(handles)
            handles = known
        count = len(handles)
        batch = self.batch
        zeros = [0] * count
        batch.operation += zeros
        batch.operand_count += [1] * count
        batch.source += zeros
        batch.operand_buffer += handles
        batch.operand_layout += zeros
        batch.operand_offset += zeros

    # -- flushing ------------------------------------------------------------------------------

    def flush(
        self, observations: Sequence[tuple[int, int, int]] = (), sync: bool = False
    ) -> list[bytes | np.ndarray]:
        """Send what is recorded.

        Parameters
        ----------
        observations : sequence of (handle, offset, length)
            Length 0: the whole buffer.
        sync : bool
            Return when everything has been executed.
        """
        with self.lock:
            if self.frees:
                self._drain_frees()
            batch = self.batch
            if not observations and not batch.operation and not batch.buffers:
                self.must_sync = False
                if not sync or self.completed >= self.number - 1:
                    return []
            if self._backend is None:
                # A forked child drops what belongs to its parent.
                self._new_batch()
                return []
            batch.number = self.number
            batch.observations += observations
            batch.sync = sync
            number = self.number
            self._new_batch()
            try:
                contents = self._backend.submit(batch)
            except _backend.BackendError as error:
                if error.status in _backend.REFUSALS:
                    self._refused(batch)
                raise _to_exception(error) from None
            if sync or observations:
                self.completed = number
            return contents

    def _refused(self, batch: Batch) -> None:
        """Nothing of `batch` was executed: its buffers do not exist, its frees are still due."""
        introduced = {handle for handle, *_ in batch.buffers}
        self.lost |= introduced
        position = 0
        for operation, count in zip(batch.operation, batch.operand_count, strict=False):
            if operation == 0:
                handle = batch.operand_buffer[position]
                if handle in introduced:
                    self.lost.discard(handle)
                else:
                    self.frees.append(handle)
            position += count

    def _new_batch(self) -> None:
        self.batch = Batch()
        self.number += 1
        self.pending_elements = 0
        self.must_sync = False

    # -- shared buffers ------------------------------------------------------------------------

    def watch(self, handle: int, array: np.ndarray) -> None:
        """Free `handle` when `array`, the memory of a shared buffer, has no reference left."""

        def gone(_: object, handle: int = handle, stream: Stream = self) -> None:
            stream.shared.pop(handle, None)
            stream.frees.append(handle)

        self.shared[handle] = weakref.ref(array, gone)

    # -- fork ----------------------------------------------------------------------------------

    def before_fork(self) -> None:
        self.lock.acquire()
        if self._backend is not None:
            try:
                self.flush(sync=True)
            except ManipleError:
                # fork() must not fail for it; what is lost raises again where it is used.
                pass

    def after_fork_in_parent(self) -> None:
        self.lock.release()

    def after_fork_in_child(self) -> None:
        """Leave the backend to the parent; this process computes with NumPy."""
        self.lock = threading.RLock()
        self._backend = None
        self._operations = {}
        self.enabled = False
        self.frees.clear()
        self._new_batch()
        self.inherited = next(self.handles)

    def close(self) -> None:
        backend, self._backend = self._backend, None
        self._operations = {}
        self.enabled = False
        if backend is not None:
            backend.close()


def _to_exception(error: _backend.BackendError) -> ManipleError:
    kind = _EXCEPTIONS.get(error.status, ManipleError)
    where = f" (recorded at {error.source})" if error.source else ""
    return kind(f"{error.message}{where}")


stream = Stream()

os.register_at_fork(
    before=stream.before_fork,
    after_in_parent=stream.after_fork_in_parent,
    after_in_child=stream.after_fork_in_child,
)
atexit.register(stream.close)
