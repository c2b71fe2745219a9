"""A daemon over TLS: other people's programs run on it unmodified, strangers get nothing, a bad network is survived."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pytest
from daemons import Daemon, Network, daemon, maniple
from test_examples import EXAMPLES, SIZES

GIB = 1 << 30


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    directory = tmp_path_factory.mktemp("daemon") / "trial"
    data = tmp_path_factory.mktemp("data")
    np.save(data / "grid.npy", np.arange(2_000_000.0).reshape(2000, 1000))
    np.save(data / "columns.npy", np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)))
    (data / "text.npy").write_text("this is no array")
    (directory.parent / "secret.npy").write_bytes((data / "grid.npy").read_bytes())
    (data / "link.npy").symlink_to(directory.parent / "secret.npy")
    with daemon(directory, "--reconnect", "8s", "--memory", "4g", "--session-memory", "1g", "--data", data) as running:
        yield running


@pytest.mark.parametrize("name", sorted(SIZES))
def test_examples_print_what_numpy_prints(shared: Daemon, name: str) -> None:
    command = [str(EXAMPLES / f"{name}.py"), *map(str, SIZES[name])]
    plain = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True, timeout=240)
    there = maniple(*command, **shared.environment())
    assert there.returncode == 0, there.stderr
    assert there.stdout == plain.stdout


def test_arrays_of_every_size_travel(shared: Daemon) -> None:
    out = shared.run(
        """
import numpy as np, sys
real = sys.modules["numpy"]
for n in (0, 1, 8191, 8192, 8193, 65_537, 1 << 20, (1 << 20) + 1, 3_000_001):
    for t in ("f8", "u1", "c16", "i2"):
        x = (real.arange(n) % 251).astype(t)
        a = np.array(x)
        b = a[::-1] + a
        assert real.array_equal(real.asarray(b), x[::-1] + x), (n, t)
        a += 1
        assert real.array_equal(real.asarray(a), x + 1), (n, t)
print("equal")
"""
    )
    assert out == "equal\n"


THOUSAND_OPERATIONS = """
import numpy as np, time
np.ones(100_000).sum()
a = np.ones(100_000)
start = time.perf_counter()
for _ in range(500):
    a = a * 1.001 + 0.5
float(a.sum())
print(time.perf_counter() - start)
"""


def test_few_round_trips(shared: Daemon) -> None:
    network = Network(shared.port)
    try:
        took = shared.run(THOUSAND_OPERATIONS, network.port)
        network.delay = 0.1
        slow = shared.run(THOUSAND_OPERATIONS, network.port)
    finally:
        network.close()
    # Each way has 0.1 s and perhaps several pieces; a round trip for each operation would have been 200 s.
    assert float(slow) - float(took) < 1.5


def test_printing_fetches_the_corners(shared: Daemon) -> None:
    network = Network(shared.port)
    program = """
import numpy as np
for shape in ((1_200_000,), (1500, 900), (7, 3, 60_000), (2, 5, 4, 40_000), (3, 500_000)):
    a = np.arange(float(np.prod(shape))).reshape(shape) / 7 - 1000
    print(a, repr(a * 1e-9), repr(a.astype("i2")), repr(a > 0))
