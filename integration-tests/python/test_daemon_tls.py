"""Certificates that are not right, on either side, and what is no TLS at all: refused, with a reason; nothing is shown."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from daemons import Daemon, Network, maniple
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._bulk import LEAST_BYTES, BulkConnection
from maniple._progress import Progress

PROGRAM = "import numpy as np; print((np.ones(100_000) + 1).sum())"


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Makes certificates with the openssl command."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.pem"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", 2, "-out", self.certificate)

    def issue(self, name: str, names: str = "DNS:localhost,IP:127.0.0.1", *validity: object) -> tuple[Path, Path]:
        raw, key, request, signed = (self.folder / f"{name}{end}" for end in (".raw", ".key", ".csr", ".pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", raw)
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", raw, "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            *(validity or ("-days", 1)), "-extfile", extensions, "-out", signed,
        )  # fmt: skip
        return signed, key


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Daemon]:
    running = Daemon(tmp_path / "trial")
    yield running
    running.stop()


def ends_with(running: Daemon, words: str, **changes: str) -> None:
    refused = maniple("-c", PROGRAM, **(running.environment() | changes))
    assert refused.returncode == 1, refused
    assert refused.stdout == ""
    assert words in refused.stderr, refused.stderr
    assert len(refused.stderr.splitlines()) <= 2, refused.stderr


def serve(running: Daemon, certificate: Path, key: Path, *options: object) -> None:
    running.options = ("--tls-cert", certificate, "--tls-key", key, "--bulk", free_port(), *options)
    running.start()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def bulk_port(running: Daemon) -> int:
    return int(str(running.options[running.options.index("--bulk") + 1]))


def ask_for_contents(running: Daemon, ca: Path, *certificate: Path, token: str = "") -> int:
    """Ask for contents of a session there is not, beside Flight; the status of the answer."""
    cert, key = (file.read_bytes() for file in certificate) if certificate else (None, None)
    address = DaemonAddress(
        "localhost", running.port, True, token or running.token, ca.read_bytes(),
        client_certificate=cert, client_key=key,
    )  # fmt: skip
    connection = BulkConnection(address, bulk_port(running))
    try:
        return connection._ask(pb.BulkRequest(token=address.token, download=pb.Transfer(session="x", handle=1))).status
    finally:
        connection.close()


def test_an_authority_of_ones_own(trial: Daemon, authority: Authority) -> None:
    serve(trial, *authority.issue("good"))
    assert trial.run(PROGRAM, MANIPLE_CA=str(authority.certificate)) == "200000.0\n"
    ends_with(trial, "cannot be reached")  # the trial's own authority has not signed it
    assert ask_for_contents(trial, authority.certificate) == pb.UNKNOWN_SESSION
    assert ask_for_contents(trial, authority.certificate, token="f" * 64) == pb.UNAUTHENTICATED
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate"):
        ask_for_contents(trial, trial.directory / "ca.pem")


def test_a_certificate_for_another_host(trial: Daemon, authority: Authority) -> None:
    serve(trial, *authority.issue("other", "DNS:example.org"))
    ends_with(trial, "cannot be reached", MANIPLE_CA=str(authority.certificate))
    checked = maniple(
        "server", "check", trial.url, **(trial.environment() | {"MANIPLE_CA": str(authority.certificate)})
    )
    assert checked.returncode == 1
    assert "for other names" in checked.stdout
    with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        ask_for_contents(trial, authority.certificate)


def test_an_expired_certificate(trial: Daemon, authority: Authority) -> None:
    span = ("-not_before", "20200101000000Z", "-not_after", "20200201000000Z")
    try:
        certificate, key = authority.issue("expired", "DNS:localhost", *span)
    except subprocess.CalledProcessError:
        # Before OpenSSL 3.4 only `ca` takes dates: a certificate of no days has ended when it is made.
        certificate, key = authority.issue("expired", "DNS:localhost", "-days", -1)
    serve(trial, certificate, key)
    ends_with(trial, "cannot be reached", MANIPLE_CA=str(authority.certificate))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        ask_for_contents(trial, authority.certificate)


def test_clients_with_certificates(trial: Daemon, authority: Authority, tmp_path: Path) -> None:
    clients = Authority(tmp_path, "clients")
    certificate, key = clients.issue("ann", "DNS:ann")
    wrong_certificate, wrong_key = authority.issue("stranger", "DNS:stranger")
    serve(trial, *authority.issue("mutual"), "--tls-client-ca", clients.certificate)
    right = {"MANIPLE_CA": str(authority.certificate), "MANIPLE_CERT": str(certificate), "MANIPLE_KEY": str(key)}
    assert trial.run(PROGRAM, **right) == "200000.0\n"
    ends_with(trial, "cannot be reached", MANIPLE_CA=str(authority.certificate))
    wrong = {"MANIPLE_CERT": str(wrong_certificate), "MANIPLE_KEY": str(wrong_key)}
    ends_with(trial, "cannot be reached", **(right | wrong))
    ends_with(trial, "does not let you in", **(right | {"MANIPLE_TOKEN": "f" * 64}))
    assert ask_for_contents(trial, authority.certificate, certificate, key) == pb.UNKNOWN_SESSION
    for stranger in ((), (wrong_certificate, wrong_key)):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_for_contents(trial, authority.certificate, *stranger)


def test_clients_with_certificates_send_large_arrays(trial: Daemon, authority: Authority, tmp_path: Path) -> None:
    """The port for large arrays wants the same certificates; without one nothing is taken there."""
    clients = Authority(tmp_path, "clients")
    certificate, key = clients.issue("ann", "DNS:ann")
    wrong_certificate, wrong_key = authority.issue("stranger", "DNS:stranger")
    serve(trial, *authority.issue("large"), "--tls-client-ca", clients.certificate)
    right = {"MANIPLE_CA": str(authority.certificate), "MANIPLE_CERT": str(certificate), "MANIPLE_KEY": str(key)}
    checked = maniple("server", "check", trial.url, **(trial.environment() | right))
    assert checked.returncode == 0, checked.stdout
    bulk = int(checked.stdout.split()[-3])
    network = Network(bulk)
    program = """
