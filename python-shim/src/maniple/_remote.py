"""A daemon as a backend of the shim: calls over one stream of Arrow Flight, contents beside it.

Every call has a number, and the daemon executes it once. A stream that breaks is replaced by
another one on which what was not answered is sent again, so a program outlives a network that is
away for a while (program.proto: "a session over a network").
"""

from __future__ import annotations

import collections
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# What gRPC has to say comes as exceptions; its log would be printed among the program's output.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import pyarrow as pa
import pyarrow.flight as flight

from maniple import _profile
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._backend import (
    FORMAT,
    SESSION_ENDED,
    BackendError,
    BackendInterrupted,
    BackendLost,
    Batch,
    Placement,
)
from maniple._bulk import LEAST_BYTES, BulkConnection, codec_of, port_of
from maniple._encode import batch_message
from maniple._errors import ServerError
from maniple._interrupt import InterruptGuard, Repetition
from maniple._progress import Progress
from maniple._server import VERSION
from maniple._server_backend import limits_of, numbers_of

_NAME_CHARACTERS = 100
_SOURCE_CHARACTERS = 300
_UNANSWERED = 32
"""So many calls may be on their way."""

_TRACE_CHARACTERS = 512
"""Of the trace context that the program was started with; W3C's own limit for what is passed on."""

_PIECE = 8 << 20
_CONNECT_SECONDS = 10.0
_AGAIN_SECONDS = 5.0
_ATTEMPTS = 4
_BULK_FAILURES = 5
"""After so many one after another the contents go through Flight."""

_REFUSALS = (pa.ArrowInvalid, flight.FlightServerError)
"""How a stream ends where the daemon does not want what was sent."""

_END_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_SCHEMA = pa.schema([pa.field("data", pa.uint8(), nullable=False)])
_KEEP_ALIVE = [
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Of gRPC's own measurements of the bandwidth: while one is under way, no other ping is sent.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 80 << 20),
    ("grpc.max_metadata_size", 8 << 10),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
]


def explained(error: Exception, address: DaemonAddress) -> str:
    """Return what went wrong, and what to do, in a line."""
    text = str(error).split(". gRPC client debug context")[0].split(". Client context")[0].strip()
    text = text.removeprefix("Flight returned ").partition(": ")[2] or text
    text = text.partition("with message: ")[2] or text
    if isinstance(error, flight.FlightUnauthenticatedError):
        return f"the daemon at {address.url} does not let you in: {text}"
    if isinstance(error, flight.FlightUnavailableError):
        return f"the daemon at {address.url} cannot be reached: {text}; try 'maniple server check'"
    return f"the daemon at {address.url}: {text}"


def client_of(address: DaemonAddress) -> flight.FlightClient:
    """Return a client; it connects when it is used."""
    options: dict[str, Any] = {"generic_options": _KEEP_ALIVE}
    if address.secure:
        if address.ca is not None:
            options["tls_root_certs"] = address.ca
        if address.client_certificate is not None:
            options["cert_chain"] = address.client_certificate
            options["private_key"] = address.client_key
    return flight.FlightClient(address.location, **options)


def call_options(address: DaemonAddress, timeout: float | None = None) -> flight.FlightCallOptions:
    """Return what goes with each call: the token."""
    return flight.FlightCallOptions(
        headers=[(b"authorization", b"Bearer " + address.token.encode("ascii"))], timeout=timeout
    )


def act(
    client: flight.FlightClient, address: DaemonAddress, name: str, body: bytes, seconds: float
) -> bytes:
    """Carry out one of the daemon's actions; return its result."""
    options = call_options(address, seconds)
    results = list(client.do_action(flight.Action(name, body), options))
    return results[0].body.to_pybytes() if results else b""


def ask(address: DaemonAddress, name: str, seconds: float = _CONNECT_SECONDS) -> bytes:
    """Carry out an action on a connection of its own.

    Raises
    ------
    ServerError
        The daemon does not answer, or does not let the caller in.
    """
    client = client_of(address)
    try:
        return act(client, address, name, b"", seconds)
    except (pa.ArrowException, OSError) as error:
        raise ServerError(explained(error, address)) from None
    finally:
        client.close()


def _fallbacks(*, all_of_them: bool) -> list[pb.Fallback]:
    """Return what NumPy has computed here and the daemon has not been told of."""
    return [
        pb.Fallback(
            function=function[:_NAME_CHARACTERS],
            reason=reason[:_NAME_CHARACTERS],
            source=source[-_SOURCE_CHARACTERS:],
            calls=row.calls,
            elements=row.elements,
            nanoseconds=int(row.seconds * 1e9),
        )
        for (function, source, _, reason), row in _profile.take_unreported(all_of_them=all_of_them)
    ]


