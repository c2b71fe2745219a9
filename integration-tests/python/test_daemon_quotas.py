"""What the sessions of a user may take together: memory, batches that wait, time without doing anything."""

import json
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from daemon_clients import Client, address_of
from daemons import Daemon, maniple
from maniple import _program_pb2 as pb
from maniple._address import DaemonAddress
from maniple._backend import BackendError, BackendLost
from maniple._errors import ServerError

MIB = 1 << 20
QUOTAS = {
    "ann": ("--operator",),
    "bob": ("--memory", "64m", "--sessions", "3", "--queued", "2"),
    "eve": ("--idle", "2s"),
}


class Shared:
    """A daemon with users that have quotas."""

    def __init__(self, folder: Path) -> None:
        self.users = folder / "users"
        self.tokens = {}
        for name, options in QUOTAS.items():
            made = maniple("server", "new-user", self.users, name, *options)
            assert made.returncode == 0, made.stderr
            self.tokens[name] = made.stdout.strip()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.http = free.getsockname()[1]
        self.daemon = Daemon(folder / "trial", "--http", f"127.0.0.1:{self.http}", "--memory", "2g", "--spill", "off")
        (folder / "trial/maniple.toml").write_text(
            'tls_cert = "server.pem"\ntls_key = "server-key.pem"\nusers = "../users"\nreconnect = "3s"\n'
        )
        self.daemon.start()

    def client(self, user: str) -> Client:
        address = address_of(self.daemon)
        return Client(DaemonAddress(address.host, address.port, True, self.tokens[user], address.ca))

    def data(self, path: str, user: str = "ann") -> dict[str, Any]:
        context = ssl.create_default_context(cafile=str(self.daemon.directory / "ca.pem"))
        request = urllib.request.Request(f"https://localhost:{self.http}{path}")
        request.add_header("Authorization", f"Bearer {self.tokens[user]}")
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def quotas(self, user: str, asking: str = "ann") -> dict[str, Any]:
        (found,) = [one for one in self.data("/api/users", asking)["users"] if one["name"] == user]
        return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    made = Shared(tmp_path_factory.mktemp("quotas"))
    try:
        yield made
    finally:
        made.daemon.stop()


def hold(client: Client, mebibytes: int) -> int:
    """Keep an array of that size there; its handle."""
    x = np.ones(mebibytes * MIB // 8)
    batch = client.batch()
    client.handle += 1
    batch.buffers = [(client.handle, x.nbytes, None, client.backend.upload(x))]
    batch.sync = True
    client.backend.submit(batch)
    return client.handle


def test_all_sessions_of_a_user_share_its_memory(shared: Shared) -> None:
    first, second, other = shared.client("bob"), shared.client("bob"), shared.client("ann")
    hold(first, 32)
    kept = hold(second, 24)
    for client in (first, second):
        with pytest.raises(BackendError) as refused:
            hold(client, 16)
        assert refused.value.status == pb.OUT_OF_MEMORY
        assert refused.value.message == (
            f"{16 * MIB} bytes more do not fit: all sessions of the user bob together hold {56 * MIB} bytes and may "
            f"hold {64 * MIB}"
        )
    # What one alone asks for too much is said of the session.
    with pytest.raises(BackendError, match=f"the session holds {32 * MIB} bytes and may hold {64 * MIB}"):
        hold(first, 40)
    hold(other, 128)  # no matter to others
    shown = shared.quotas("bob")
    assert shown["memory_bytes"] == 56 * MIB
    assert shown["memory_limit"] == shown["session_memory_limit"] == 64 * MIB
    overview = shared.data("/api/overview", "bob")
    assert overview["memory_used"] == 56 * MIB
    assert overview["memory_limit"] == 64 * MIB
    free = second.batch()
    second.instruction(free, 0, (kept, 0))
    free.sync = True
    second.backend.submit(free)
    hold(first, 16)
    second.close()
    x = np.arange(MIB / 1.0)
    assert np.array_equal(first.add(x, 1.0), x + 1), "8 MiB twice"
    first.close()
    other.close()
    deadline = time.monotonic() + 10
    while shared.quotas("bob")["memory_bytes"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_error_in_a_program(shared: Shared) -> None:
    holding = shared.client("bob")
    hold(holding, 48)
    out = shared.daemon.run(
        """
import numpy as np
a = np.ones(1_000_000) + 1
float(a[0])
try:
    b = np.ones((3, 1_000_000)) * 2
    float(b[0, 0])
except MemoryError as error:
    print(error)
del b
print(float(a.sum()))
""",
        MANIPLE_TOKEN=shared.tokens["bob"],
        MANIPLE_TOKEN_FILE="",
    )
    assert "bytes more do not fit: all sessions of the user bob together hold" in out
    assert f"may hold {64 * MIB}" in out
    assert out.endswith("\n2000000.0\n")
    holding.close()


def test_quotas_that_change_hold_at_once(shared: Shared) -> None:
    client = shared.client("bob")
    hold(client, 32)
    text = shared.users.read_text()
    shared.users.write_text(text.replace("memory=64m", "memory=40m"))
    try:
        deadline = time.monotonic() + 10
        while shared.quotas("bob")["memory_limit"] != 40 * MIB:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.1)
        with pytest.raises(BackendError, match=f"may hold {40 * MIB}"):
            hold(client, 12)
        x = np.arange(1000.0)
        assert np.array_equal(client.add(x, 1.0), x + 1)
    finally:
        shared.users.write_text(text)
    client.close()


def test_batches_that_wait(shared: Shared) -> None:
    assert shared.quotas("bob")["queued_limit"] == 2
    clients = [shared.client("bob") for _ in range(3)]
    x = np.arange(1000.0)
    for k in range(40):
        for client in clients:
            assert np.array_equal(client.add(x, float(k)), x + k)
    assert shared.quotas("bob", "bob")["batches_pending"] <= 5  # two wait, and one of each session may run
    with pytest.raises(ServerError, match="has 3 sessions, as many as allowed"):
        shared.client("bob")
    for client in clients:
        client.close()


def test_idle_sessions_of_one_user(shared: Shared) -> None:
    assert shared.quotas("eve")["idle_limit_seconds"] == 2
    eve, ann = shared.client("eve"), shared.client("ann")
    deadline = time.monotonic() + 10
    while shared.quotas("eve")["sessions"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    x = np.arange(10.0)
    assert np.array_equal(ann.add(x, 1.0), x + 1)
    with pytest.raises(BackendLost, match="closed"):
        eve.add(x, 1.0)
    ann.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--memory", "much"), "memory is a size such as 8g, not 'much'"),
        (("--sessions", "0"), "sessions is a positive number"),
        (("--queued", "-3"), "queued is a positive number"),
        (("--idle", "30 m"), "idle is a time such as 30m"),
    ],
)
def test_wrong_quotas_are_not_written(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    refused = maniple("server", "new-user", tmp_path / "users", "ann", *options)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert not (tmp_path / "users").exists()
