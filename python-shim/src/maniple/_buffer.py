"""A buffer: the memory behind one or more arrays, and where it lives (docs/architecture.md)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from maniple import _settings
from maniple._recorder import stream

if TYPE_CHECKING:
    import weakref

LOCAL = 0
PRIVATE = 1
SHARED = 2

# References to `owner` when nobody else has one: the slot `owner`, `memory` (or its base), the
# argument of getrefcount.
_OWN_REFERENCES = 3


class Buffer:
    """The memory behind one or more arrays.

    Attributes
    ----------
    home : int
        LOCAL, PRIVATE or SHARED.
    handle : int
        The server's name for it; 0 for LOCAL.
    nbytes : int
    owner : ndarray or None
        The base that every NumPy view of this memory refers to; None for PRIVATE.
    memory : ndarray or None
        `owner`, C contiguous: what `numpy.ndarray(buffer=…)` accepts.
    typed : bool
        `owner` is still the array that was wrapped, with its dtype and shape.
    touched : int
        Number of the last batch with an instruction on it, for SHARED.
    written : int
        Number of the last batch that was to write it, for SHARED.
    looked : bool
        SHARED: the program may have written to it since it was last announced (`Batch.written`).
    snapshot : int
        LOCAL: handle of a copy at the server that is still current, or 0.
    selections : list of weak references, or None
        Lazy selections that read this buffer; they are computed before it changes.
    accesses : tuple
        Small accesses to what is not LOCAL, as `_elements` counts them, which alone sets it.
    window : (Layout, int, ndarray)
        A NumPy view of this memory that is kept for small accesses: set by `_elements`, and closed
        before anybody asks whether views are out.
    pin : ndarray
        Set by `keep_in_place`, to `owner`: the memory counts as exported from then on.
    """

    __slots__ = (
        "__weakref__",
        "accesses",
        "handle",
        "home",
        "looked",
        "memory",
        "nbytes",
        "owner",
        "pin",
        "selections",
        "snapshot",
        "touched",
        "typed",
        "window",
        "written",
    )

    accesses: tuple[int, int, int]
    owner: np.ndarray | None
    memory: np.ndarray | None
    pin: np.ndarray | None  # set by keep_in_place only
    window: tuple[Any, int, np.ndarray]

    def __init__(self, home: int, handle: int, nbytes: int) -> None:
        self.home = home
        self.handle = handle
        self.nbytes = nbytes
        self.owner = None
        self.memory = None
        self.typed = False
        self.touched = 0
        self.written = 0
        self.looked = False
        self.snapshot = 0
        self.selections: list[weakref.ref[Any]] | None = None

    # -- the client looks ----------------------------------------------------------------------

    def look(self) -> None:
        """Make `memory` current and safe to read and write."""
        if self.selections:
            self.settle()
        if self.home == LOCAL:
            if self.snapshot:
                stream.frees.append(self.snapshot)
                self.snapshot = 0
            return
        if self.handle <= stream.inherited:
            self._adopt()
            return
        if self.home == SHARED:
            self.looked = True
            if self.touched > stream.completed or self.written > stream.sound:
                with stream.lock:
                    # Not only waited but asked for: the server may have failed to compute it.
                    stream.flush([(self.handle, 0, 0)])
                    self.written = 0
                stream.warn()
            return
        with stream.lock:
            if self.home == PRIVATE:
                if self.handle <= stream.inherited:
                    self._adopt()
                self._fetch()
        stream.warn()

    def _fetch(self) -> None:
        """PRIVATE to LOCAL where it is small, else to SHARED."""
        handle = self.handle
        if self.nbytes <= min(_settings.inline_bytes, stream.limits.inline_bytes):
            self._set_local(self._inline(0, self.nbytes))
            stream.frees.append(handle)
        else:
            (content,) = stream.flush([(handle, 0, 0)])
            assert isinstance(content, np.ndarray)
            if stream.limits.shared_memory:
                self._set_shared(content)
            else:
                self._set_local(content)
                stream.frees.append(handle)
            # `content` must not keep the memory from looking unexported: it dies on return.

    def _inline(self, offset: int, length: int) -> np.ndarray:
        memory = np.empty(length, np.uint8)
        if length:
            (content,) = stream.flush([(self.handle, offset, length)])
            memory[...] = np.frombuffer(content, np.uint8)
        return memory

    def read(self, offset: int, length: int) -> np.ndarray:
        """Return some bytes of a PRIVATE buffer, which stays where it is."""
        if self.handle <= stream.inherited:
            self._adopt()
        content = self._inline(offset, length)
        stream.warn()
        return content

    def _set_local(self, memory: np.ndarray) -> None:
        self.home = LOCAL
        self.handle = 0
        self.owner = self.memory = memory
        self.typed = False

    def _set_shared(self, memory: np.ndarray) -> None:
        self.home = SHARED
        self.owner = self.memory = memory
        self.typed = False
        self.touched = 0
        self.written = 0
        self.looked = True
        stream.watch(self.handle, memory)

    def _adopt(self) -> None:
        """Take over what a session of the past left in shared memory; refuse what only it had."""
        with stream.lock:
            if self.home == LOCAL:
                return  # by another thread
            epoch = stream.epoch(self.handle)
            if self.home == PRIVATE or self.written > epoch.sound:
                raise stream.gone(self.handle)
            memory = self.memory
            assert memory is not None
            # The parent writes to its memory again; after the loss of a server nobody else does.
            self._set_local(memory.copy() if epoch.forked else memory)

    def settle(self) -> None:
        """Compute the lazy selections that read this buffer."""
        selections, self.selections = self.selections, None
        for reference in selections or ():
            selection = reference()
            if selection is not None:
                selection._settle(self)

    # -- the server looks ----------------------------------------------------------------------

    def close_window(self) -> None:
        try:
            del self.window
        except AttributeError:
            pass

    def exported(self) -> bool:
        """Whether somebody outside Maniple holds a NumPy view of this memory."""
        self.close_window()
        return sys.getrefcount(self.owner) > _OWN_REFERENCES

    def keep_in_place(self) -> None:
        """Never move this memory again: its address is known to somebody who holds no view."""
        self.pin = self.owner

    def for_reading(self) -> int:
        """Return a handle to this buffer's present content; 0 if a snapshot must be taken."""
        if self.home == PRIVATE:
            if self.handle <= stream.inherited:
                self._adopt()
            return self.handle
        if self.home == SHARED:
            if self.handle <= stream.inherited:
                self._adopt()
                return 0
            self.touched = stream.number
            if self.looked:
                self.close_window()
            exported = sys.getrefcount(self.owner) > _OWN_REFERENCES
            if exported:
                stream.must_sync = True
            if self.looked or exported:
                stream.batch.written.append(self.handle)
                # Whoever holds a view writes without a word, until the next time here.
                self.looked = exported
            return self.handle
        if self.snapshot:
            if not stream.guarded or stream.knows(self.snapshot):
                return self.snapshot
            stream.frees.append(self.snapshot)
            self.snapshot = 0
        if self.exported():
            return 0
        if self.nbytes > _settings.inline_bytes and stream.limits.shared_memory:
            self._share()
            self.touched = stream.number
            return self.handle
        self.snapshot = self._send()
        self.__class__ = Remote
        return self.snapshot

    def for_writing(self) -> bool:
        """Move this buffer where the server can write it; False if that cannot be."""
        if self.selections:
            self.settle()
        if self.home == PRIVATE:
            if self.handle <= stream.inherited:
                self._adopt()
                return False
            return True
        if self.home == SHARED:
            if not self.for_reading():
                return False
            self.written = stream.number
            return True
        assert self.memory is not None
        if self.exported() or not self.memory.flags.writeable:
            return False
        if self.nbytes > _settings.inline_bytes and stream.limits.shared_memory:
            self._share()
            self.touched = self.written = stream.number
            return True
        if stream.guarded and self.snapshot and not stream.knows(self.snapshot):
            self.snapshot = 0
        self.handle = self.snapshot or self._send()
        self.snapshot = 0
        self.__class__ = Remote
        self.home = PRIVATE
        self.owner = self.memory = None
        self.typed = False
        return True

    def _send(self) -> int:
        """Introduce a buffer at the backend with this content; return its handle."""
        assert self.memory is not None
        if self.nbytes > _settings.inline_bytes:
            return stream.introduce(self.memory)
        return stream.new_buffer(self.nbytes, self.memory.tobytes())

    def _share(self) -> None:
        assert self.memory is not None
        region = stream.reserve(self.nbytes)
        memory = region.array
        memory[...] = self.memory.reshape(-1).view(np.uint8)
        handle = stream.new_handle()
        stream.batch.buffers.append((handle, self.nbytes, None, region.placement))
        self.handle = handle
        self._set_shared(memory)
        self.looked = False


