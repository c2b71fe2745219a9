"""Calls, shared memory, interruption and loss, against a real server."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maniple import _program_pb2 as pb
from maniple import _server
from maniple._errors import Interrupted, ServerError
from maniple._server import Configuration
from maniple._transport import Connection, open_connection

from . import batches
from .conftest import wait_until

SOURCE = Path(__file__).resolve().parents[2] / "src"


def sessions(configuration: Configuration) -> list[dict[str, int]]:
    status = _server.status(configuration)
    assert status is not None
    return status["sessions"]


def test_hello(connection: Connection) -> None:
    assert connection.server_version == _server.VERSION
    assert connection.limits.batch_bytes == 4 << 20
    assert [row.name for row in connection.operations] == ["sleep", "fail"]
    assert connection.explain() == "echo\nC:\\new\r\nend"
    assert connection.profile().kernels == 0
    assert connection.server_status()["pid"] == connection.address.pid


def test_inline_content_and_observations(connection: Connection) -> None:
    reply = connection.submit(batches.content(1, b"abcdef"))
    assert reply.status == pb.OK
    assert list(reply.contents) == [b"abc"]
    assert connection.array(reply.placements[0]).tobytes() == b"abcdef"


@pytest.mark.parametrize("nbytes", [1, 64, 1000, 1 << 20, (1 << 20) + 1, 9 << 20])
def test_a_reservation_is_the_same_memory_on_both_sides(
    connection: Connection, nbytes: int
) -> None:
    region = connection.reserve(nbytes)
    assert region.array.shape == (nbytes,)
    assert not isinstance(region.array.base, np.ndarray)
    assert region.array[1:].base is region.array
    region.array[:] = 7
    reply = connection.submit(batches.placed(1, region.placement))
    seen = connection.array(reply.placements[0])
    assert np.array_equal(seen, np.full(nbytes, 7, np.uint8))
    region.array[-1] = 9
    assert seen[-1] == 9


def test_an_empty_reservation(connection: Connection) -> None:
    region = connection.reserve(0)
    assert region.array.shape == (0,)
    assert connection.submit(batches.placed(1, region.placement)).status == pb.OK


def test_segments_are_reused_and_dropped_ones_unmapped(connection: Connection) -> None:
    first = connection.reserve(8 << 20)
    connection.release(first)
    again = connection.reserve(8 << 20)
    assert again.segment == first.segment
    connection.release(again)
    # 1 GiB is the server's limit here: only by giving the 8 MiB back does this fit.
    large = connection.reserve((1 << 30) - (4 << 20))
    assert first.segment not in connection._segments
    connection.release(large)


def test_releasing_what_was_bound_is_refused(connection: Connection) -> None:
    region = connection.reserve(1000)
    connection.submit(batches.placed(1, region.placement))
    connection.release(region)
    assert connection.submit(batches.free(1, 2)).status == pb.OK


def test_more_than_there_is(connection: Connection) -> None:
    with pytest.raises(ServerError, match="shared memory") as caught:
        connection.reserve(1 << 40)
    assert caught.value.status == pb.SHARED_MEMORY_UNAVAILABLE
    assert connection.lost is None
    assert connection.reserve(100).nbytes == 100


def test_too_large_a_batch_is_refused_without_being_sent(connection: Connection) -> None:
    assert connection.submit(b"x" * ((4 << 20) + 1)).status == pb.LIMIT_EXCEEDED
    assert connection.submit(batches.sync()).status == pb.OK


def test_a_failure_names_its_source(connection: Connection) -> None:
    reply = connection.submit(batches.fail(1, source="user.py:12"))
    assert (reply.status, reply.source, reply.failed_batch) == (
        pb.INDEX_OUT_OF_RANGE,
        "user.py:12",
        1,
    )
    assert connection.submit(batches.sync(2)).status == pb.OK


def test_a_late_failure_is_told_once_and_discards_what_followed(connection: Connection) -> None:
    assert connection.submit(batches.sleep(50, 1, wait=False)).status == pb.OK
    assert connection.submit(batches.fail(2, wait=False)).status == pb.OK
    assert connection.submit(batches.content(5, b"lost", 3)).failed_batch == 2
    assert connection.submit(batches.free(5, 4)).status == pb.UNKNOWN_BUFFER
    assert connection.submit(batches.sync(5)).status == pb.OK


def test_garbage_is_an_invalid_program(connection: Connection) -> None:
    assert connection.submit(b"\xff\xff\xff").status == pb.INVALID_PROGRAM
    assert connection.submit(batches.sync()).status == pb.OK


def test_threads_share_a_connection(connection: Connection) -> None:
    failures: list[object] = []

    def work(thread: int) -> None:
        for i in range(50):
            handle = 1 + thread * 1000 + i
            data = bytes([thread, i, 0, 1])
            reply = connection.submit(batches.content(handle, data))
            if connection.array(reply.placements[0]).tobytes() != data:
                failures.append((thread, i))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_call_within_a_call_is_refused(connection: Connection) -> None:
    """As a finaliser would make it."""

    def convert(answer: str) -> str:
        with pytest.raises(RuntimeError, match="within"):
            connection.submit(batches.sync())
        return answer

    connection._call("status", convert=convert)
    assert connection.submit(batches.sync()).status == pb.OK


def test_interrupt_from_another_thread(connection: Connection) -> None:
    timer = threading.Timer(0.2, connection.interrupt)
    timer.start()
    start = time.monotonic()
    assert connection.submit(batches.sleep(20_000)).status == pb.CANCELLED
    assert time.monotonic() - start < 5
    timer.join()
    assert connection.submit(batches.sync(2)).status == pb.OK


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.02, 0.2])
def test_control_c(connection: Connection, delay: float) -> None:
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (it may come before the call)
        timer.start()
        connection.submit(batches.sleep(20_000))
    assert time.monotonic() - start < 5
    timer.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert connection.submit(batches.content(1, b"abc", 2)).contents[0] == b"abc"


def test_control_c_tells_how_the_batch_ended(connection: Connection) -> None:
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted) as caught:
        connection.submit(batches.sleep(20_000))
    assert caught.value.reply is not None
    assert caught.value.reply.status == pb.CANCELLED


def test_somebody_elses_signal_handler_may_raise(connection: Connection) -> None:
    class AlarmError(Exception):
        pass

    def ring(number: int, frame: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(AlarmError):
            connection.submit(batches.sleep(20_000))
    finally:
        signal.signal(signal.SIGALRM, before)
    # The answer to the call that was given up is not mistaken for the next one's.
    assert connection.submit(batches.content(1, b"abc", 2)).contents[0] == b"abc"


def test_death_of_the_server_is_one_clear_error(
    connection: Connection, configuration: Configuration
) -> None:
    threading.Timer(0.3, os.kill, (connection.address.pid, signal.SIGKILL)).start()
    start = time.monotonic()
    with pytest.raises(ServerError, match="is gone") as caught:
        connection.submit(batches.sleep(20_000))
    assert time.monotonic() - start < 5
    assert str(configuration.log_file) in str(caught.value)
    for _ in range(2):
        with pytest.raises(ServerError) as again:
            connection.reserve(10)
        assert str(again.value) == str(caught.value)
    assert connection.lost is not None

    other = open_connection(configuration)
    assert other.address.pid != connection.address.pid
    assert other.submit(batches.sync()).status == pb.OK
    other.close()


def test_memory_stays_readable_when_the_server_dies(connection: Connection) -> None:
    region = connection.reserve(8 << 20)
    region.array[:] = 5
    os.kill(connection.address.pid, signal.SIGKILL)
    with pytest.raises(ServerError):
        connection.submit(batches.sync())
    assert region.array.sum() == 5 * (8 << 20)


def test_a_closed_connection_frees_its_session(configuration: Configuration) -> None:
    with open_connection(configuration) as connection:
        connection.submit(batches.content(1, b"abc"))
        assert len(sessions(configuration)) == 1
    wait_until(lambda: not sessions(configuration))
    with pytest.raises(ServerError, match="closed"):
        connection.submit(batches.sync())


def test_a_forgotten_connection_frees_its_session(configuration: Configuration) -> None:
    connection = open_connection(configuration)
    assert len(sessions(configuration)) == 1
    del connection
    gc.collect()
    wait_until(lambda: not sessions(configuration))


CLIENT = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from maniple._server import Configuration
from maniple._transport import open_connection
from transport import batches
configuration = Configuration(
    Path({runtime!r}), class_path={class_path!r}, main_class={main!r}, arguments={arguments!r}
)
connection = open_connection(configuration)
region = connection.reserve(8 << 20)
region.array[:] = 1
"""


