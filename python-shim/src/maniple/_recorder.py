"""The stream of instructions: recording, flushing, frees, errors, lost servers, fork."""

from __future__ import annotations

import atexit
import gc
import itertools
import os
import sys
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from maniple import _backend, _settings
from maniple._backend import Batch
from maniple._errors import (
    ManipleError,
    ManipleIndexError,
    ManipleLinAlgError,
    ManipleMemoryError,
    ServerError,
)
from maniple._pace import pace

if TYPE_CHECKING:
    from types import CodeType, FrameType

    import numpy as np

    from maniple._buffer import Buffer
    from maniple._views import Layout

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


_EXCEPTIONS: dict[int, type[ManipleError]] = {
    _backend.OUT_OF_MEMORY: ManipleMemoryError,
    _backend.SHARED_MEMORY_UNAVAILABLE: ManipleMemoryError,
    _backend.INDEX_OUT_OF_RANGE: ManipleIndexError,
    _backend.NUMERICAL_FAILURE: ManipleLinAlgError,
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
    frame = user_frame(sys._getframe(1))
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame from this one outwards that is the user's."""
    while frame is not None:
        code = frame.f_code
        known = _frame_is_internal.get(id(code))
        if not (_is_internal(code) if known is None else known[1]):
            return frame
        frame = frame.f_back
    return None


_UNCONFIRMED_BATCHES = 160
"""More than the server queues before it tells of a failure."""

_CONTENT_BYTES = 1 << 20
"""A batch with more data than this is sent; a control message has room for four times that."""

_RECYCLED_BYTES = 1 << 18
"""Before more than this is reserved, the server is told what has become free."""

_FORK_BYTES = 256 << 20
"""So much of what only the server has is moved to where children can read it."""


class Epoch(NamedTuple):
    """What a session that cannot be reached any more leaves behind.

    Attributes
    ----------
    last : int
        The last handle that was its.
    sound : int
        What batches up to this one have written to shared memory is right.
    error : ManipleError
        For whoever needs more than that.
    forked : bool
        It goes on, with the same shared memory, in the parent process.
    """

    last: int
    sound: int
    error: ManipleError
    forked: bool


class Unconfirmed(NamedTuple):
    """What must be undone if a batch turns out not to have been executed."""

    number: int
    buffers: list[tuple[int, int, bytes | None, _backend.Placement | None]]
    operation: list[int]
    operand_count: list[int]
    operand_buffer: list[int]


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
        self.sound = 0  # and everything it wrote to shared memory up to here is right
        self.pending_elements = 0
        self.content_bytes = 0  # in the batch in the making
        self.must_sync = False  # an exported buffer was touched
        self.frees: list[int] = []
        self.lost: dict[int, ManipleError] = {}  # why their content is not what it should be
        self.absent: set[int] = set()  # introduced by batches that were refused
        self.shared: dict[int, weakref.ref[np.ndarray]] = {}
        self.epochs: list[Epoch] = []
        self.inherited = 0  # handles up to here belong to sessions of the past, or of the parent
        self.guarded = False  # some handles are not to be used
        self._reintroduced: set[int] = set()
        self._unconfirmed: deque[Unconfirmed] = deque(maxlen=_UNCONFIRMED_BATCHES)
        self._spoiled = False
        self.calm: object = object()  # the error state for which nothing has to be raised
        self.reporting = 0  # the kinds of floating-point errors to be told of
        self.may_warn = False  # the server may have some to tell of
        self.errors: list[tuple[int, str, str]] = []  # (kind, operation, source), to be warned of
        self.names: dict[tuple[str, str], str] = {}  # what NumPy calls the operation there
        self.enabled = True
        self.handles = itertools.count(1)
        self._operations: dict[str, int] | None = None
        self._backend: _backend.Backend | None = None
        self._retired: list[_backend.Backend] = []  # whose shared memory is still in use
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
        """The backend; another one is started after the first was lost, or in a child."""
        if self._backend is None:
            if not self.operations or not self.enabled:
                raise ManipleError("Maniple has no backend in this process")
            if self._backend is None:
                try:
                    fresh = _backend.create_backend(_settings.backend)
                except _backend.BackendUnavailable as error:
                    raise ServerError(f"no server can be started again: {error}") from None
                assert fresh is not None
                if dict(fresh.operations()) != self._operations:
                    fresh.close()
                    raise ServerError("the server that runs now has other operations than before")
                self._backend = fresh
                self.limits = fresh.limits
        assert self._backend is not None
        return self._backend

    def reserve(self, nbytes: int) -> _backend.Region:
        """Return shared memory for the client to fill. The caller holds the lock."""
        if self._backend is not None:
            self._notice_loss()
        try:
            return self.backend.reserve(nbytes)
        except _backend.BackendLost as error:
            raise self._lose(error) from None
        except _backend.BackendError as error:
            raise _to_exception(error, caller()) from None

    def introduce(self, memory: np.ndarray) -> int:
        """Send the content of a contiguous array; return the handle of the buffer that gets it.

        For backends that share no memory. The caller holds the lock.
        """
        if self._backend is not None:
            self._notice_loss()
        try:
            placement = self.backend.upload(memory)
        except _backend.BackendLost as error:
            raise self._lose(error) from None
        except _backend.BackendError as error:
            raise _to_exception(error, caller()) from None
        handle = self.new_handle()
        self.batch.buffers.append((handle, memory.nbytes, None, placement))
        return handle

    def recycle(self, nbytes: int) -> None:
        """Tell the backend what has died, before so much is reserved; not amid an instruction."""
        # The first touch of a page costs more than a message. With operations in the making it
        # would be sent too early for them to be fused.
        if nbytes >= _RECYCLED_BYTES and self.frees and not self.batch.operation:
            self.flush()

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
        if content is not None:
            self.content_bytes += nbytes
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
                batch.reports.append(self.reporting)
                if self.reporting:
                    self.may_warn = True
                index = batch.source_index[key] = len(batch.sources)
                return index
            frame = frame.f_back
        return 0

    def call_it(self, operation: str, name: str) -> None:
        """Errors of `operation` at the user's line are told as those of `name`."""
        if self.reporting and (self.names or name != operation):
            if len(self.names) > 1_000:
                self.names.clear()
            self.names[operation, caller()] = name

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
        if self.guarded:
            self._check(handles)
        batch = self.batch
        frees = self.frees
        try:
            if frees:
                if len(frees) == 1 and not self.guarded:
                    # A temporary that has just died: nearly every instruction has one.
                    batch.operand_buffer.append(frees.pop())
                    batch.operation.append(0)
                    batch.operand_count.append(1)
                    batch.operand_layout.append(0)
                    batch.operand_offset.append(0)
                    batch.source.append(0)
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
        except BaseException:
            # Ctrl-C between two columns.
            batch.cut()
            raise
        self.pending_elements += elements
        self.send_if_due(in_place)

    def send_if_due(self, in_place: bool) -> None:
        """Flush where the policy says so."""
        if self.must_sync:
            self.flush(sync=True)
            self.warn()
        elif len(self.batch.operation) >= _settings.batch_instructions:
            pace.filled(self.pending_elements, len(self.batch.operation))
            self.flush()
        elif (
            in_place and self.pending_elements > _settings.pending_elements
        ) or self.content_bytes > _CONTENT_BYTES:
            self.flush()

    def _drain_frees(self) -> None:
        # The list may grow while it is read: take what is there, once.
        frees, count = self.frees, len(self.frees)
        handles = frees[:count]
        del frees[:count]
        if self.guarded:
            inherited, absent = self.inherited, self.absent
            for handle in handles:
                self.lost.pop(handle, None)
            known = [h for h in handles if h > inherited and h not in absent]
            absent.difference_update(handles)
            handles = known
            self._guard()
        count = len(handles)
        batch = self.batch
        zeros = [0] * count
        batch.operand_buffer += handles
        batch.operand_layout += zeros
        batch.operand_offset += zeros
        batch.operation += zeros
        batch.operand_count += [1] * count
        batch.source += zeros

    def _guard(self) -> None:
        self.guarded = bool(self.inherited or self.lost or self.absent)

    def _check(self, handles: Iterable[int]) -> None:
        """Raise what became of the first handle that is not to be used."""
        for handle in handles:
            if handle:
                if handle <= self.inherited:
                    raise self.gone(handle)
                if handle in self.lost:
                    raise _again(self.lost[handle])

    def knows(self, handle: int) -> bool:
        """Whether the server has what the handle stands for."""
        return handle > self.inherited and handle not in self.lost

    def epoch(self, handle: int) -> Epoch:
        """Return the session of the past in which `handle` was known."""
        return next(epoch for epoch in self.epochs if handle <= epoch.last)

    def gone(self, handle: int) -> ManipleError:
        """Return what to raise where the content of a handle of the past is needed."""
        return _again(self.epoch(handle).error)

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
            if self._backend is not None:
                self._notice_loss()
            if self.guarded:
                self._check([handle for handle, *_ in observations])
            backend = self.backend
            self._settle(backend)
            batch = self.batch
            batch.number = self.number
            if observations:
                pace.looked(self.pending_elements)
            batch.observations += observations
            batch.sync = sync
            number = self.number
            self._unconfirmed.append(
                Unconfirmed(
                    number,
                    batch.buffers,
                    batch.operation,
                    batch.operand_count,
                    batch.operand_buffer,
                )
            )
            self._new_batch()
            try:
                contents = backend.submit(batch)
            except _backend.BackendLost as error:
                raise self._lose(error) from None
            except _backend.BackendError as error:
                raise self._failed(error, caller()) from None
            except _backend.BackendInterrupted as interrupted:
                if interrupted.error is not None:
                    self._failed(interrupted.error, caller())
                elif not sync and not observations:
                    self._await_cancelled(backend)
                raise KeyboardInterrupt from None
            if sync or observations:
                self.completed = number
                self.may_warn = False
                self.errors += backend.take_errors()
                self._unconfirmed.clear()
                if getattr(backend, "shared_memory_spoiled", False):
                    self._spoiled = True
                if not self._spoiled:
                    self.sound = number
            return contents

    def warn(self) -> None:
        """Give the warnings that are due; may raise one."""
        if self.errors:
            from maniple._warnings import deliver

            deliver()

    def _await_cancelled(self, backend: _backend.Backend) -> None:
        """Take note of what was queued and will not be executed, before the user goes on."""
        batch = Batch()
        batch.number = self.number
        batch.sync = True
        self.number += 1
        try:
            backend.submit(batch)
        except _backend.BackendError as error:
            self._failed(error, caller())
        except _backend.BackendLost as error:
            self._lose(error)

    def _settle(self, backend: _backend.Backend) -> None:
        """Take note of answers that an exception kept somebody from reading."""
        settle = getattr(backend, "settle", None)
        if settle is None:
            return
        try:
            failures = settle()
        except _backend.BackendLost as error:
            raise self._lose(error) from None
        for failure in failures:
            exception = self._failed(failure, caller())
            if failure.failed_batch:
                # What is being recorded takes it for granted.
                batch = self.batch
                batch.number = self.number
                self._unconfirmed.append(
                    Unconfirmed(
                        self.number, batch.buffers, batch.operation, batch.operand_count,
                        batch.operand_buffer,
                    )
                )  # fmt: skip
                self._new_batch()
                self._undo(self.number - 1, exception)
                raise exception

    def _failed(self, error: _backend.BackendError, where: str) -> ManipleError:
        """Take note of a failure; return what to raise."""
        exception = _to_exception(error, where)
        # What it was to write to shared memory may not be there. Where a matrix is singular there
        # was nothing: the results are new, and nobody has them.
        if error.status != _backend.NUMERICAL_FAILURE:
            self._spoiled = True
        first = error.failed_batch
        if not first and error.status in _backend.REFUSALS:
            first = self.number - 1
        if first:
            self._undo(first, exception)
        return exception

    def _undo(self, first: int, error: ManipleError) -> None:
        """Batches from `first` on had no effect: what they introduced is not there, what they
        were to write is not what it should be, and what they freed is still to be freed.
        """
        outputs = {number: _outputs(name) for name, number in self.operations.items()}
        refused = [entry for entry in self._unconfirmed if entry.number >= first]
        self._unconfirmed.clear()
        introduced: dict[int, tuple[int, int, bytes | None, _backend.Placement | None]] = {}
        written: set[int] = set()
        freed: set[int] = set()
        for entry in refused:
            introduced.update((handle, row) for row in entry.buffers for handle in row[:1])
            position = 0
            for operation, count in zip(entry.operation, entry.operand_count, strict=False):
                if operation == 0:
                    freed.add(entry.operand_buffer[position])
                else:
                    end = position + outputs.get(operation, 1)
                    written.update(entry.operand_buffer[position:end])
                position += count
        for handle, row in introduced.items():
            if row[3] is not None and row[3][0] == 0:
                # Sent, and gone with the batch: whoever needs it again sends it again.
                self.absent.add(handle)
                written.add(handle)
            elif row[3] is not None and handle not in self._reintroduced:
                # The client has filled it, and the reservation still stands.
                self._reintroduced.add(handle)
                self.batch.buffers.append(row)
            elif handle in freed:
                freed.discard(handle)
                written.discard(handle)
            else:
                self.absent.add(handle)
                written.add(handle)
        self.frees += freed
        # Not the one that is raised: its traceback keeps alive what is to be freed.
        kept = _again(error)
        for handle in written - freed:
            self.lost.setdefault(handle, kept)
        self._guard()

    # -- the end of a server -------------------------------------------------------------------

    def _notice_loss(self) -> None:
        """If the server has gone while nobody waited for it, go on with another one as far as
        what is recorded needs nothing of the old one.
        """
        lost = getattr(self._backend, "lost", None)
        error = None if lost is None else lost()
        if error is None:
            return
        batch = self.batch
        first = min([handle for handle, *_ in batch.buffers], default=0)
        position, keeps = 0, bool(first)
        keeps = keeps and not any([row[3] is not None for row in batch.buffers])
        for operation, count in zip(batch.operation, batch.operand_count, strict=True):
            if operation:
                handles = batch.operand_buffer[position : position + count]
                keeps = keeps and all([not handle or handle >= first for handle in handles])
            position += count
        if not batch.operation and not batch.buffers:
            self._lose(error, quiet=True)
        elif keeps:
            self._lose(error, keep_from=first, quiet=True)
            batch.drop_frees_below(first)
        else:
            raise self._lose(error)

    def _lose(
        self, error: _backend.BackendLost, keep_from: int = 0, quiet: bool = False
    ) -> ServerError:
        """The server is gone: what only it had is lost. Return what to raise."""
        where = "" if quiet else caller()
        exception = ServerError(f"{error}; noticed at {where}" if where else str(error))
        exception.log = error.log
        self._end_epoch(exception, forked=False, keep_from=keep_from)
        return exception

    def _end_epoch(self, error: ManipleError, forked: bool, keep_from: int = 0) -> None:
        """Handles so far, or below `keep_from`, are of a session that cannot be reached."""
        backend, self._backend = self._backend, None
        if backend is not None and not forked:
            backend.close()
        last = keep_from - 1 if keep_from else next(self.handles)
        self.epochs.append(Epoch(last, self.sound, _again(error), forked))
        self.inherited = last
        self.guarded = True
        self.lost.clear()
        self.absent.clear()
        self._reintroduced.clear()
        self._unconfirmed.clear()
        self._spoiled = False
        if not keep_from:
            self._new_batch()
        self.completed = self.sound = self.number - 1

    def _new_batch(self) -> None:
        self.batch = Batch()
        self.number += 1
        self.pending_elements = 0
        self.content_bytes = 0
        self.must_sync = False

    # -- shared buffers ------------------------------------------------------------------------

    def watch(self, handle: int, array: np.ndarray) -> None:
        """Free `handle` when `array`, the memory of a shared buffer, has no reference left."""

        def gone(_: object, handle: int = handle, stream: Stream = self) -> None:
            stream.shared.pop(handle, None)
            stream.frees.append(handle)

        self.shared[handle] = weakref.ref(array, gone)

    # -- fork ----------------------------------------------------------------------------------

    def private_buffers(self) -> list[Buffer]:
        """Return the buffers that only the backend has."""
        from maniple._buffer import PRIVATE, Buffer

        return [
            x for x in gc.get_objects()
            if issubclass(type(x), Buffer) and x.home == PRIVATE and x.handle > self.inherited
        ]  # fmt: skip

    def before_fork(self) -> None:
        self.lock.acquire()
        if self._backend is not None:
            try:
                self._show_children()
            except (ManipleError, KeyboardInterrupt):
                # fork() must not fail for it; what is lost raises again where it is used.
                pass

    def _show_children(self) -> None:
        """Move what only the server has to shared memory, as far as that is cheap."""
        self.flush(sync=True)
        room = _FORK_BYTES
        for buffer in sorted(self.private_buffers(), key=lambda buffer: buffer.nbytes):
            room -= buffer.nbytes
            if room < 0:
                break
            try:
                buffer.look()
            except ManipleError:
                # It could not be computed; the child gets another error, but one it does get.
                pass

    def after_fork_in_parent(self) -> None:
        self.lock.release()

    def after_fork_in_child(self) -> None:
        """Leave the backend to the parent; the child opens a session of its own if it needs one."""
        self.lock = threading.RLock()
        self.frees.clear()
        self._retired.clear()
        if self._backend is not None:
            self._end_epoch(ManipleError(_PARENTS), forked=True)

    def change_backend(self) -> None:
        """Fetch what only the backend has, and go on with a backend started anew."""
        with self.lock:
            if self._backend is None:
                return
            self.flush(sync=True)
            for buffer in self.private_buffers():
                buffer.look()
            self.flush(sync=True)
            if self.shared:
                # Its end would take the memory away that arrays, and views of them, lie in.
                self._retired.append(self._backend)
                self._backend = None
            self._end_epoch(ManipleError("this array was at another server"), forked=False)
            # Now: whether memory is shared decides how the next operand goes there.
            self.limits = self.backend.limits

    def close(self) -> None:
        backends, self._backend = [*self._retired, self._backend], None
        self._operations = {}
        self.enabled = False
        for backend in backends:
            if backend is not None:
                backend.close()


_PARENTS = (
    "this array was computed by the parent process's server before fork() and cannot "
    "be read in the child; look at it (for example np.asarray(a)) before forking"
)


def _to_exception(error: _backend.BackendError, where: str = "") -> ManipleError:
    kind = _EXCEPTIONS.get(error.status, ManipleError)
    place = f" (recorded at {error.source})" if error.source else ""
    if where and not place:
        place = f" (noticed at {where})"
    return kind(f"{error.message}{place}")


def _again(error: ManipleError) -> ManipleError:
    """Return a copy to raise, so that tracebacks do not pile up on one exception."""
    copy = type(error)(str(error))
    copy.__dict__.update(error.__dict__)
    return copy


def _outputs(operation: str) -> int:
    """Return how many outputs come first, of "add:dd->d" one."""
    return len(operation.rpartition("->")[2])


stream = Stream()

os.register_at_fork(
    before=stream.before_fork,
    after_in_parent=stream.after_fork_in_parent,
    after_in_child=stream.after_fork_in_child,
)
atexit.register(stream.close)