_abandoned: list[Any] = []
"""Streams whose thread still reads: they are not to be collected before the process ends."""


def _nothing() -> None:
    """While nobody has anything to do."""


def _close(writer: Any) -> None:
    """Close a stream that may be broken; Arrow would print what it finds when it is collected."""
    try:
        writer.close()
    except (pa.ArrowException, OSError):
        pass


def _disconnect(client: flight.FlightClient) -> None:
    """Close a connection now: one that is left to Python's end still tries to reach the daemon.

    Its threads then meet a process that is being taken down, which has ended with a signal instead
    of the program's status.
    """
    if any([stream.thread.is_alive() for stream in _abandoned]):
        return  # it may be this connection that is still read
    try:
        client.close()
    except (pa.ArrowException, OSError):
        pass


class _Stream:
    """One stream, with a thread that reads it."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.writer, self.reader = channel.client.do_exchange(
            flight.FlightDescriptor.for_command(b"session"), channel.options
        )
        self.broken: Exception | None = None
        self.thread = threading.Thread(target=self._read, name="maniple-remote", daemon=True)

    def open(self, opening: pb.Opening) -> pb.Opened:
        self.writer.write_metadata(pa.py_buffer(opening.SerializeToString()))
        opened = pb.Opened.FromString(self._next())
        self.thread.start()
        return opened

    def _next(self) -> bytes:
        return bytes(self.reader.read_chunk().app_metadata or b"")

    def _read(self) -> None:
        try:
            while True:
                self.channel.arrived(pb.Answer.FromString(self._next()))
        except Exception as error:
            self.broken = error
            self.channel.wake()

    def end(self) -> None:
        self.broken = self.broken or ConnectionError("the stream was ended")
        try:
            self.reader.cancel()
        except (pa.ArrowException, OSError):
            pass
        # First the thread: to close what it reads from has ended the process now and then.
        self.join()
        if self.thread.is_alive() and self.thread is not threading.current_thread():
            _abandoned.append(self)
        else:
            _close(self.writer)

    def join(self) -> None:
        """Wait for the thread that reads: it must not be in the middle when Python ends."""
        if self.thread.is_alive() and self.thread is not threading.current_thread():
            self.thread.join(_END_SECONDS)


class Channel:
    """The calls of one session. Used by one thread at a time but for `interrupt`."""

    def __init__(self, address: DaemonAddress, session_options: pb.SessionOptions) -> None:
        self.address = address
        self.options = call_options(address)
        self.client = client_of(address)
        self.control = client_of(address)  # for what must get through while the other is busy
        self.session = ""
        self.chunk = _PIECE
        self.patience = 0.0
        self.bulk_port = 0
        self.codec = ""
        self._bulk: BulkConnection | None = None
        self._bulk_failures = 0
        self.lost: ServerError | None = None
        self._condition = threading.Condition()
        self._answers: dict[int, pb.Answer] = {}
        self._unanswered: collections.OrderedDict[int, pb.Call] = collections.OrderedDict()
        self._number = 0
        self._acknowledged = 0
        self._stream: _Stream | None = None
        self.hello = self._begin(session_options)

    def _begin(self, session_options: pb.SessionOptions) -> pb.HelloReply:
        request = pb.HelloRequest(
            formats=[FORMAT],
            client_version=VERSION,
            client_pid=os.getpid(),
            options=session_options,
            trace_parent=os.environ.get("TRACEPARENT", "")[:_TRACE_CHARACTERS],
            trace_state=os.environ.get("TRACESTATE", "")[:_TRACE_CHARACTERS],
        )
        opening = pb.Opening(hello=request, name=uuid.uuid4().hex)
        stream, opened = self._first_stream(opening)
        if opened.hello.status != pb.OK:
            raise ServerError(
                f"the daemon at {self.address.url}: {opened.hello.message}",
                status=opened.hello.status,
            )
        if opened.hello.server_version != VERSION:
            stream.end()
            raise ServerError(
                f"the daemon at {self.address.url} has version {opened.hello.server_version}, this "
                f"client {VERSION}: install the same"
            )
        self._stream = stream
        self.session = opened.hello.session
        self.chunk = opened.chunk_bytes or _PIECE
        self.patience = opened.reconnect_seconds
        self.bulk_port = port_of(opened.bulk_port)
        try:
            self.codec = codec_of(opened.codecs) if self.bulk_port else ""
        except ServerError:
            self.close()
            raise
        return opened.hello

    def _first_stream(self, opening: pb.Opening) -> tuple[_Stream, pb.Opened]:
        """Open the stream of a new session; a connection that breaks meanwhile is tried again."""
        end = time.monotonic() + _AGAIN_SECONDS
        for attempt in range(1, _ATTEMPTS + 1):
            stream = None
            try:
                # A call with a time limit first: the stream itself has none.
                act(self.client, self.address, "version", b"", _CONNECT_SECONDS)
                stream = _Stream(self)
                return stream, stream.open(opening)
            except (pa.ArrowException, OSError, StopIteration) as error:
                if stream is not None:
                    stream.end()
                broken = isinstance(error, flight.FlightUnavailableError | StopIteration)
                if attempt == _ATTEMPTS or not broken or time.monotonic() > end:
                    raise ServerError(explained(error, self.address)) from None
            time.sleep(0.1 * attempt)
            self._replace_client()
        raise AssertionError

    def _replace_client(self) -> None:
        old, self.client = self.client, client_of(self.address)
        _disconnect(old)

    # -- calls ---------------------------------------------------------------------------------

    def arrived(self, answer: pb.Answer) -> None:
        """Take an answer from the reading thread."""
        with self._condition:
            if answer.number in self._unanswered:
                del self._unanswered[answer.number]
                self._answers[answer.number] = answer
            self._condition.notify_all()

    def wake(self) -> None:
        with self._condition:
            self._condition.notify_all()

    def send(self, call: pb.Call) -> int:
        """Send a call; return its number."""
        self._require()
        while len(self._unanswered) >= _UNANSWERED:
            self._await(next(iter(self._unanswered)))
        self._number += 1
        call.number, call.acknowledged = self._number, self._acknowledged
        if _profile.reporting:
            call.fallbacks.extend(_fallbacks(all_of_them=False))
        with self._condition:
            self._unanswered[call.number] = call
        self._write(call)
        return self._number

    def _write(self, call: pb.Call) -> None:
        stream = self._stream
        try:
            if stream is None or stream.broken is not None:
                raise ConnectionError
            stream.writer.write_metadata(pa.py_buffer(call.SerializeToString()))
        except (pa.ArrowException, OSError, StopIteration):
            self._reconnect()

    def take(self, number: int, waiting: Callable[[], None] = _nothing) -> pb.Answer:
        """Wait for an answer and take it; `waiting` is called now and then meanwhile."""
        self._await(number, waiting)
        with self._condition:
            # A failure is known to have arrived only when somebody has looked at it.
            self._acknowledged = max(self._acknowledged, number)
            return self._answers.pop(number)

    def arrived_up_to(self, number: int) -> list[int]:
        """Return the numbers of the answers that are there and were not taken."""
        with self._condition:
            return sorted([n for n in self._answers if n <= number])

    @property
    def last(self) -> int:
        return self._number

    def _await(self, number: int, waiting: Callable[[], None] = _nothing) -> None:
        with Progress(f"computing at {self.address.host}") as progress:
            while True:
                with self._condition:
                    stream = self._stream
                    if number not in self._answers and stream is not None and not stream.broken:
                        self._condition.wait(_LOOK_SECONDS)
                    if number in self._answers:
                        return
                    broken = stream is None or stream.broken is not None
                progress.update()
                waiting()
                if stream is not None and isinstance(stream.broken, _REFUSALS):
                    # What is sent again would be refused again.
                    raise self.lose(explained(stream.broken, self.address))
                if broken:
                    self._reconnect(waiting)

    def _require(self) -> None:
        if self.lost is not None:
            raise self.lost

    def _reconnect(self, waiting: Callable[[], None] = _nothing) -> None:
        """Go on with the session on another stream, as long as it waits for that."""
        self._require()
        end = time.monotonic() + self.patience
        pause = 0.05
        broken = self._stream
        if broken is not None:
            broken.end()
        while True:
            stream = None
            try:
                self._replace_client()
                act(self.client, self.address, "version", b"", _AGAIN_SECONDS)
                stream = _Stream(self)
                opened = stream.open(pb.Opening(session=self.session))
                if opened.hello.status != pb.OK:
                    raise self.lose(opened.hello.message)
                with self._condition:
                    again = list(self._unanswered.values())
                self._stream = stream
                for call in again:
                    stream.writer.write_metadata(pa.py_buffer(call.SerializeToString()))
                return
            except flight.FlightUnauthenticatedError as error:
                raise self.lose(explained(error, self.address)) from None
            except (pa.ArrowException, OSError, StopIteration) as error:
                if stream is not None:
                    stream.end()
                if time.monotonic() + pause > end:
                    raise self.lose(
                        f"{explained(error, self.address)}; tried for {self.patience:.0f} s"
                    ) from None
            waiting()
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def lose(self, message: str) -> ServerError:
        self.lost = ServerError(f"the session was lost, and with it the arrays there: {message}")
        return self.lost

    # -- contents ------------------------------------------------------------------------------

    def upload(self, memory: np.ndarray) -> int:
        """Send the bytes of a contiguous array; return the number to name them by.

        Raises
        ------
        BackendError
            The daemon has no room.
        ServerError
            The session is lost.
        """
        content = memory.reshape(-1).view(np.uint8)
        transfer = pb.Transfer(session=self.session, upload=uuid.uuid4().hex, bytes=len(content))
        again = False
        with Progress(f"sending to {self.address.host}", len(content)) as progress:
            while True:
                self._require()
                bulk = self._bulk_for(len(content))
                try:
                    if bulk is not None:
                        answer = bulk.upload(content, transfer, progress)
                        self._bulk_failures = 0
                        status, message, received = answer.status, answer.message, answer.offset
                        number = answer.number
                    else:
                        if again:
                            transfer.offset = self._uploaded(transfer)
                        reply = self._put(content, transfer, progress)
                        status, message, received = reply.status, reply.message, reply.received
                        number = reply.number
                except flight.FlightUnauthenticatedError as error:
                    raise self.lose(explained(error, self.address)) from None
                except (pa.ArrowException, OSError, StopIteration):
                    again = True
                    if bulk is not None:
                        self._drop_bulk()
                    else:
                        self._reconnect()
                    continue
                except BaseException:
                    self._drop_bulk()
                    self._discard(transfer)
                    raise
                self._check(status, message)
                if received == len(content):
                    return number
                again = True

    def _put(self, content: np.ndarray, transfer: pb.Transfer, progress: Progress) -> pb.Uploaded:
        descriptor = flight.FlightDescriptor.for_command(transfer.SerializeToString())
        writer, reader = self.client.do_put(descriptor, _SCHEMA, self.options)
        try:
            for begin in range(transfer.offset, len(content), self.chunk):
                progress.update(begin)
                piece = content[begin : begin + self.chunk]
                column = pa.Array.from_buffers(pa.uint8(), len(piece), [None, pa.py_buffer(piece)])
                writer.write_batch(pa.record_batch([column], schema=_SCHEMA))
            writer.done_writing()
        except (pa.ArrowException, OSError):
            # The daemon may have said why it does not want the rest.
            pass
        try:
            answer = reader.read()
        finally:
            _close(writer)
        if answer is None:
            raise ConnectionError("the upload was not answered")
        return pb.Uploaded.FromString(answer.to_pybytes())

    def _bulk_for(self, nbytes: int) -> BulkConnection | None:
        """Return the connection for contents, if they are large and there can be one."""
        if not self.bulk_port or nbytes < LEAST_BYTES:
            return None
        if self._bulk is None:
            try:
                self._bulk = BulkConnection(self.address, self.bulk_port, self.codec)
            except OSError:
                self._drop_bulk()
        return self._bulk

    def _drop_bulk(self) -> None:
        """Close the connection for contents; after many failures Flight takes its place."""
        bulk, self._bulk = self._bulk, None
        if bulk is not None:
            bulk.close()
        self._bulk_failures += 1
        if self._bulk_failures >= _BULK_FAILURES:
            self.bulk_port = 0

    def _check(self, status: int, message: str) -> None:
        if status in SESSION_ENDED or status == pb.UNAUTHENTICATED:
            raise self.lose(message)
        if status != pb.OK:
            raise BackendError(status, message)

    def _discard(self, transfer: pb.Transfer) -> None:
        """Give up an upload that was interrupted."""
        try:
            self.act("discard", transfer)
        except (pa.ArrowException, OSError):
            pass  # it is freed with the session

    def _uploaded(self, transfer: pb.Transfer) -> int:
        action = flight.Action("uploaded", transfer.SerializeToString())
        (result,) = self.client.do_action(action, self.options)
        received: int = pb.Uploaded.FromString(result.body.to_pybytes()).received
        return received

    def download(self, handle: int, nbytes: int) -> np.ndarray:
        """Return the bytes of a buffer."""
        target = np.empty(nbytes, np.uint8)
        transfer = pb.Transfer(session=self.session, handle=handle)
        done = 0
        with Progress(f"fetching from {self.address.host}", nbytes) as progress:
            while done < nbytes:
                self._require()
                transfer.offset = done
                bulk = self._bulk_for(nbytes)
                if bulk is not None:
                    reply = self._fetch(bulk, target, transfer, progress)
                    if reply is not None:
                        self._check(reply.status, reply.message)
                    done = transfer.offset
                    continue
                try:
                    ticket = flight.Ticket(transfer.SerializeToString())
                    reader = self.client.do_get(ticket, self.options)
                    while done < nbytes:
                        column = reader.read_chunk().data.column(0)
                        piece = np.frombuffer(column.buffers()[1], np.uint8, len(column))
                        target[done : done + len(piece)] = piece
                        done += len(piece)
                        progress.update(done)
                except (pa.ArrowKeyError, flight.FlightUnauthenticatedError) as error:
                    raise self.lose(explained(error, self.address)) from None
                except (pa.ArrowException, OSError, StopIteration):
                    self._reconnect()
        return target

    def _fetch(
        self,
        bulk: BulkConnection,
        target: np.ndarray,
        transfer: pb.Transfer,
        progress: Progress,
    ) -> pb.BulkReply | None:
        """Download what is missing; None: it broke where the transfer's offset says."""
        before = transfer.offset
        try:
            reply = bulk.download(target, transfer, progress)
        except OSError:
            if transfer.offset > before:
                self._bulk_failures = 0
            self._drop_bulk()
            return None
        except BaseException:
            # In the middle of the bytes: what is still to come belongs to nobody.
            self._drop_bulk()
            raise
        self._bulk_failures = 0
        return reply

    # -- beside the stream ---------------------------------------------------------------------

    def act(self, name: str, message: pb.Transfer | None = None, timeout: float = 10.0) -> bytes:
        """Carry out an action, on a connection of its own; from any thread."""
        body = b"" if message is None else message.SerializeToString()
        return act(self.control, self.address, name, body, timeout)

    def interrupt(self) -> None:
        """Cancel what the session computes and what is queued."""
        self.act("interrupt", pb.Transfer(session=self.session))

    def close(self) -> None:
        """End the session."""
        stream = self._stream
        if self.lost is None and stream is not None and stream.broken is None:
            try:
                self._number += 1
                call = pb.Call(
                    number=self._number,
                    close=pb.CloseRequest(),
                    fallbacks=_fallbacks(all_of_them=True),
                )
                # The daemon ends the stream then. To end the writing here meanwhile has ended the
                # process now and then, while the thread reads.
                stream.writer.write_metadata(pa.py_buffer(call.SerializeToString()))
                stream.join()
            except (pa.ArrowException, OSError):
                pass  # it ends by itself when nobody comes back
        if stream is not None:
            stream.end()
        if self._bulk is not None:
            self._bulk.close()
        _disconnect(self.client)
        _disconnect(self.control)
        self.lost = self.lost or ServerError("the session is closed")


