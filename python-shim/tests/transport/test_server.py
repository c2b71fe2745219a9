"""The server's life: start, discovery, races, idling, and the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from maniple import _server, _server_cli
from maniple._errors import ServerError
from maniple._server import Configuration
from maniple._transport import Connection, open_connection

from . import batches
from .conftest import servers_of, wait_until
from .test_connection import client


def cli(configuration: Configuration, *arguments: str) -> int:
    return _server_cli.main(arguments, configuration)


def test_files_are_the_users_own(connection: Connection, configuration: Configuration) -> None:
    assert stat.S_IMODE(configuration.runtime_directory.stat().st_mode) == 0o700
    for file in configuration.runtime_directory.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    content = json.loads(configuration.discovery_file.read_text())
    assert set(content) == {"pid", "port", "token", "version", "started", "log"}
    assert len(content["token"]) == 64


def test_the_token_is_nowhere_else(connection: Connection, configuration: Configuration) -> None:
    token = connection.address.token
    process = Path(f"/proc/{connection.address.pid}")
    assert token.encode() not in (process / "cmdline").read_bytes()
    assert token.encode() not in (process / "environ").read_bytes()
    assert token not in configuration.log_file.read_text()
    assert token not in repr(connection.address)


def test_two_programs_that_start_at_once_share_a_server(configuration: Configuration) -> None:
    programs = [
        client(configuration, "print(connection.address.pid); time.sleep(0.5)") for _ in range(3)
    ]
    answers = [program.communicate(timeout=60)[0] for program in programs]
    assert len(set(answers)) == 1
    assert answers[0].strip().isdigit()
    assert len(servers_of(configuration.runtime_directory)) == 1


def test_threads_that_start_at_once_share_a_server(configuration: Configuration) -> None:
    pids: list[int] = []
    threads = [
        threading.Thread(target=lambda: pids.append(_server.find_or_start(configuration).pid))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3
    assert len(set(pids)) == 1


def write_discovery(configuration: Configuration, **changes: object) -> None:
    content: dict[str, object] = {
        "pid": os.getpid(),
        "port": 1,
        "token": "0" * 64,
        "version": configuration.version,
        "started": "",
        "log": "",
    }
    configuration.runtime_directory.mkdir(mode=0o700, exist_ok=True)
    configuration.discovery_file.write_text(json.dumps(content | changes))
    configuration.discovery_file.chmod(0o600)


@pytest.mark.parametrize(
    "changes", [{"pid": 2**22 + 1}, {"port": 1}, {"version": "9.9"}, {"pid": "x"}, {"token": None}]
)
def test_a_stale_discovery_file_is_replaced(
    configuration: Configuration, changes: dict[str, object]
) -> None:
    write_discovery(configuration, **changes)
    with open_connection(configuration) as connection:
        assert connection.submit(batches.sync()).status == 0
    content = json.loads(configuration.discovery_file.read_text())
    assert content["pid"] == connection.address.pid


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00\xff"])
def test_a_damaged_discovery_file_is_replaced(configuration: Configuration, text: str) -> None:
    write_discovery(configuration)
    configuration.discovery_file.write_text(text)
    open_connection(configuration).close()


def test_a_port_that_is_somebody_elses_by_now(configuration: Configuration) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        def answer() -> None:
            accepted, _ = other.accept()
            with accepted:
                accepted.recv(1000)
                accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        write_discovery(configuration, port=other.getsockname()[1])
        open_connection(configuration).close()
        thread.join()


def test_the_wrong_token_is_refused_and_replaced(
    connection: Connection, configuration: Configuration
) -> None:
    content = json.loads(configuration.discovery_file.read_text())
    write_discovery(configuration, **(content | {"token": "f" * 64}))
    with open_connection(configuration) as other:
        assert other.address.pid != connection.address.pid
    assert connection.submit(batches.sync()).status == 0
    _server.stop(configuration)
    os.kill(connection.address.pid, signal.SIGTERM)
    wait_until(lambda: len(servers_of(configuration.runtime_directory)) == 0)


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o666])
def test_a_discovery_file_open_to_others_is_refused(
    configuration: Configuration, mode: int
) -> None:
    write_discovery(configuration)
    configuration.discovery_file.chmod(mode)
    with pytest.raises(ServerError, match="open to other users"):
        open_connection(configuration)
    configuration.discovery_file.unlink()


def test_a_directory_open_to_others_is_refused(configuration: Configuration) -> None:
    configuration.runtime_directory.mkdir(mode=0o755)
    configuration.runtime_directory.chmod(0o755)
    with pytest.raises(ServerError, match="open to other users"):
        open_connection(configuration)
    configuration.runtime_directory.chmod(0o700)


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_files_of_another_user_are_refused(configuration: Configuration) -> None:
    write_discovery(configuration)
    os.chown(configuration.discovery_file, 12345, 12345)
    with pytest.raises(ServerError, match="another user"):
        open_connection(configuration)
    os.chown(configuration.runtime_directory, 12345, 12345)
    with pytest.raises(ServerError, match="another user"):
        open_connection(configuration)
    os.chown(configuration.runtime_directory, 0, 0)
    os.chown(configuration.discovery_file, 0, 0)


def test_symbolic_links_are_refused(configuration: Configuration, tmp_path: Path) -> None:
    write_discovery(configuration)
    configuration.discovery_file.rename(tmp_path / "elsewhere")
    configuration.discovery_file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ServerError, match="cannot read"):
        open_connection(configuration)
    configuration.discovery_file.unlink()


def test_a_failed_start_shows_the_end_of_the_log(
    with_arguments: Callable[..., Configuration],
) -> None:
    with pytest.raises(
        ServerError, match=r"(?s)exit status 2.*engine must be one of auto, avx2, portable"
    ) as caught:
        open_connection(with_arguments("--engine", "quantum"))
    assert ".log" in str(caught.value)


def test_no_java(configuration: Configuration, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="cannot run"):
        open_connection(replace(configuration, java=tmp_path / "no-java"))


def test_a_missing_java_home_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MANIPLE_JAVA_HOME", str(tmp_path))
    with pytest.raises(ServerError, match="MANIPLE_JAVA_HOME"):
        _server.find_java()


def test_missing_jars_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MANIPLE_JARS", str(tmp_path))
    with pytest.raises(ServerError, match=str(tmp_path)):
        _server.find_class_path()


def test_the_runtime_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MANIPLE_RUNTIME_DIR", "/chosen")
    assert _server.default_runtime_directory() == Path("/chosen")
    monkeypatch.delenv("MANIPLE_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert _server.default_runtime_directory() == tmp_path / "maniple"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    assert _server.default_runtime_directory().name == f"maniple-{os.getuid()}"


def test_the_environment_reaches_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MANIPLE_THREADS", "3")
    monkeypatch.setenv("MANIPLE_IDLE", "5")
    monkeypatch.setenv("MANIPLE_BLAS", "/a/blas.so")
    assert Configuration.from_environment().arguments == (
        "--idle",
        "5",
        "--threads",
        "3",
        "--blas",
        "/a/blas.so",
    )


def test_numpys_own_blas_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MANIPLE_BLAS", raising=False)
    arguments = Configuration.from_environment().arguments
    assert "libscipy_openblas64_" in arguments[arguments.index("--blas") + 1]


def test_the_users_java_options_do_not_reach_it(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1k")
    open_connection(configuration).close()


def test_it_leaves_when_idle(with_arguments: Callable[..., Configuration]) -> None:
    configuration = with_arguments("--idle", "0.5")
    with open_connection(configuration) as connection:
        time.sleep(1)
        assert connection.submit(batches.sync()).status == 0
    wait_until(lambda: not servers_of(configuration.runtime_directory), seconds=10)
    assert not configuration.discovery_file.exists()
    with open_connection(configuration) as again:
        assert again.address.pid != connection.address.pid


def test_sigterm_ends_it_cleanly(connection: Connection, configuration: Configuration) -> None:
    os.kill(connection.address.pid, signal.SIGTERM)
    wait_until(lambda: not servers_of(configuration.runtime_directory), seconds=10)
    assert not configuration.discovery_file.exists()
    assert "Stopped" in configuration.log_file.read_text()
    with pytest.raises(ServerError):
        connection.submit(batches.sync())


def test_it_outlives_the_program_that_started_it(configuration: Configuration) -> None:
    program = client(configuration, "print(connection.address.pid)")
    pid = int(program.communicate(timeout=60)[0])
    assert servers_of(configuration.runtime_directory) == [pid]
    assert os.getsid(pid) == pid


def test_control_c_in_the_terminal_does_not_reach_it(connection: Connection) -> None:
    assert os.getpgid(connection.address.pid) != os.getpgrp()


def test_a_long_log_is_set_aside(configuration: Configuration) -> None:
    configuration.runtime_directory.mkdir(mode=0o700)
    with configuration.log_file.open("wb") as log:
        log.truncate((10 << 20) + 1)
    open_connection(configuration).close()
    assert configuration.log_file.stat().st_size < 1 << 20
    assert configuration.log_file.with_suffix(".log.1").exists()


def test_the_command_line(configuration: Configuration, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(configuration, "status") == 3
    assert cli(configuration, "status", "--json") == 3
    assert json.loads(capsys.readouterr().out.partition("\n")[2]) == {"running": False}
    assert cli(configuration, "start") == 0
    assert cli(configuration, "start") == 0
    assert "already running" in capsys.readouterr().out
    with open_connection(configuration) as connection:
        connection.reserve(1000)
        assert cli(configuration, "status") == 0
        shown = capsys.readouterr().out
        assert f"process {os.getpid()}" in shown
        assert "MiB of 1 GiB" in shown
        assert cli(configuration, "status", "--json") == 0
        assert json.loads(capsys.readouterr().out)["running"] is True
    assert cli(configuration, "restart") == 0
    wait_until(lambda: "ready on port" in configuration.log_file.read_text())
    capsys.readouterr()
    assert cli(configuration, "log", "-n", "1") == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert cli(configuration, "log", "--path") == 0
    assert capsys.readouterr().out.strip() == str(configuration.log_file)
    assert cli(configuration, "stop") == 0
    assert cli(configuration, "stop") == 0
    assert capsys.readouterr().out == "stopped\nnot running\n"


def test_errors_of_the_command_line(
    with_arguments: Callable[..., Configuration], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(with_arguments("--threads", "0"), "start") == 1
    assert "threads must be" in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        cli(with_arguments(), "dance")
    assert usage.value.code == 2
    assert cli(with_arguments(), "--help") == 0
    assert "restart" in capsys.readouterr().out


def test_importing_the_transport_imports_no_py4j() -> None:
    source = Path(_server.__file__).parents[1]
    code = (
        f"import sys; sys.path.insert(0, {str(source)!r}); "
        "import maniple._transport; print('py4j' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
