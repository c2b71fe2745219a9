"""What goes wrong around a program: servers, clients and users that stop in the middle, too little memory, forks, threads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from maniple import _server

PRELUDE = """\
import os, signal, sys, threading, time
import numpy as np
import maniple

numpy = sys.modules["numpy"]  # the real one
LONG = 8_000_000


def long_work(x):
    for _ in range(400):
        x = np.sin(x) + np.cos(x) * x
    return x


def after(seconds, action, *arguments):
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()


def server_pid():
    from maniple._server import Configuration, find

    return find(Configuration.from_environment()).pid


def fails(action, kind=maniple.ManipleError, within=1.0):
    begin = time.monotonic()
    try:
        result = action()
    except kind as error:
        assert time.monotonic() - begin < within, time.monotonic() - begin
        return error
    raise AssertionError(f"no {kind.__name__} but {type(result)}")

"""


class Place:
    """A runtime directory of its own, with the environment that makes programs use it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.programs = 0
        self.runtime = directory / "run"
        self.temporary = directory / "tmp"
        self.shared = directory / "shared"
        for made in (directory, self.temporary, self.shared):
            made.mkdir(mode=0o700, exist_ok=True)
        self.environment = {
            **os.environ,
            "MANIPLE_RUNTIME_DIR": str(self.runtime),
            "MANIPLE_IDLE": "60",
            "TMPDIR": str(self.temporary),
        }
        self.environment.pop("MANIPLE_BACKEND", None)
        self.configuration = _server.Configuration(self.runtime)

    def start(self, program: str, *, prelude: bool = True, **variables: str) -> subprocess.Popen[str]:
        self.programs += 1
        script = self.directory / str(self.programs) / "program.py"
        script.parent.mkdir()
        script.write_text((PRELUDE if prelude else "") + textwrap.dedent(program))
        return subprocess.Popen(
            [sys.executable, "-m", "maniple", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **variables},
        )

    def run(self, program: str, *, prelude: bool = True, **variables: str) -> str:
        """Run a program to its end, which must be a good one; what it printed."""
        process = self.start(program, prelude=prelude, **variables)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"it hangs:\n{process.communicate()}") from None
        assert process.returncode == 0, err
        assert "Traceback" not in err or "Exception ignored" in err, err
        return out

    def status(self) -> dict[str, Any]:
        found = _server.status(self.configuration)
        assert found is not None
        return found

    def servers(self) -> list[int]:
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                with suppress(OSError):
                    command = (process / "cmdline").read_bytes()
                    if b"\0--discovery\0" + str(self.runtime).encode() in command:
                        found.append(int(process.name))
        return found

    def end(self) -> None:
        with suppress(_server.ServerError):
            _server.stop(self.configuration)
        left = self.servers()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, "an orphaned server"
        names = {path.name for path in self.runtime.glob("*")} if self.runtime.exists() else set()
        assert {name.rpartition(".")[2] for name in names} <= {"lock", "log"}, names
        assert not list(self.temporary.iterdir())
        assert not list(self.shared.iterdir())


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> float:
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - begin


def shared_memory_files() -> set[str]:
    return {name for name in os.listdir("/dev/shm") if "maniple" in name}