"""
    try:
        there = shared.run(program, network.port)
        assert (
            there == subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        )
        assert network.bytes < 2 << 20
    finally:
        network.close()


# -- who is let in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "clients need a token"),
        (["--listen", "0.0.0.0:0", "--token-file", "TOKEN"], "without TLS"),
        (["--tls-cert", "SERVER", "--token-file", "TOKEN"], "belong together"),
        (["--tls-cert", "nowhere", "--tls-key", "KEY", "--token-file", "TOKEN"], "there is no file"),
        (["--token-file", "OPEN"], "chmod 600"),
        (["--token-file", "TOKEN", "--http", "127.0.0.1:8816"], "large arrays go through port 8816, the one after"),
        (["--token-file", "TOKEN", "--bulk", "9000", "--http", "127.0.0.1:9000"], "go through port 9000: give --http"),
        (["--token-file", "TOKEN", "--users", "TOKEN"], "exclude each other"),
        (["--token-file", "TOKEN", "--memory", "much"], "a size such as"),
        (["--token-file", "TOKEN", "--idle", "-1"], "a time such as"),
        (["--token-file", "TOKEN", "--threads", "0"], "a positive number"),
        (["--token-file", "TOKEN", "--engine", "steam"], "engine must be one of"),
        (["--config", "nowhere"], "cannot read the configuration"),
        (["--config", "WRONG"], "there is no setting 'tls'"),
        (["--lisen", "x"], "Unknown option"),
    ],
)
def test_unsafe_or_wrong_settings_are_refused(tmp_path: Path, options: list[str], words: str) -> None:
    assert maniple("server", "init", tmp_path / "trial").returncode == 0
    (tmp_path / "open").write_text("0123456789" * 6)
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "wrong.toml").write_text("[tls]\ncert = 1\n")
    names = {
        "TOKEN": tmp_path / "trial/token",
        "SERVER": tmp_path / "trial/server.pem",
        "KEY": tmp_path / "trial/server-key.pem",
        "OPEN": tmp_path / "open",
        "WRONG": tmp_path / "wrong.toml",
    }
    refused = maniple("server", *[names.get(o, o) for o in options or ["--listen", "127.0.0.1:0"]])
    assert refused.returncode == 2, refused
    assert words in refused.stderr, refused.stderr


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    assert maniple("server", "init", tmp_path).returncode == 0
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "server-key.pem").stat().st_mode & 0o777 == 0o600
    again = maniple("server", "init", tmp_path)
    assert again.returncode == 2
    assert "is there already" in again.stderr


PROGRAM = "import numpy as np; print((np.ones(100_000) + 1).sum())"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"MANIPLE_TOKEN": "f" * 64}, "does not let you in"),
        ({"MANIPLE_TOKEN_FILE": ""}, "wants a token"),
        ({"MANIPLE_CA": ""}, "cannot be reached"),
        ({"MANIPLE_CA": "other"}, "cannot be reached"),
        ({"MANIPLE_URL": "maniple://localhost:1"}, "cannot be reached"),
        ({"MANIPLE_URL": "maniple+insecure://localhost:PORT"}, "cannot be reached"),
        ({"MANIPLE_URL": "maniple+insecure://example.org"}, "without TLS"),
        ({"MANIPLE_URL": "http://localhost"}, "a daemon's URL is"),
        ({"MANIPLE_URL": "maniple://localhost/path"}, "a daemon's URL is"),
    ],
)
def test_who_is_not_let_in_is_told_why(shared: Daemon, tmp_path: Path, changes: dict[str, str], words: str) -> None:
    assert maniple("server", "init", tmp_path).returncode == 0
    other = {"other": str(tmp_path / "ca.pem")}
    environment = shared.environment() | {
        name: other.get(value, value.replace("PORT", str(shared.port))) for name, value in changes.items()
    }
    start = time.monotonic()
    refused = maniple("-c", PROGRAM, **environment)
    assert time.monotonic() - start < 40
    assert refused.returncode == 1, refused
    assert words in refused.stderr
    assert refused.stdout == "", "nothing is computed elsewhere instead"


def test_check_says_what_is_wrong(shared: Daemon) -> None:
    good = maniple("server", "check", shared.url, **shared.environment())
    assert good.returncode == 0, good.stdout
    assert good.stdout.count(" ok ") == 8
    assert f"through port {shared.status()['bulk_port']}" in good.stdout.splitlines()[-1]
    for changes, step in (
        ({"MANIPLE_TOKEN": "f" * 64}, "token"),
        ({"MANIPLE_CA": ""}, "TLS"),
        ({"MANIPLE_URL": "maniple://no-such-host.invalid"}, "name"),
        ({"MANIPLE_URL": "maniple://localhost:1"}, "port"),
        ({"MANIPLE_URL": "nonsense"}, "address and token"),
    ):
        environment = shared.environment() | changes
        bad = maniple("server", "check", environment["MANIPLE_URL"], **environment)
        assert bad.returncode == 1
        assert bad.stdout.splitlines()[-1].startswith(step), bad.stdout
        assert "FAILED" in bad.stdout.splitlines()[-1]


def strangers_calls(client: flight.FlightClient, options: flight.FlightCallOptions) -> list[Callable[[], object]]:
    """Every method of the service."""
    descriptor = flight.FlightDescriptor.for_command(b"x")

    def put() -> object:
        writer, reader = client.do_put(descriptor, pa.schema([("data", pa.uint8())]), options)
        writer.done_writing()
        answer = reader.read()
        writer.close()
        return answer

    def exchange() -> object:
        writer, reader = client.do_exchange(descriptor, options)
        writer.write_metadata(b"x")
        return reader.read_chunk()

    def act(name: str) -> Callable[[], object]:
        return lambda: list(client.do_action(flight.Action(name, b""), options))

    return [
        *map(act, ("version", "status", "interrupt", "uploaded", "close", "anything")),
        lambda: list(client.list_actions(options)),
        lambda: list(client.list_flights(options=options)),
        lambda: client.get_flight_info(descriptor, options),
        lambda: client.get_schema(descriptor, options),
        lambda: client.do_get(flight.Ticket(b"x"), options).read_all(),
        put,
        exchange,
    ]


@pytest.mark.parametrize("header", [None, b"Bearer " + b"f" * 64, b"Basic Zm9vOmJhcg==", b"Bearer", b"Bearer "])
def test_no_route_answers_a_stranger(shared: Daemon, header: bytes | None) -> None:
    ca = (shared.directory / "ca.pem").read_bytes()
    client = flight.connect(f"grpc+tls://localhost:{shared.port}", tls_root_certs=ca)
    headers = [] if header is None else [(b"authorization", header)]
    for call in strangers_calls(client, flight.FlightCallOptions(headers=headers, timeout=10)):
        with pytest.raises((pa.ArrowException, OSError)) as caught:
            call()
        assert isinstance(caught.value, pa.ArrowNotImplementedError) or "nauthenticated" in str(caught.value)
    client.close()
    assert shared.status()["version"], "with the token there is an answer"


def test_users_have_sessions_of_their_own(tmp_path: Path) -> None:
    users = tmp_path / "users"
    tokens = {}
    for name, *options in (("ann", "--operator"), ("bob", "--memory", "64m", "--sessions", "1")):
        made = maniple("server", "new-user", users, name, *options)
        assert made.returncode == 0, made.stderr
        tokens[name] = made.stdout.strip()
        assert tokens[name] not in users.read_text()
    assert maniple("server", "new-user", users, "bob").returncode == 2
    trial = tmp_path / "trial"
    assert maniple("server", "init", trial).returncode == 0
    (trial / "maniple.toml").write_text(
        'tls_cert = "server.pem"\ntls_key = "server-key.pem"\nusers = "../users"\nreconnect = "3s"\nspill = "off"\n'
    )
    running = Daemon(trial, init=False).start()
    try:
        bob = {"MANIPLE_TOKEN": tokens["bob"]}
        waiting = running.begin(
            "import numpy as np, sys\na = np.ones(100_000) + 1\nprint(float(a[0]), flush=True)\nsys.stdin.read()\n"
            "import time; time.sleep(60)",
            **bob,
        )
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "2.0\n"
        second = running.begin(PROGRAM, **bob)
        _, error = second.communicate(timeout=60)
        assert "as many as allowed" in error
        too_large = running.run(
            """
