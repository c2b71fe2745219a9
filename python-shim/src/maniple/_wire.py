"""The subset of Py4J's protocol that the server takes: a token, then calls with strings, integers
and bytes.

py4j's own client would take longer to import than a running server to answer; see
docs/decisions/002-own-client-of-py4j.md.
"""

from __future__ import annotations

import binascii
import re
import select
import socket

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r"}


class WireError(Exception):
    """The connection cannot be used any more."""


class RefusedError(Exception):
    """The server answered that it does not take the call; the connection goes on."""


class Wire:
    """One authenticated connection. Not thread-safe."""

    def __init__(self, port: int, token: str, timeout: float) -> None:
        """Connect and authenticate, or raise OSError or WireError."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(f"A\n{token}\n".encode("ascii"))
            # A server that has something else to say, or nothing, is not ours.
            if self._authentication_answer() != b"!yv\n":
                raise WireError("the server did not accept the token")
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._received: list[bytes] = []

    def _authentication_answer(self) -> bytes:
        answer = b""
        while not answer.endswith(b"\n") and len(answer) < 256:
            part = self._socket.recv(256)
            if not part:
                break
            answer += part
        return answer

    def send(self, method: str, *arguments: str | int | bytes) -> None:
        """Send a call. What interrupts this leaves the connection unusable."""
        parts = [b"c\nt\n", method.encode("ascii"), b"\n"]
        for argument in arguments:
            if isinstance(argument, bytes):
                parts += (b"j", binascii.b2a_base64(argument))
            elif isinstance(argument, int):
                parts.append(b"L%d\n" % argument)
            else:
                parts.append(b"s" + argument.encode("utf-8") + b"\n")
        parts.append(b"e\n")
        try:
            self._socket.sendall(b"".join(parts))
        except OSError as error:
            raise WireError(str(error)) from error

    def wait(self, seconds: float) -> bool:
        """Wait for something to receive; False if there is nothing yet. May be interrupted, and
        called again.
        """
        return bool(self._poll.poll(seconds * 1000))

    def receive(self) -> str | None:
        """Take what has arrived; the answer, or None while it is incomplete.

        What interrupts this leaves the connection unusable. A refused call raises RefusedError.
        """
        try:
            part = self._socket.recv(1 << 18, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError as error:
            raise WireError(str(error)) from error
        if not part:
            raise WireError("the server closed the connection")
        if not part.endswith(b"\n"):
            self._received.append(part)
            return None
        if self._received:
            part = b"".join((*self._received, part))
            self._received.clear()
        return _value(part)

    def close(self, *, shared: bool = False) -> None:
        """End the connection. `shared`: another process goes on using it (after a fork)."""
        if not shared:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._socket.close()


def _value(line: bytes) -> str:
    text = line[3:-1].decode("utf-8")
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)
    if line.startswith(b"!ys"):
        return text
    if line.startswith(b"!x"):
        raise RefusedError(text or "refused")
    raise WireError("the server does not speak the protocol")


def call_once(
    port: int, token: str, method: str, *arguments: str | int | bytes, timeout: float = 5.0
) -> str:
    """Call a method on a connection of its own, or raise OSError, WireError or RefusedError."""
    wire = Wire(port, token, timeout)
    try:
        wire.send(method, *arguments)
        while True:
            if not wire.wait(timeout):
                raise WireError(f"no answer within {timeout:g} s")
            answer = wire.receive()
            if answer is not None:
                return answer
    finally:
        wire.close()