def client(configuration: Configuration, rest: str) -> subprocess.Popen[str]:
    """A program with a session and 8 MiB of shared memory, which then does the rest."""
    beginning = CLIENT.format(
        path=[str(SOURCE), str(Path(__file__).resolve().parents[1])],
        runtime=str(configuration.runtime_directory),
        class_path=configuration.class_path,
        main=configuration.main_class,
        arguments=configuration.arguments,
    )
    return subprocess.Popen(
        [sys.executable, "-c", beginning + rest], stdout=subprocess.PIPE, text=True
    )


def test_kill_9_of_the_client_frees_everything(
    connection: Connection, configuration: Configuration
) -> None:
    program = client(
        configuration, "print('ready', flush=True)\nconnection.submit(batches.sleep(60_000))"
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    wait_until(lambda: len(sessions(configuration)) == 2)
    assert shared_bytes(configuration) >= 8 << 20
    program.kill()
    program.wait()
    program.stdout.close()
    wait_until(lambda: len(sessions(configuration)) == 1, seconds=5)
    wait_until(lambda: shared_bytes(configuration) == 0, seconds=5)
    assert connection.submit(batches.sync()).status == pb.OK


def test_a_child_that_outlives_the_client_does_not_keep_its_session(
    configuration: Configuration,
) -> None:
    rest = (
        "import os\nif os.fork() == 0: time.sleep(10); os._exit(0)\n"
        "print('ready', flush=True); os._exit(0)"
    )
    keeper = open_connection(configuration)
    program = client(configuration, rest)
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.wait()
    wait_until(lambda: len(sessions(configuration)) == 1, seconds=5)
    program.stdout.close()
    keeper.close()


def test_a_forked_child_gets_an_error_and_the_parent_goes_on(connection: Connection) -> None:
    region = connection.reserve(1000)
    region.array[:] = 3
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            connection.submit(batches.sync())
            answer = "no error"
        except ServerError as error:
            answer = f"{error}; sum {region.array.sum()}"
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert "parent" in answer
    assert answer.endswith("sum 3000")
    assert connection.submit(batches.sync()).status == pb.OK


def test_a_client_that_exits_leaves_nothing(
    connection: Connection, configuration: Configuration
) -> None:
    program = client(configuration, "print('done')")
    assert program.communicate(timeout=30)[0] == "done\n"
    assert program.returncode == 0
    wait_until(lambda: len(sessions(configuration)) == 1, seconds=5)


def test_a_small_dev_shm_falls_back_with_one_warning(
    with_arguments: Callable[..., Configuration], tmp_path: Path
) -> None:
    places = tmp_path / "places"
    places.mkdir()
    configuration = with_arguments("--shared-memory", f"{tmp_path / 'missing'},{places}")
    with open_connection(configuration) as connection:
        with pytest.warns(RuntimeWarning, match="shared memory comes from"):
            region = connection.reserve(8 << 20)
        region.array[:] = 1
        assert connection.submit(batches.placed(1, region.placement)).status == pb.OK
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            connection.reserve(16 << 20)
            connection.submit(batches.sync(2))
        assert list(places.iterdir()) == []


def test_kill_9_of_the_server_leaves_no_file(
    with_arguments: Callable[..., Configuration], tmp_path: Path
) -> None:
    places = tmp_path / "places"
    places.mkdir()
    configuration = with_arguments("--shared-memory", str(places))
    connection = open_connection(configuration)
    connection.reserve(8 << 20)
    # Announced, but the client has not called since: the name is still there.
    assert len(list(places.iterdir())) == 1
    os.kill(connection.address.pid, signal.SIGKILL)
    with pytest.raises(ServerError):
        connection.submit(batches.sync())
    open_connection(configuration).close()
    wait_until(lambda: not list(places.iterdir()))


def shared_bytes(configuration: Configuration) -> int:
    status = _server.status(configuration)
    assert status is not None
    return int(status["shared_memory_bytes"])
