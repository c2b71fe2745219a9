"""The client's end of a session with the local server: calls over Py4J's protocol, data in shared
memory.

Imported at the first deferred flush, not with `import maniple`.
"""

from __future__ import annotations

import atexit
import base64
import errno
import json
import mmap
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from maniple import _program_pb2 as pb
from maniple._errors import Interrupted, ServerError
from maniple._interrupt import PATIENCE_SECONDS, InterruptGuard
from maniple._server import Address, Configuration, find_or_start
from maniple._wire import RefusedError, Wire, WireError, call_once

FORMAT = 2
"""Version of the program format."""

T = TypeVar("T")
Bytes = NDArray[np.uint8]

_CONNECT_SECONDS = 10.0
_ATTEMPTS = 3
_REPEAT_SECONDS = 0.2
_GONE = "the server is gone, and with it the arrays that only it had"
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


class Region:
    """Shared memory that was reserved, for the client to fill.

    Attributes
    ----------
    segment, offset, nbytes : int
        For the batch that introduces the buffer.
    array : ndarray of uint8
        The memory; its `base` is no ndarray, so that it is the base of every view of it.
    """

    __slots__ = ("array", "nbytes", "offset", "segment")

    def __init__(self, segment: int, offset: int, nbytes: int, array: Bytes) -> None:
        self.segment = segment
        self.offset = offset
        self.nbytes = nbytes
        self.array = array

    @property
    def placement(self) -> tuple[int, int, int]:
        """(segment, offset, bytes)."""
        return self.segment, self.offset, self.nbytes