import numpy as np
try:
    a = np.ones(1000) + np.ones((20_000, 1000))
    float(a.sum()); b = a * 2; float(b[0, 0]); print("no error")
except MemoryError as error:
    print(error)
""",
            MANIPLE_TOKEN=tokens["ann"],
        )
        assert too_large == "no error\n"
        waiting.kill()
        waiting.wait()
        time.sleep(4.5)
        refused = running.run(
            """
import numpy as np
try:
    a = np.ones((20_000, 1000)) + 1
    float(a.sum()); print("no error", float(a[0, 0]))
    b = a[::-1] * 2
    float(b[0, 0]); print("no error")
except MemoryError as error:
    print(error)
""",
            **bob,
        )
        assert "may hold 67108864" in refused, refused
    finally:
        running.stop()


def test_a_program_moves_to_a_daemon_and_back(shared: Daemon) -> None:
    """With arrays there, in shared memory, in NumPy's views of it; nothing is lost or torn apart."""
    environment = shared.environment()
    del environment["MANIPLE_URL"]
    done = maniple(
        "-c",
        """
import maniple, numpy as np, sys
real = sys.modules["numpy"]
a = np.random.default_rng(5).random((800, 500))
b = np.sqrt(a * a + 1).cumsum(axis=0)
view = real.asarray(b)
total, before = float(a.sum()), view.copy()
c = a + 1
maniple.connect(sys.argv[1])
assert abs(float(a.sum()) - total) < 1e-6
assert real.array_equal(view, before)
b += 1
assert real.array_equal(view, before + 1), "the view sees what is written"
assert abs(float(c.sum()) - total - 400_000) < 1e-4
d = b * 2
try:
    maniple.connect("maniple://localhost:1")
except maniple.ServerError:
    pass
assert real.array_equal(real.asarray(d), (before + 1) * 2), "a daemon that is not there changes nothing"
e = d - 1
maniple.connect("")
assert real.array_equal(real.asarray(e), (before + 1) * 2 - 1)
a[0] = 5
assert float(a[0].sum()) == 2500.0
print("kept")
""",
        shared.url,
        **environment,
    )
    assert done.stdout == "kept\n", done.stderr