class RemoteBackend:
    """Sends batches to a daemon.

    Attributes
    ----------
    limits : Limits
    shared_memory_spoiled : bool
        Always false: no memory is shared.
    """

    shared_memory_spoiled = False

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.limits = limits_of(channel.hello.limits, shared_memory=False)
        self._errors: list[tuple[int, str, str]] = []
        self._void = 0  # calls up to this one had no effect, for a reason that was told
        self._unread = 0  # the call whose answer somebody has stopped waiting for

    def operations(self) -> dict[str, int]:
        """ "name:signature" to the operation's number."""
        return numbers_of(self.channel.hello.operations)

    def submit(self, batch: Batch) -> list[bytes | np.ndarray]:
        """Execute a batch; one entry for each observation."""
        message = batch_message(batch)
        awaited = bool(batch.observations) or batch.sync
        failure: BackendError | None = None
        # An interruption between the sending and the answer must not leave in doubt what was done.
        with InterruptGuard(self._interrupt_quietly) as guard:
            number = self._lost_where(lambda: self.channel.send(pb.Call(batch=message)))
            if awaited:
                self._unread = number
                repeated = Repetition(guard, self._interrupt_quietly)
                failure = self._lost_where(lambda: self._failure_up_to(number, repeated))
                self._unread = 0
        if guard.pressed:
            raise BackendInterrupted(failure)
        if not awaited:
            return []
        if failure is not None:
            raise failure
        reply = self._last
        self._errors += [(error.kind, error.operation, error.source) for error in reply.errors]
        results: list[bytes | np.ndarray] = self._lost_where(lambda: self._results(batch, reply))
        return results

    def _interrupt_quietly(self) -> None:
        try:
            self.channel.interrupt()
        except (pa.ArrowException, OSError):
            pass  # the answer, or its absence, tells

    def _failure_up_to(self, number: int, waiting: Callable[[], None]) -> BackendError | None:
        """Look at the answers up to `number`, in order; keep the last one's reply."""
        for at in self.channel.arrived_up_to(number - 1) + [number]:
            failure = self._look(at, waiting)
            if failure is not None:
                return failure
        return None

    def _look(self, number: int, waiting: Callable[[], None] = _nothing) -> BackendError | None:
        reply = self.channel.take(number, waiting).reply
        self._last = reply
        if number <= self._void or reply.status == pb.OK:
            return None
        # What is under way was refused with it: the daemon waits for the failure to be noticed.
        self._void = self.channel.last
        if reply.status in SESSION_ENDED:
            raise self.channel.lose(reply.message)
        return BackendError(reply.status, reply.message, reply.source, reply.failed_batch)

    def settle(self) -> list[BackendError]:
        """Return the failures in answers that nobody has waited for, or not to the end."""
        due = self.channel.arrived_up_to(self.channel.last)
        if self._unread > max(due, default=0):
            due.append(self._unread)
        self._unread = 0
        failures = [
            self._lost_where(lambda at=at: self._look(at))  # type: ignore[misc]
            for at in due
        ]
        return [failure for failure in failures if failure is not None]

    def _results(self, batch: Batch, reply: pb.Reply) -> list[bytes | np.ndarray]:
        placements, contents = iter(reply.placements), iter(reply.contents)
        results: list[bytes | np.ndarray] = []
        for handle, _, length in batch.observations:
            if length:
                results.append(next(contents))
            else:
                results.append(self.channel.download(handle, next(placements).bytes))
        return results

    def _lost_where(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except ServerError as error:
            raise BackendLost(str(error)) from error

    def take_errors(self) -> list[tuple[int, str, str]]:
        """Return the floating-point errors that answers have told of, once."""
        errors, self._errors = self._errors, []
        return errors

    def lost(self) -> BackendLost | None:
        """Whether the session is known to be gone."""
        return None if self.channel.lost is None else BackendLost(str(self.channel.lost))

    def upload(self, memory: np.ndarray) -> Placement:
        """Send the content of a buffer to come; return what the batch says of it."""
        number: int = self._lost_where(lambda: self.channel.upload(memory))
        return 0, number, memory.nbytes

    def reserve(self, nbytes: int) -> Any:
        """There is no shared memory."""
        raise BackendError(pb.SHARED_MEMORY_UNAVAILABLE, "a daemon shares no memory")

    def _ask(self, call: pb.Call) -> pb.Answer:
        answer: pb.Answer = self._lost_where(lambda: self.channel.take(self.channel.send(call)))
        return answer

    def load(self, path: str, columns: Sequence[str] = ()) -> pb.LoadReply:
        """Open a file at the daemon; of a table the columns of these names, or all."""
        return self._ask(pb.Call(load=pb.LoadRequest(path=path, columns=columns))).load

    def explain(self) -> str:
        """What the session's kernels do; empty unless it was opened for that."""
        return self._ask(pb.Call(explain=pb.ExplainRequest())).explanation

    def profile(self) -> pb.ProfileReply:
        """Time by source line and operation; empty unless the session was opened for that."""
        return self._ask(pb.Call(profile=pb.ProfileRequest())).profile

    def timeline(self, after: int) -> pb.TimelineReply:
        """When batches ran, from the one behind `after` on."""
        return self._ask(pb.Call(timeline=pb.TimelineRequest(after=after))).timeline

    def interrupt(self) -> None:
        """Cancel what runs and what is queued; from any thread."""
        self.channel.interrupt()

    def close(self) -> None:
        """End the session."""
        self.channel.close()


def connect(address: DaemonAddress, options: pb.SessionOptions) -> RemoteBackend:
    """Open a session.

    Raises
    ------
    ServerError
        It cannot be opened; the message says what to do.
    """
    backend = RemoteBackend(Channel(address, options))
    _profile.begin_reporting()
    return backend