class Connection:
    """A session with the server.

    Thread-safe: one call at a time, except `interrupt`. Not to be called from finalisers or signal
    handlers, which
    may run in the middle of a call of the same thread; such a call is refused.

    When the server is gone, the pending and every later call raise the same ServerError; what the
    session held is
    lost. Connect anew for new arrays.
    """

    def __init__(
        self, address: Address, options: pb.SessionOptions | None = None, client_version: str = ""
    ) -> None:
        """Connect and open a session, or raise ServerError."""
        self.address = address
        self._lock = threading.Lock()
        self._holder = 0
        self._lost: ServerError | None = None
        # The method of a call that an exception ended before its answer was read; empty for none.
        self._unanswered = ""
        self._missed: list[pb.Reply] = []
        self._cancelling = False
        self._segments: dict[int, mmap.mmap] = {}
        self._session = ""
        try:
            self._wire = Wire(address.port, address.token, _CONNECT_SECONDS)
        except (OSError, WireError) as error:
            raise ServerError(f"cannot connect to the server: {error}", log=address.log) from error
        _connections.add(self)
        request = pb.HelloRequest(
            formats=[FORMAT], client_version=client_version, client_pid=os.getpid(), options=options
        )
        try:
            hello = pb.HelloReply.FromString(
                self._call("hello", request.SerializeToString(), convert=_decoded)
            )
            if hello.status != pb.OK:
                message = f"the server refused the session: {hello.message}"
                raise ServerError(message, status=hello.status, log=address.log)
        except BaseException:
            self._wire.close()
            raise
        self._session = hello.session
        self.server_version: str = hello.server_version
        self.limits: pb.Limits = hello.limits
        self.operations: list[pb.Operation] = list(hello.operations)

    @property
    def lost(self) -> ServerError | None:
        """Why the session is gone; None while it is not."""
        return self._lost

    def submit(self, batch: bytes) -> pb.Reply:
        """Execute an encoded Batch; the answer may say that it, or an earlier one, failed.

        Returns at once where the batch has no observation and does not ask to sync.

        Raises
        ------
        ServerError
            The server is gone.
        Interrupted
            By Ctrl-C; the server has stopped working on it.
        """
        if len(batch) > self.limits.batch_bytes:
            allowed = self.limits.batch_bytes
            message = f"a batch of {len(batch):,} bytes, {allowed:,} are allowed"
            return pb.Reply(status=pb.LIMIT_EXCEEDED, message=message)
        return self._call("submit", self._session, batch, convert=self._reply)

    @property
    def unsettled(self) -> bool:
        """Whether an exception kept somebody from reading an answer."""
        return bool(self._unanswered or self._missed)

    def settle(self) -> list[pb.Reply]:
        """Read the answers to batches that an exception kept somebody from reading."""
        if self._unanswered:
            self._call("", convert=str)
        missed, self._missed = self._missed, []
        return missed

    def check(self) -> ServerError | None:
        """Why the session is gone; None if it is not, as far as can be seen without asking."""
        if self._lost is None and not self._unanswered and self._lock.acquire(blocking=False):
            try:
                if self._lost is None and self._wire.wait(0):
                    # Nothing is due: this is the end of the connection.
                    self._lose(_GONE)
            finally:
                self._lock.release()
        return self._lost

    def ended(self, message: str) -> ServerError:
        """Note that the server has closed the session."""
        return self._lost or self._lose(f"{_GONE}: {message}")

    def reserve(self, nbytes: int) -> Region:
        """Shared memory for the client to fill, and to name in a NewBuffer's placement.

        Raises
        ------
        ServerError
            With status SHARED_MEMORY_UNAVAILABLE where there is none; the session goes on.
        """
        try:
            reply = self._call("reserve", self._session, nbytes, convert=self._reply)
        except Interrupted as interrupted:
            if interrupted.reply is not None and interrupted.reply.placements:
                unused = interrupted.reply.placements[0]
                self._call(
                    "release", self._session, unused.segment, unused.offset, convert=self._reply
                )
            raise
        if reply.status != pb.OK:
            raise ServerError(reply.message, status=reply.status, log=self.address.log)
        placement = reply.placements[0]
        return Region(placement.segment, placement.offset, nbytes, self.array(placement))

    def release(self, region: Region) -> None:
        """Give back a reservation that no batch has named."""
        self._call("release", self._session, region.segment, region.offset, convert=self._reply)

    def array(self, placement: pb.Placement) -> Bytes:
        """The bytes of a placement as a one-dimensional uint8 array over shared memory, whose
        base is no ndarray.
        """
        if placement.bytes == 0:
            return np.frombuffer(bytearray(), np.uint8)
        segment = self._segments[placement.segment]
        return np.frombuffer(segment, np.uint8, count=placement.bytes, offset=placement.offset)

    def profile(self) -> pb.ProfileReply:
        """What the session has done so far."""
        return self._call("profile", self._session, convert=_profile)

    def explain(self) -> str:
        """What the session's kernels do."""
        return self._call("explain", self._session, convert=str)

    def timeline(self, after: int) -> pb.TimelineReply:
        """When the batches behind `after` ran; nothing unless the session was opened for that."""
        return self._call("timeline", self._session, after, convert=_timeline)

    def interrupt(self) -> None:
        """Cancel what runs and what is queued; from any thread, while another waits in `submit`."""
        if self._lost is None and self._session:
            try:
                call_once(self.address.port, self.address.token, "interrupt", self._session)
            except (OSError, WireError, RefusedError):
                # Then the server is gone or busy; whoever waits for its answer gets to know.
                pass

    def server_status(self) -> dict[str, Any]:
        """What the server says of itself."""
        status: dict[str, Any] = json.loads(self._call("status", convert=str))
        return status

    def close(self) -> None:
        """End the session; the server frees all it held. Does nothing the second time."""
        if self._lost is None:
            self._lose("the session is closed", blame_server=False)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reply(self, answer: str) -> pb.Reply:
        reply = pb.Reply.FromString(_decoded(answer))
        if reply.segments or reply.dropped_segments or reply.warning:
            self._take_news(reply)
        return reply

    def _take_news(self, reply: pb.Reply) -> None:
        for segment in reply.segments:
            try:
                self._segments[segment.id] = _map(segment.path, segment.bytes)
            except OSError as error:
                message = (
                    f"cannot map the server's shared memory: {error}; "
                    "start the server with MANIPLE_SHARED_MEMORY=/dev/shm where it is a memory file"
                )
                raise self._lose(message) from error
        for dropped in reply.dropped_segments:
            # Unmapped when the last array over it is gone.
            self._segments.pop(dropped, None)
        if reply.warning:
            warnings.warn(f"maniple: {reply.warning}", RuntimeWarning, stacklevel=4)

    def _call(self, method: str, *arguments: str | int | bytes, convert: Callable[[str], T]) -> T:
        me = threading.get_ident()
        if self._holder == me:
            raise RuntimeError("the connection was called from within one of its own calls")
        with self._lock:
            self._holder = me
            try:
                if self._lost is not None:
                    raise self._again(self._lost)
                try:
                    with InterruptGuard(self._cancel) as guard:
                        self._finish_unanswered(guard)
                        answer = ""
                        if method:
                            self._unanswered = method
                            self._send(method, *arguments)
                            answer = self._answer(guard)
                        result = convert(answer)
                except RefusedError as error:
                    message = f"the server refused the call: {error}"
                    raise ServerError(message, log=self.address.log) from error
                except WireError as error:
                    raise self._lose(f"{_GONE}: {error}") from error
                if guard.pressed:
                    raise Interrupted(result if isinstance(result, pb.Reply) else None)
                return result
            finally:
                self._holder = 0

    def _finish_unanswered(self, guard: InterruptGuard) -> None:
        method = self._unanswered
        if method:
            try:
                answer = self._answer(guard)
            except RefusedError:
                return
            if method in ("submit", "reserve", "release"):
                # Nobody waits for the answer any more, but the segments it announces are announced
                # once, and so is a failure.
                reply = self._reply(answer)
                if method == "submit":
                    self._missed.append(reply)

    def _send(self, method: str, *arguments: str | int | bytes) -> None:
        try:
            self._wire.send(method, *arguments)
        except WireError:
            raise
        except BaseException:
            self._lose("a call was broken off while it was sent", blame_server=False)
            raise

    def _answer(self, guard: InterruptGuard) -> str:
        pressed_at = 0.0
        while True:
            try:
                # An interruption may overtake the call itself: repeat it until the answer is there.
                # (It comes from a signal handler within the wait, which goes on waiting.)
                while not self._wire.wait(_REPEAT_SECONDS):
                    if self._cancelling:
                        self.interrupt()
                    if guard.pressed:
                        pressed_at = pressed_at or time.monotonic()
                        if time.monotonic() - pressed_at > PATIENCE_SECONDS:
                            # In the midst of what cannot be stopped, a matrix product for example.
                            raise KeyboardInterrupt
            except BaseException:
                # Somebody's signal handler. The answer stays to be read by the next call.
                self._cancel()
                raise
            try:
                answer = self._wire.receive()
            except RefusedError:
                self._answered()
                raise
            except WireError:
                raise
            except BaseException:
                self._lose("a call was broken off while its answer was read", blame_server=False)
                raise
            if answer is not None:
                self._answered()
                return answer

    def _answered(self) -> None:
        self._unanswered = ""
        self._cancelling = False

    def _cancel(self) -> None:
        self._cancelling = True
        self.interrupt()

    def _lose(self, message: str, *, blame_server: bool = True) -> ServerError:
        """Remember why the session is gone, for every later call."""
        self._lost = ServerError(message, log=self.address.log if blame_server else "")
        self._wire.close()
        return self._lost

    @staticmethod
    def _again(error: ServerError) -> ServerError:
        """A copy to raise, so that tracebacks do not pile up on one exception."""
        copy = ServerError(str(error), status=error.status)
        copy.log = error.log
        return copy

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self._holder = 0
        if self._lost is None:
            self._lost = ServerError(
                "the array belongs to the parent process, whose server session a child cannot use"
            )
            self._wire.close(shared=True)


