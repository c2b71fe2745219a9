"""Contents of large arrays to and from a daemon (program.proto: "Contents beside Flight").

The bytes go from the array's own memory into the encryption, and from it into the array's memory:
Flight's record batches would be copied on both sides.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from maniple import _program_pb2 as pb
from maniple._errors import ServerError

if TYPE_CHECKING:
    from maniple._address import DaemonAddress
    from maniple._progress import Progress

LEAST_BYTES = 1 << 20
"""Smaller contents go through Flight, whose connection is there already."""

_PIECE = 4 << 20
_READ = 256 << 10
_WRITE = 256 << 10
_MOST_READ = 1 << 30
_MOST_REPLY = 64 << 10
_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 20.0
"""A connection on which nothing moves for so long is given up, and another one asks again."""
_LENGTH = struct.Struct(">I")
_HEADER = struct.Struct(">II")
_PACKED_PIECE = 1 << 20
_PLAIN_PIECES = 15
"""Where one hardly became smaller, so many are sent as they are before another one is tried."""

_CODECS = {"lz4": (pb.LZ4, "lz4_raw"), "zstd": (pb.ZSTD, "zstd")}
"""What MANIPLE_COMPRESSION may be, and the names of it here and in Arrow."""


def port_of(offered: int) -> int:
    """Return the port to use: what the daemon has offered, or what MANIPLE_BULK_PORT says; 0: none.

    Raises
    ------
    ServerError
        The variable holds no port.
    """
    text = os.environ.get("MANIPLE_BULK_PORT", "").strip()
    if not text or not offered:
        return offered
    if text == "off":
        return 0
    if not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise ServerError(f"MANIPLE_BULK_PORT is {text!r}: it is a port, or off")
    return int(text)


def codec_of(offered: Sequence[int]) -> str:
    """Return what contents are to be compressed by: what MANIPLE_COMPRESSION says; empty: nothing.

    Raises
    ------
    ServerError
        The variable names nothing that is known, or that the daemon does not take.
    """
    name = os.environ.get("MANIPLE_COMPRESSION", "").strip()
    if name in ("", "off"):
        return ""
    if name not in _CODECS:
        raise ServerError(f"MANIPLE_COMPRESSION is {name!r}: it is lz4, zstd or off")
    if _CODECS[name][0] not in offered:
        raise ServerError(
            f"MANIPLE_COMPRESSION is {name}, which the daemon does not take: it is to be started "
            "with --compression on"
        )
    return name


class BulkConnection:
    """A connection for transfers, one after another; of no use any more after an exception.

    Raises
    ------
    OSError
        It cannot be made, or breaks.
    """

    def __init__(self, address: DaemonAddress, port: int, codec: str = "") -> None:
        self.token = address.token
        self._codec = _CODECS[codec][0] if codec else pb.PLAIN
        self._packing = pa.Codec(_CODECS[codec][1]) if codec else None
        self._plain = 0
        plain = socket.create_connection((address.host, port), _CONNECT_SECONDS)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket: _Encrypted | socket.socket = (
                _Encrypted(plain, address) if address.secure else plain
            )
            plain.settimeout(_SILENT_SECONDS)
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        """End the connection; what was on its way is lost."""
        self.socket.close()

    def upload(
        self, content: np.ndarray, transfer: pb.Transfer, progress: Progress
    ) -> pb.BulkReply:
        """Send what the daemon does not have yet; return its answer, a refusal perhaps."""
        reply = self._ask(pb.BulkRequest(token=self.token, upload=transfer, codec=self._codec))
        if reply.status != pb.OK:
            return reply
        memory = content.data
        if self._packing is not None:
            self._plain = 0
            for begin in range(reply.offset, len(memory), _PACKED_PIECE):
                progress.update(begin)
                self._send_packed(self._packing, memory[begin : begin + _PACKED_PIECE])
            return self._reply()
        for begin in range(reply.offset, len(memory), _WRITE):
            if begin % _PIECE < _WRITE:
                progress.update(begin)
            self.socket.sendall(memory[begin : begin + _WRITE])
        return self._reply()

    def download(
        self, target: np.ndarray, transfer: pb.Transfer, progress: Progress
    ) -> pb.BulkReply:
        """Fill the target from the transfer's offset on; the offset tells how far it came."""
        reply = self._ask(pb.BulkRequest(token=self.token, download=transfer, codec=self._codec))
        if reply.status != pb.OK:
            return reply
        memory = target.data
        if transfer.offset + reply.bytes != len(memory):
            raise ConnectionError(f"{reply.bytes} bytes come where {len(memory)} were expected")
        done, shown = transfer.offset, 0
        while done < len(memory):
            if self._packing is not None:
                count = self._receive_packed(self._packing, memory[done:])
            else:
                count = self.socket.recv_into(memory[done:])
            if not count:
                raise ConnectionError("the daemon has closed the connection")
            done += count
            transfer.offset = done
            if done - shown >= _PIECE:
                shown = done
                progress.update(done)
        return reply

    def _send_packed(self, packing: pa.Codec, piece: memoryview) -> None:
        packed = piece
        if self._plain:
            self._plain -= 1
        else:
            smaller = memoryview(packing.compress(pa.py_buffer(piece)))
            if len(smaller) < len(piece):
                packed = smaller
            if len(smaller) > len(piece) - len(piece) // 16:
                self._plain = _PLAIN_PIECES
        self.socket.sendall(_HEADER.pack(len(piece), len(packed)))
        self.socket.sendall(packed)

    def _receive_packed(self, packing: pa.Codec, target: memoryview) -> int:
        """Fill the beginning of the target with one piece."""
        count, packed = _HEADER.unpack(self._exactly(_HEADER.size))
        if not 0 < packed <= count <= min(_PACKED_PIECE, len(target)):
            raise ConnectionError(f"a piece of {count} bytes in {packed}")
        if packed == count:
            self._fill(target[:count])
            return int(count)
        scratch = memoryview(bytearray(packed))
        self._fill(scratch)
        try:
            content = packing.decompress(pa.py_buffer(scratch), decompressed_size=count)
        except (pa.ArrowException, OSError) as error:
            raise ConnectionError(f"a piece that cannot be unpacked: {error}") from None
        target[:count] = memoryview(content).cast("B")
        return int(count)

    def _fill(self, target: memoryview) -> None:
        done = 0
        while done < len(target):
            count = self.socket.recv_into(target[done:])
            if not count:
                raise ConnectionError("the daemon has closed the connection")
            done += count

    def _ask(self, request: pb.BulkRequest) -> pb.BulkReply:
        message = request.SerializeToString()
        self.socket.sendall(_LENGTH.pack(len(message)) + message)
        return self._reply()

    def _reply(self) -> pb.BulkReply:
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        if length > _MOST_REPLY:
            raise ConnectionError(f"an answer of {length} bytes")
        return pb.BulkReply.FromString(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the daemon has closed the connection")
            data += piece
        return bytes(data)


class _Encrypted:
    """TLS on a socket, as much of a socket as is needed.

    Python's own reads and writes one record (16 KB) with each call of the system, which is a third
    of what a transfer costs.
    """

    def __init__(self, plain: socket.socket, address: DaemonAddress) -> None:
        self.plain = plain
        self.arriving, self.leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.buffer = memoryview(bytearray(_READ))
        context = tls_context(address)
        self.tls = context.wrap_bio(self.arriving, self.leaving, server_hostname=address.host)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._fetch()
            except ssl.SSLError:
                self._flush()
                raise
        self._flush()

    def _flush(self) -> None:
        if self.leaving.pending:
            self.plain.sendall(self.leaving.read())

    def _fetch(self) -> None:
        count = self.plain.recv_into(self.buffer)
        if not count:
            raise ConnectionError("the daemon has closed the connection")
        self.arriving.write(self.buffer[:count])

    def sendall(self, data: memoryview | bytes) -> None:
        view = memoryview(data)
        for begin in range(0, len(view), _WRITE):
            self.tls.write(view[begin : begin + _WRITE])
            self._flush()

    def recv_into(self, target: memoryview) -> int:
        """Fill the target with what is there; wait only for the first byte."""
        done = 0
        while done < len(target):
            try:
                # With a buffer it returns a number, whatever its annotation says.
                count: int = self.tls.read(min(len(target) - done, _MOST_READ), target[done:])  # type: ignore[assignment]
            except ssl.SSLWantReadError:
                if done:
                    break
                self._flush()
                self._fetch()
                continue
            if not count:
                break
            done += count
        return done

    def recv(self, most: int) -> bytes:
        data = bytearray(most)
        return bytes(data[: self.recv_into(memoryview(data))])

    def close(self) -> None:
        self.plain.close()


def tls_context(address: DaemonAddress) -> ssl.SSLContext:
    """Return what encrypts: the same authorities and certificates as for Flight."""
    context = ssl.create_default_context(
        cadata=None if address.ca is None else address.ca.decode("ascii")
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if address.client_certificate is not None:
        # Python reads them from files only; this one is of mode 0600 and gone at once.
        with tempfile.NamedTemporaryFile() as file:
            file.write(address.client_certificate + b"\n" + (address.client_key or b""))
            file.flush()
            context.load_cert_chain(file.name)
    return context