import sys
import numpy as np
real = sys.modules["numpy"]
x = real.random.default_rng(1).random(500_000)
print(real.array_equal(real.asarray(np.array(x)[::-1] + 1.0), x[::-1] + 1.0))
"""
    try:
        assert trial.run(program, trial.port, network.port, **right) == "True\n"
        assert network.bytes > 8_000_000, "there and back through this port"
    finally:
        network.close()
    good = DaemonAddress(
        "localhost",
        trial.port,
        True,
        trial.token,
        authority.certificate.read_bytes(),
        certificate.read_bytes(),
        key.read_bytes(),
    )
    strangers = (
        replace(good, client_certificate=None, client_key=None),
        replace(good, client_certificate=wrong_certificate.read_bytes(), client_key=wrong_key.read_bytes()),
    )
    content = np.zeros(LEAST_BYTES, np.uint8)
    transfer = pb.Transfer(session="0" * 32, upload="u", bytes=len(content))
    for stranger in strangers:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            # With TLS 1.3 the client hears of it when it reads.
            BulkConnection(stranger, bulk).upload(content, transfer, Progress("sending"))
    connection = BulkConnection(replace(good, token="f" * 64), bulk)
    assert connection.upload(content, transfer, Progress("sending")).status == pb.UNAUTHENTICATED
    connection.close()
    assert trial.run(PROGRAM, **right) == "200000.0\n"


@pytest.mark.parametrize("port", ["flight", "bulk", "http"])
def test_old_versions_and_plain_text(trial: Daemon, port: str) -> None:
    http = free_port()
    trial.options = ("--bulk", free_port(), "--http", f"127.0.0.1:{http}")
    trial.start()
    at = {"flight": trial.port, "bulk": bulk_port(trial), "http": http}[port]
    context = ssl.create_default_context(cafile=str(trial.directory / "ca.pem"))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("localhost", at), 10) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")
    for words in (b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 500):
        with socket.create_connection(("localhost", at), 10) as plain:
            plain.settimeout(15)
            plain.sendall(words)
            answer = b""
            try:
                while data := plain.recv(4096):
                    answer += data
            except OSError:
                pass
        assert len(answer) < 64, answer
        assert b"version" not in answer
    assert trial.run(PROGRAM) == "200000.0\n"


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_files_that_hold_no_certificate(trial: Daemon, content: bytes) -> None:
    (trial.directory / "server.pem").write_bytes(content)
    refused = maniple("server", "--config", trial.directory, "--listen", "127.0.0.1:0")
    assert refused.returncode == 2, refused
    assert "no certificate and key in" in refused.stderr
    assert "Exception" not in refused.stderr