def _map(path: str, nbytes: int) -> mmap.mmap:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            return mmap.mmap(descriptor, nbytes)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno != errno.EMFILE or not _allow_more_files():
            raise
        return _map(path, nbytes)


def _allow_more_files() -> bool:
    """Raise the soft limit of open files to the hard one: before 3.13 Python keeps one open for
    each mapping.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return True


def _profile(answer: str) -> pb.ProfileReply:
    return pb.ProfileReply.FromString(_decoded(answer))


def _timeline(answer: str) -> pb.TimelineReply:
    return pb.TimelineReply.FromString(_decoded(answer))


def _decoded(answer: str) -> bytes:
    return base64.b64decode(answer)


def after_fork_in_child() -> None:
    """Give up the parent's connections: the child must not speak in their midst. Registered with
    os.register_at_fork.
    """
    for connection in list(_connections):
        connection._forked()


def _close_all() -> None:
    for connection in list(_connections):
        connection.close()


os.register_at_fork(after_in_child=after_fork_in_child)
atexit.register(_close_all)


def open_connection(
    configuration: Configuration | None = None,
    options: pb.SessionOptions | None = None,
) -> Connection:
    """Open a session with the user's running server; start one if there is none, or if it does
    not answer.

    Raises
    ------
    ServerError
    """
    configuration = configuration or Configuration.from_environment()
    address = find_or_start(configuration)
    for _ in range(_ATTEMPTS):
        try:
            return Connection(address, options, configuration.version)
        except ServerError as error:
            # Not ours (the port has another owner by now), or just leaving for being idle.
            if error.status not in (0, pb.SHUTTING_DOWN):
                raise
            failure = error
            address = find_or_start(configuration, instead_of=address)
    raise failure


def connect() -> Any:
    """The shim's backend, as `_backend.create_backend` wants it."""
    from maniple import _server_backend

    return _server_backend.connect()