class Remote(Buffer):
    """A buffer that may have something to free at the server.

    A class of its own because a finalizer in Python costs as much as a small operation.
    """

    __slots__ = ()

    def __del__(self, _frees: list[int] = stream.frees) -> None:
        # The default argument outlives the module's globals at interpreter exit.
        if self.home == PRIVATE:
            _frees.append(self.handle)
        elif self.snapshot:
            _frees.append(self.snapshot)


def local_buffer(owner: np.ndarray) -> Buffer | None:
    """Return a buffer over the memory that `owner` owns; None if it is in no usable order."""
    flags = owner.flags
    if flags.c_contiguous:
        memory = owner
    elif flags.f_contiguous:
        memory = owner.T
    else:
        return None
    buffer = Buffer(LOCAL, 0, owner.nbytes)
    buffer.owner = owner
    buffer.memory = memory
    buffer.typed = True
    return buffer


def private_buffer(nbytes: int) -> Buffer:
    """Return new, uninitialised memory of the server. The caller holds the stream's lock."""
    return Remote(PRIVATE, stream.new_buffer(nbytes), nbytes)


def shared_buffer(nbytes: int) -> Buffer:
    """Return new shared memory for the client to fill. The caller holds the stream's lock."""
    region = stream.reserve(nbytes)
    handle = stream.new_handle()
    stream.batch.buffers.append((handle, nbytes, None, region.placement))
    buffer = Buffer(SHARED, handle, nbytes)
    buffer._set_shared(region.array)
    return buffer
