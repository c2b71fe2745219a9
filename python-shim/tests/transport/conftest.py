"""Servers for the tests of the transport: real processes, whose sessions give back what they were
given.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from maniple import _server
from maniple._errors import ServerError
from maniple._server import Configuration
from maniple._transport import Connection, open_connection

REPOSITORY = Path(__file__).resolve().parents[3]
ECHO_CLASSES = REPOSITORY / "server/target/test-classes"


def wait_until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for something another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def class_path() -> str:
    if not (ECHO_CLASSES / "io/maniple/server/EchoServerMain.class").exists():
        pytest.skip("the server's test classes are not built")
    try:
        return f"{ECHO_CLASSES}:{_server.find_class_path()}"
    except ServerError as error:
        pytest.skip(str(error))


@pytest.fixture
def configuration(tmp_path: Path, class_path: str) -> Iterator[Configuration]:
    """A runtime directory of the test's own; its server does not survive the test, nor does
    anything it made.
    """
    runtime = tmp_path / "run"
    configuration = Configuration(
        runtime,
        class_path=class_path,
        main_class="io.maniple.server.EchoServerMain",
        arguments=("--idle", "60", "--memory", "1g"),
    )
    yield configuration
    with suppress(ServerError):
        _server.stop(configuration)
    left = servers_of(runtime)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "an orphaned server"
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def connection(configuration: Configuration) -> Iterator[Connection]:
    connection = open_connection(configuration)
    yield connection
    connection.close()


@pytest.fixture
def with_arguments(configuration: Configuration) -> Callable[..., Configuration]:
    """The configuration with further arguments of the server; the later of two wins."""
    return lambda *arguments: replace(
        configuration, arguments=(*configuration.arguments, *arguments)
    )


def servers_of(runtime: Path) -> list[int]:
    """The process ids of servers that announce, or announced, themselves in a directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                command = (process / "cmdline").read_bytes()
                if b"\0--discovery\0" + str(runtime).encode() in command:
                    found.append(int(process.name))
    return found
