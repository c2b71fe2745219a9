"""Where a daemon is and how to be let in: MANIPLE_URL, MANIPLE_TOKEN, MANIPLE_CA."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from maniple._errors import ServerError

PORT = 8815
SECURE = "maniple"
INSECURE = "maniple+insecure"
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_LEAST_TOKEN = 16


@dataclass(frozen=True)
class DaemonAddress:
    """A daemon, and the caller's right to use it.

    Attributes
    ----------
    host, port
        Where it listens.
    secure : bool
        Over TLS.
    token : str
    ca : bytes or None
        Certificates of the authorities to trust (PEM); None: the system's.
    client_certificate, client_key : bytes or None
        For daemons that ask for one.
    """

    host: str
    port: int
    secure: bool
    token: str = field(repr=False)
    ca: bytes | None = field(default=None, repr=False)
    client_certificate: bytes | None = field(default=None, repr=False)
    client_key: bytes | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """What leads there again."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SECURE if self.secure else INSECURE}://{host}:{self.port}"

    @property
    def location(self) -> str:
        """The same for Arrow Flight."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'grpc+tls' if self.secure else 'grpc+tcp'}://{host}:{self.port}"


def url_of_environment() -> str:
    """Return the URL of the daemon to use; empty: a server of this machine's own."""
    return os.environ.get("MANIPLE_URL", "").strip()


def address_of_environment(url: str = "") -> DaemonAddress:
    """Return what MANIPLE_URL (or `url`), _TOKEN, _TOKEN_FILE, _CA, _CERT and _KEY say.

    Raises
    ------
    ServerError
        What is wrong with them.
    """
    host, port, secure = parse_url(url or url_of_environment())
    return DaemonAddress(
        host,
        port,
        secure,
        _token(),
        _content("MANIPLE_CA"),
        _content("MANIPLE_CERT"),
        _content("MANIPLE_KEY"),
    )


def parse_url(url: str) -> tuple[str, int, bool]:
    """Return host, port and whether over TLS.

    Raises
    ------
    ServerError
        It is no URL of a daemon.
    """
    wanted = f"a daemon's URL is {SECURE}://HOST[:PORT], or {INSECURE}://HOST[:PORT] on loopback"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError as error:
        raise ServerError(f"MANIPLE_URL is {url!r}: {error}; {wanted}") from None
    if parts.scheme not in (SECURE, INSECURE) or not host or parts.path not in ("", "/"):
        raise ServerError(f"MANIPLE_URL is {url!r}: {wanted}")
    if parts.query or parts.fragment or parts.username is not None:
        raise ServerError(f"MANIPLE_URL has more than a host and a port: {wanted}")
    secure = parts.scheme == SECURE
    if not secure and host not in _LOOPBACK and not host.startswith("127."):
        raise ServerError(
            f"{url}: without TLS the token would be shown to the network; use {SECURE}://{host}"
        )
    return host, port, secure


def _token() -> str:
    token = os.environ.get("MANIPLE_TOKEN", "").strip()
    file = os.environ.get("MANIPLE_TOKEN_FILE", "")
    if not token and file:
        path = Path(file)
        try:
            with path.open(encoding="ascii") as opened:
                if os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise ServerError(
                        f"{path} can be read by others: chmod 600 {path} (MANIPLE_TOKEN_FILE)"
                    )
                token = opened.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ServerError(f"cannot read the token in {path}: {error}") from None
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable():
        raise ServerError(
            "the daemon wants a token: set MANIPLE_TOKEN, or MANIPLE_TOKEN_FILE to a file of mode "
            "0600 that holds it"
        )
    return token


def _content(variable: str) -> bytes | None:
    path = os.environ.get(variable)
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ServerError(f"cannot read {path} ({variable}): {error.strerror}") from None