# -- files at the daemon ---------------------------------------------------------------------------------------------


def test_files_at_the_daemon(shared: Daemon) -> None:
    out = shared.run(
        """
import maniple, numpy as np
grid = maniple.load("grid.npy")
print(grid.shape, grid.dtype, grid.sum() == np.arange(2_000_000.0).sum(), grid[1999, 999])
columns = maniple.load("columns.npy")
print(columns.tolist(), columns.dtype)
for name in ("missing.npy", "text.npy", "link.npy", "../secret.npy", "/etc/shadow.npy", "nowhere/"):
    try:
        maniple.load(name)
        print("opened", name)
    except OSError as error:
        assert "daemon" in str(error), (name, error)
"""
    )
    assert out == "(2000, 1000) float64 True 1999999.0\n[[0, 1, 2], [3, 4, 5]] int16\n"


TABLES = """
import maniple, numpy as np
for name in ("table.arrow", "table.parquet", "gzip.parquet"):
    whole = np.load(name)
    for key in sorted(whole):
        a = whole[key]
        assert type(a) is np.ndarray and a.shape == (300_000,), (name, key)
        print(name, key, a.dtype, a[:3].tolist(), a[-1], np.isnan(a.astype("f8")).sum(), (a[::7] * 1.0).astype("f8").sum())
    two = maniple.load_table(name, columns=["f8", "i2"])
    print(list(two), float((two["f8"] * two["i2"]).sum()))
for name, columns in (
    ("words.arrow", None), ("words.parquet", None), ("words.arrow", ["n"]), ("words.parquet", ["nothing"]),
    ("nulls.arrow", None), ("nulls.parquet", None), ("zstd.parquet", None), ("lz4.arrow", None),
    ("cut.arrow", None), ("cut.parquet", None), ("grid.npy", ["x"]), ("../secret.parquet", None),
):
    try:
        print(name, columns, sorted(maniple.load_table(name, columns)))
    except OSError as error:
        assert "the daemon says: " in str(error), error
        print(name, columns, str(error).partition("the daemon says: ")[2])
"""