@pytest.fixture(scope="module")
def common(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server that the tests share, as programs do."""
    try:
        _server.find_class_path(), _server.find_java()
    except _server.ServerError as error:
        pytest.skip(str(error))
    before = shared_memory_files()
    place = Place(tmp_path_factory.mktemp("common"))
    yield place
    place.end()
    assert shared_memory_files() <= before


@pytest.fixture
def place(common: Place) -> Iterator[Place]:
    """The common server; no session outlives the test."""
    yield common
    if _server.status(common.configuration) is not None:
        wait_until(lambda: not common.status()["sessions"])
        wait_until(lambda: common.status()["shared_memory_bytes"] == 0)


def test_the_server_is_killed_in_the_middle(place: Place) -> None:
    place.run(
        """
        only_there = np.ones(1_000_000) * 2
        seen = np.ones(1_000_000) * 3
        view = numpy.asarray(seen)
        changed = np.ones(1_000_000) * 3
        numpy.asarray(changed)[0]
        local = np.random.rand(100_000)
        more = local + 1
        x = long_work(np.ones(LONG))
        maniple.flush(wait=False)
        changed += 1
        after(0.5, os.kill, server_pid(), signal.SIGKILL)
        line = sys._getframe().f_lineno + 1
        error = fails(lambda: x.sum(), maniple.ServerError, within=5.5)
        assert f"program.py:{line}" in str(error), error
        assert error.log and error.log in str(error), error
        again = [lambda: only_there[0], lambda: only_there.sum(), lambda: only_there + 1, lambda: x[5], lambda: more[0]]
        again += [lambda: changed[0], lambda: numpy.asarray(changed), lambda: changed.sum()]
        for action in again + again:
            other = fails(action, maniple.ServerError)
            assert error.log in str(other)
        assert seen[7] == 3 and view[8] == 3
        # From here on a new server.
        assert seen.sum() == 3_000_000
        seen += 1
        assert view[0] == 4 and (seen + 0).sum() == 4_000_000
        assert np.allclose((local + 1) - local, 1)
        assert (np.arange(1_000_000) * 2).sum() == 999_999_000_000
        # And lost again.
        os.kill(server_pid(), signal.SIGKILL)
        time.sleep(0.2)
        assert seen[7] == 4 and view[8] == 4
        fails(lambda: only_there[0], maniple.ServerError)
        assert np.ones(1_000_000).sum() == 1_000_000
        """
    )


def test_a_killed_server_that_used_files(tmp_path: Path, common: Place) -> None:
    place = Place(tmp_path)
    place.run(
        """
        x = np.ones(1_000_000) * 2
        view = numpy.asarray(x)
        os.kill(server_pid(), signal.SIGKILL)
        time.sleep(0.1)
        assert view.sum() == 2_000_000
        assert np.ones(1_000_000).sum() == 1_000_000
        """,
        MANIPLE_SHARED_MEMORY=str(place.shared),
    )
    place.end()


def test_the_server_is_stopped_under_a_client(place: Place) -> None:
    place.run(
        """
        import subprocess

        old = np.ones(1_000_000) * 2
        maniple.flush()
        subprocess.run([sys.executable, "-m", "maniple", "server", "stop"], check=True, stdout=subprocess.DEVNULL)
        assert (np.ones(1_000_000) * 3).sum() == 3_000_000  # by a new one
        fails(lambda: old[0], maniple.ServerError)
        subprocess.run([sys.executable, "-m", "maniple", "server", "stop"], check=True, stdout=subprocess.DEVNULL)
        kept = np.ones(1_000_000)
        fails(lambda: old + kept, maniple.ServerError)
        assert kept.sum() == 1_000_000
        x = long_work(np.ones(LONG))
        stop = [sys.executable, "-m", "maniple", "server", "stop"]
        after(0.3, lambda: subprocess.run(stop, stdout=subprocess.DEVNULL))
        fails(lambda: x.sum(), maniple.ServerError, within=10)
        assert (np.ones(1_000_000) * 3).sum() == 3_000_000
        """
    )


def test_the_client_is_killed_in_the_middle(place: Place) -> None:
    other = place.start(
        """
        x = np.ones(1_000_000)
        for i in range(300):
            x = x + 1
            assert x[5] == i + 2
            time.sleep(0.01)
        print(float(x.sum()))
        """
    )
    client = place.start(
        """
        seen = np.ones(LONG) * 2
        numpy.asarray(seen)
        x = long_work(np.ones(2 * LONG))
        print("ready", flush=True)
        x.sum()
        """
    )
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        time.sleep(0.3)
        pids = {session["client_pid"] for session in place.status()["sessions"]}
        assert client.pid in pids
        client.kill()
        seconds = wait_until(
            lambda: client.pid not in {session["client_pid"] for session in place.status()["sessions"]}, 5
        )
        print(f"freed after {seconds:.2f} s")
        out, err = other.communicate(timeout=60)
        assert (other.returncode, out, err) == (0, "301000000.0\n", "")
    finally:
        for process in (client, other):
            process.kill()
            process.communicate()


def test_control_c_in_the_middle(place: Place) -> None:
    place.run(
        """
        base = np.ones(1_000_000) * 2
        seen = np.ones(LONG) * 2
        view = numpy.asarray(seen)
        maniple.flush()
        x = long_work(np.ones(LONG))
        for _ in range(2):
            # The second time it is over at once, or fails: what was cancelled is not computed again.
            after(0.5, os.kill, os.getpid(), signal.SIGINT)
            begin = time.monotonic()
            try:
                x.sum()
                time.sleep(1)
                raise AssertionError
            except KeyboardInterrupt:
                assert time.monotonic() - begin < 1.6
            except maniple.ManipleError as error:
                assert "interrupted" in str(error)
                try:
                    time.sleep(1)
                except KeyboardInterrupt:
                    pass
        for action in (lambda: x.sum(), lambda: x[0], lambda: x + 1 + base[0], lambda: numpy.asarray(x)):
            error = fails(lambda: float(np.sum(action())))
            assert "interrupted" in str(error) and "program.py" in str(error), error
        assert base.sum() == 2_000_000
        assert (np.arange(1_000_000) + base).sum() == 499_999_500_000 + 2_000_000

        # An update in place of memory that NumPy sees as well.
        y = long_work(np.ones(LONG))
        after(0.5, os.kill, os.getpid(), signal.SIGINT)
        try:
            seen += y
            seen[0]
            time.sleep(1)
        except KeyboardInterrupt:
            pass
        for action in (lambda: seen[0], lambda: seen.sum(), lambda: seen + 1, lambda: str(seen)):
            fails(lambda: float(np.sum(action())))
        assert (base * 2).sum() == 4_000_000
        """
    )


@pytest.mark.xfail(strict=False, reason="now and then an operation after Ctrl-C still fails; cause unknown")
def test_control_c_while_recording(place: Place) -> None:
    place.run(
        """
        x = np.ones(40_000)
        stop = time.monotonic() + 4
        interruptions = 0
        while time.monotonic() < stop:
            after(0.01 * (interruptions % 7 + 1), os.kill, os.getpid(), signal.SIGINT)
            try:
                for _ in range(2000):
                    y = x * 2
                    y += 1
                    y = y - x
                    z = y[::2] + y[1::2]
                time.sleep(0.2)  # it came where Python ignores it, in a finaliser
            except KeyboardInterrupt:
                interruptions += 1
            y = z = None
            assert ((x * 3 + 1) - x).sum() == 120_000
        assert interruptions > 20
        """
    )


def test_too_large_a_result(tmp_path: Path, common: Place) -> None:
    place = Place(tmp_path)
    place.run(
        """
        def mapped():
            with open(f"/proc/{server_pid()}/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        good = np.ones(1_000_000) * 3
        held = np.ones(30_000_000) * 2  # 240 MB of 512
        held[0]
        sizes = []
        for i in range(50):
            big = held + np.ones(60_000_000)[:30_000_000]
            error = fails(lambda: big[0], MemoryError, within=5)
            assert type(error) is maniple.ManipleMemoryError
            assert "program.py" in str(error) and "536870912" in str(error), error
            small = good * 2
            assert small.sum() == 6_000_000
            sizes.append(mapped())
        assert max(sizes[5:]) - min(sizes[5:]) < 64 << 20, sizes
        fails(lambda: big.sum(), MemoryError)
        del held, big
        room = np.ones(30_000_000) + 1
        assert room.sum() == 60_000_000
        room += 1
        assert room[5] == 3
        """,
        MANIPLE_MEMORY="512m",
        MANIPLE_SPILL="off",
    )
    assert not place.status()["sessions"]
    place.end()


def test_a_refused_batch_is_undone(place: Place) -> None:
    place.run(
        """
        from maniple._recorder import stream

        kept = np.ones(100_000) * 2
        updated = np.ones(100_000) * 2
        freed = np.ones(100_000) * 2
        moved = np.random.rand(100_000)
        copy = numpy.array(moved)
        maniple.flush()
        for status in ("unknown", "invalid"):
            updated += 1
            result = kept + 1
            moved_more = moved + 1
            del freed
            freed = np.ones(100_000) * 2
            batch = stream.batch
            if status == "unknown":
                batch.operand_buffer[-1] = 1 << 40
            else:
                batch.operation[-1] = 1 << 20
            error = fails(lambda: result.sum())
            assert type(error) is maniple.ManipleError and "program.py" in str(error), error
            for action in (lambda: result[0], lambda: updated.sum(), lambda: updated[0], lambda: moved_more.max()):
                assert str(fails(action)) == str(error)
            assert kept.sum() == 200_000
            assert (moved == copy).all()
            assert numpy.allclose((moved + 1) - copy, 1)
            updated = np.ones(100_000) * 2
            freed = np.ones(100_000) * 2
            maniple.flush()
        del kept, updated, freed, moved, result, moved_more, batch, error
        import gc

        gc.collect()
        assert not stream.shared
        x = np.ones(100_000)
        assert x.sum() == 100_000
        assert not stream.lost and not stream.absent, (stream.lost, stream.absent)
        """,
        MANIPLE_HOST="0",
    )


def test_much_data_in_one_batch(place: Place) -> None:
    place.run(
        """
        x = np.zeros((100, 8000))
        for i in range(400):
            x += np.full(8000, float(i))
        assert (x == 399 * 200).all()
        """
    )


def test_fork(place: Place) -> None:
    place.run(
        """
        import multiprocessing

        private = np.arange(1_000_000) * 2
        shared = np.arange(1_000_000) * 3
        numpy.asarray(shared)[0]
        local = numpy.arange(1_000_000)
        maniple.flush()

        def child(k):
            assert private.sum() == 999_999_000_000
            assert (private + shared).sum() == 5 * 499_999_500_000
            shared[0] = k + 100
            private[:] += k
            x = np.ones(1_000_000) * k
            assert (x + local).sum() == 499_999_500_000 + 1_000_000 * k
            return float(x.sum() + private[1] + shared[0])

        for _ in range(2):
            with multiprocessing.get_context("fork").Pool(3) as pool:
                assert pool.map(child, range(3), chunksize=1) == [102.0 + k * 1_000_002 for k in range(3)]
        pid = os.fork()
        if pid == 0:
            os._exit(child(5) != 5_000_112.0)
        assert os.waitpid(pid, 0)[1] == 0
        assert shared[0] == 0 and private[1] == 2 and (private + shared).sum() == 5 * 499_999_500_000

        # More than is moved for a child.
        large = np.ones(40_000_000) + 1
        pid = os.fork()
        if pid == 0:
            message = str(fails(lambda: large[5]))
            os._exit(not ("before fork" in message and (np.ones(100_000) * 2).sum() == 200_000))
        assert os.waitpid(pid, 0)[1] == 0
        assert large.sum() == 80_000_000
        """
    )


def test_threads(place: Place) -> None:
    place.run(
        """
        common = np.ones(200_000)
        failures = []

        def work(k):
            try:
                for i in range(40):
                    x = np.full(50_000, float(k))
                    x += i
                    x[::2] *= 2
                    assert x.sum() == (k + i) * 75_000
                    assert (common * k).sum() == 200_000 * k
                    assert common[k:].max() == 1
            except BaseException as error:
                failures.append(repr(error))

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures
        """
    )


def test_the_end_with_work_pending(place: Place) -> None:
    process = place.start(
        """
        y = np.ones(1_000_000) * 2
        view = numpy.asarray(y)
        x = long_work(np.ones(LONG))
        maniple.flush(wait=False)
        z = x + 1
        print("end", flush=True)
        sys.exit(7)
        """
    )
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (7, "end\n", "")
    assert wait_until(lambda: not place.status()["sessions"]) < 2


def test_ipython(place: Place) -> None:
    pytest.importorskip("IPython")
    program = """
        from IPython.core.interactiveshell import InteractiveShell

        shell = InteractiveShell.instance()
        for cell in (
            "%load_ext maniple",
            "import numpy as np",
            "x = np.ones(1_000_000) * 2",
            "kind, total = type(x).__module__, float(x.sum())",
            "x[2_000_000]",
        ):
            result = shell.run_cell(cell, store_history=False)
        assert isinstance(result.error_in_exec, IndexError)
        assert shell.user_ns["kind"].startswith(("maniple", "numpy")), shell.user_ns["kind"]
        import maniple._array
        assert type(shell.user_ns["x"]) is maniple._array.ndarray
        assert shell.user_ns["total"] == 2_000_000
        """
    script = place.directory / "shell.py"
    script.write_text(textwrap.dedent(program))
    environment = {**place.environment, "IPYTHONDIR": str(place.directory / "ipython")}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.dumps(done.stderr) == '""'