def tables(folder: Path, outside: Path) -> None:
    """Write the same table in several ways, and tables that cannot be read."""
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(4)
    n = 300_000
    columns = {
        code: (rng.random(n) * 100).astype(code)
        for code in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
    } | {"b": rng.random(n) > 0.5}
    nulls = pa.array(np.where(columns["f8"] > 50, columns["f8"], np.nan), from_pandas=True)
    table = pa.table({**columns, "some": nulls})
    with pa.OSFile(str(folder / "table.arrow"), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=70_000)
    parquet.write_table(table, folder / "table.parquet", row_group_size=110_000)
    parquet.write_table(table, folder / "gzip.parquet", compression="gzip")
    (outside / "secret.parquet").write_bytes((folder / "table.parquet").read_bytes())
    parquet.write_table(table, folder / "zstd.parquet", compression="zstd")
    lz4 = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.OSFile(str(folder / "lz4.arrow"), "wb") as out, pa.ipc.new_file(out, table.schema, options=lz4) as writer:
        writer.write_table(table)
    for name, other in (
        ("words", pa.table({"n": [1, 2, 3], "word": ["a", "b", "c"]})),
        ("nulls", pa.table({"n": pa.array([1, None, 3])})),
    ):
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as out, pa.ipc.new_file(out, other.schema) as writer:
            writer.write_table(other)
        parquet.write_table(other, folder / f"{name}.parquet")
    for name in ("arrow", "parquet"):
        (folder / f"cut.{name}").write_bytes((folder / f"table.{name}").read_bytes()[:100_000])


def test_tables_at_the_daemon(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    tables(data, tmp_path)
    np.save(data / "grid.npy", np.arange(10.0))
    with daemon(tmp_path / "trial", "--data", data) as running:
        lines = running.run(TABLES).splitlines()
        assert "ERROR" not in running.log(), running.log()
    table = pa.ipc.open_file(data / "table.arrow").read_all().to_pandas()
    wanted = []
    for name in ("table.arrow", "table.parquet", "gzip.parquet"):
        for key in sorted(table):
            a = table[key].to_numpy()
            total = (a[::7] * 1.0).astype("f8").sum()
            wanted.append(
                f"{name} {key} {a.dtype} {a[:3].tolist()} {a[-1]!s} {np.isnan(a.astype('f8')).sum()} {total!s}"
            )
        wanted.append(f"['f8', 'i2'] {float((table['f8'] * table['i2']).sum())}")
    assert lines[: len(wanted)] == wanted
    refusals = dict(
        zip(
            ("words.a", "words.p", "one", "none", "nulls.a", "nulls.p", "zstd", "lz4", "cut.a", "cut.p", "npy", "out"),
            lines[len(wanted) :],
            strict=True,
        )
    )
    for key, words in (
        ("words.a", "the column 'word' is of the type Utf8: only numbers"),
        ("words.p", "the column 'word' is of the type STRING"),
        ("one", "words.arrow ['n'] ['n']"),
        ("none", "it has no column 'nothing', but [n, word]"),
        ("nulls.a", "the column 'n' (Int(64, true)) has nulls"),
        ("nulls.p", "the column 'n' (INT64) has nulls"),
        ("zstd", "it is compressed by ZSTD: write it with"),
        ("lz4", "compressed, which is not supported"),
        ("cut.a", "the file 'cut.arrow': "),
        ("cut.p", "the file 'cut.parquet': "),
        ("npy", "it is no table"),
        ("out", "there is no file"),
    ):
        assert words in refusals[key], refusals


# -- a bad network, and deaths ---------------------------------------------------------------------------------------

LONG = """
import numpy as np, hashlib, sys
rng = np.random.default_rng(7)
a = rng.random((1500, 1000))
digest = hashlib.sha256()
print("begun", flush=True)
for k in range(40):
    a = np.sqrt(a * a + k) - a.mean(axis=0)
    digest.update(np.ascontiguousarray(a[::7, ::11]).tobytes())
    if k % 10 == 0:
        digest.update(a.tobytes())
print(digest.hexdigest())
"""


def test_a_connection_that_breaks_is_replaced(shared: Daemon) -> None:
    wanted = shared.run(LONG).splitlines()[-1]
    network = Network(shared.port)
    try:
        running = shared.begin(LONG, network.port)
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        cuts = 0
        while running.poll() is None:
            network.cut()
            cuts += 1
            time.sleep(1)
        out, error = running.communicate()
        assert running.returncode == 0, error
        assert out.strip() == wanted
        assert cuts > 1
    finally:
        network.close()


@pytest.mark.parametrize("limit", [20_000, 3_000_000, 15_000_000, 40_000_000])
def test_transfers_go_on_where_they_stopped(shared: Daemon, limit: int) -> None:
    network = Network(shared.port)
    network.limit = limit
    try:
        out = shared.run(
            """
import numpy as np, sys
real = sys.modules["numpy"]
x = real.random.default_rng(3).random(3_000_000)
a = np.array(x)
b = a[::-1] + 1.0
print(real.array_equal(real.asarray(b), x[::-1] + 1.0))
""",
            network.port,
        )
        assert out == "True\n"
        assert network.limit == 0, "it was cut"
    finally:
        network.close()


def test_a_network_that_stays_away_ends_in_one_error(shared: Daemon) -> None:
    network = Network(shared.port)
    try:
        running = shared.begin(LONG, network.port)
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        network.refusing = True
        network.cut()
        start = time.monotonic()
        _, error = running.communicate(timeout=60)
        assert running.returncode == 1
        assert time.monotonic() - start < 30
        assert "the session was lost" in error
        assert error.count("Traceback") == 1
    finally:
        network.close()


def test_a_killed_client_leaves_nothing(shared: Daemon) -> None:
    shared.await_sessions(0, 30)
    before = shared.status()["memory_used"]
    running = shared.begin(
        "import numpy as np, time\na = np.ones(20_000_000) + 1\nprint(float(a[0]), flush=True)\ntime.sleep(100)"
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "2.0\n"
    assert shared.status()["memory_used"] >= before + 160_000_000
    running.kill()
    running.wait()
    assert shared.await_sessions(0, 30) < 30
    time.sleep(0.5)
    assert abs(shared.status()["memory_used"] - before) < 1 << 20


def test_a_killed_daemon_ends_in_one_error(tmp_path: Path) -> None:
    running = Daemon(tmp_path / "trial", "--reconnect", "2s").start()
    try:
        client = running.begin(LONG)
        assert client.stdout is not None
        assert client.stdout.readline() == "begun\n"
        running.stop(signal.SIGKILL)
        start = time.monotonic()
        _, error = client.communicate(timeout=60)
        assert client.returncode == 1
        assert time.monotonic() - start < 20
        assert "cannot be reached" in error or "the session was lost" in error
        # Its port can be used again at once.
        running.start()
        assert running.run(PROGRAM) == "200000.0\n"
    finally:
        running.stop()


def test_control_c_stops_the_work_there(shared: Daemon) -> None:
    running = shared.begin(
        """
import numpy as np, time, sys
a = np.random.default_rng(1).random((1500, 1500))
float(a[0, 0])
print("begun", flush=True)
try:
    b = a
    for _ in range(200):
        b = np.linalg.inv(b @ a)
    float(b[0, 0])
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted", flush=True)
start = time.perf_counter()
print((np.ones(100_000) + 1).sum(), time.perf_counter() - start < 2)
"""
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    time.sleep(1)
    start = time.monotonic()
    running.send_signal(signal.SIGINT)
    assert running.stdout.readline() == "interrupted\n"
    assert time.monotonic() - start < 3
    out, error = running.communicate(timeout=60)
    assert running.returncode == 0, error
    assert out == "200000.0 True\n"


def test_progress_is_shown_in_a_terminal_only(shared: Daemon) -> None:
    program = """
import numpy as np
a = np.random.default_rng(1).random((1500, 1500))
b = a
for _ in range(80):
    b = b @ a / 750.0
float(b[0, 0])
"""
    command = [sys.executable, "-m", "maniple", "-c", program]
    environment = {**os.environ, **shared.environment()}
    near, far = pty.openpty()
    shown = subprocess.run(command, env=environment, stderr=far, stdin=subprocess.DEVNULL, timeout=120, check=True)
    os.set_blocking(near, False)
    text = os.read(near, 1 << 20).decode()
    os.close(near)
    os.close(far)
    assert shown.returncode == 0
    assert "maniple: computing at localhost, 2 s" in text
    assert text.endswith("\r")
    quiet = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert quiet.stderr == ""


def test_small_work_does_not_wait_for_large(shared: Daemon) -> None:
    large = shared.begin(
        """
import numpy as np, time
a = np.random.default_rng(1).random(20_000_000)
print("begun", flush=True)
end = time.monotonic() + 8
while time.monotonic() < end:
    b = a
    for _ in range(20):
        b = np.sqrt(b * a + 1.0).cumsum() * 1e-9
    float(b[0])
"""
    )
    assert large.stdout is not None
    assert large.stdout.readline() == "begun\n"
    out = shared.run(
        """
import numpy as np, time
a = np.ones(100_000)
float((a + 1).sum())
times = []
for k in range(30):
    start = time.perf_counter()
    float((a * k).sum())
    times.append(time.perf_counter() - start)
print(sorted(times)[len(times) // 2])
"""
    )
    assert float(out) < 0.5
    assert large.wait(60) == 0


# -- watching it -----------------------------------------------------------------------------------------------------


def test_health_metrics_and_status(tmp_path: Path) -> None:
    import json
    import socket
    import ssl
    import urllib.error
    import urllib.request

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with daemon(tmp_path / "trial", "--http", f"127.0.0.1:{port}") as running:
        context = ssl.create_default_context(cafile=str(running.directory / "ca.pem"))

        def get(path: str, token: str = "") -> tuple[int, str]:
            request = urllib.request.Request(f"https://localhost:{port}{path}")
            if token:
                request.add_header("Authorization", f"Bearer {token}")
            try:
                with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        assert get("/health") == (200, "ok\n")
        assert get("/ready") == (200, "ready\n")
        for path in ("/metrics", "/status", "/", "/anything", "/health/../metrics"):
            assert get(path)[0] in (401, 400, 404), path
            assert get(path, "f" * 64)[0] in (401, 400, 404), path
        assert get("/metrics")[0] == get("/status")[0] == 401
        running.run(PROGRAM)
        status, text = get("/metrics", running.token)
        assert status == 200
        assert "maniple_sessions_opened_total 1.0" in text
        status, text = get("/status", running.token)
        assert status == 200
        assert json.loads(text)["version"]
    assert "error" not in running.log().lower()


def test_a_certificate_that_changes_is_used_at_once(tmp_path: Path) -> None:
    with daemon(tmp_path / "trial") as running:
        assert running.run(PROGRAM) == "200000.0\n"
        assert maniple("server", "init", tmp_path / "new").returncode == 0
        for name in ("server.pem", "server-key.pem", "ca.pem"):
            (tmp_path / "new" / name).replace(running.directory / name)
        time.sleep(2.5)
        assert running.run(PROGRAM) == "200000.0\n"


def test_print_config_reads_itself(tmp_path: Path) -> None:
    printed = maniple("server", "--threads", "3", "--idle", "2h", "--print-config")
    assert printed.returncode == 0, printed.stderr
    file = tmp_path / "copy.toml"
    file.write_text(printed.stdout)
    again = maniple("server", "--config", file, "--print-config")
    assert again.stdout == printed.stdout
    assert 'threads = "3"' in printed.stdout


def test_help_names_every_setting() -> None:
    shown = maniple("server", "--help")
    assert shown.returncode == 0
    for word in (
        "status",
        "init",
        "check",
        "--listen",
        "--tls-cert",
        "--users",
        "--session-memory",
        "--config",
        "--http",
        "--log-format",
        "--otlp-endpoint",
        "--otlp-sampling",
    ):
        assert word in shown.stdout
