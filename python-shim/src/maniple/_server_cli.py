"""`maniple server`: look after the local server, which otherwise comes and goes by itself.

With options (--listen, --config, …) it becomes a daemon that many users share: `_daemon_cli`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from maniple._errors import ServerError
from maniple._server import Configuration, find, find_or_start, log_tail, status, stop
from maniple._sizes import size_text

_OK = 0
_FAILED = 1
_NOT_RUNNING = 3

_LINE_BYTES = 400


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands to the parser of `maniple server`."""
    commands = parser.add_subparsers(dest="server_command", metavar="COMMAND", required=True)
    show = commands.add_parser(
        "status", help="say whether it runs and what it does; exit status 3 if it does not run"
    )
    show.add_argument("--json", action="store_true", help="print all there is to know, as JSON")
    commands.add_parser(
        "start", help="start it, if it does not run; it leaves when idle for ten minutes"
    )
    commands.add_parser("stop", help="stop it; running programs lose their arrays")
    commands.add_parser("restart", help="stop and start it")
    log = commands.add_parser("log", help="print the end of its log")
    log.add_argument(
        "-n", "--lines", type=int, default=50, metavar="N", help="how many lines (default: 50)"
    )
    log.add_argument("--path", action="store_true", help="print where the log is instead")


def run(arguments: argparse.Namespace, configuration: Configuration | None = None) -> int:
    """Carry out a parsed command; the exit status."""
    configuration = configuration or Configuration.from_environment()
    try:
        match arguments.server_command:
            case "status":
                return _status(configuration, as_json=arguments.json)
            case "start":
                return _start(configuration)
            case "stop":
                return _stop(configuration)
            case "restart":
                _stop(configuration)
                return _start(configuration)
            case "log":
                return _log(configuration, arguments.lines, only_path=arguments.path)
            case unknown:
                raise AssertionError(unknown)
    except ServerError as error:
        print(f"maniple: {error}", file=sys.stderr)
        return _FAILED


def main(argv: Sequence[str] | None = None, configuration: Configuration | None = None) -> int:
    """Parse and carry out the arguments after `maniple server`; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="maniple server",
        description="Looks after the local server, which otherwise comes and goes by itself.",
        epilog="A daemon for many users: 'maniple server --listen HOST:PORT …', 'maniple server "
        "--config DIR', 'maniple server init DIR', 'maniple server new-user FILE NAME', "
        "'maniple server check URL'; their options follow.",
    )
    add_commands(parser)
    first = arguments[0] if arguments else ""
    if first == "check":
        from maniple._daemon_cli import check

        return check(arguments[1:])
    if first in ("-h", "--help"):
        parser.print_help()
        print()
    if first in ("init", "new-user") or first.startswith("-"):
        from maniple._daemon_cli import run as run_daemon

        return run_daemon(arguments)
    return run(parser.parse_args(arguments), configuration)


def _status(configuration: Configuration, *, as_json: bool) -> int:
    found = status(configuration)
    if as_json:
        print(json.dumps({"running": found is not None, **(found or {})}, indent=2))
    elif found is None:
        print("not running")
    else:
        sessions = found["sessions"]
        print(
            f"running: version {found['version']}, process {found['pid']}, "
            f"for {found['uptime_seconds']} s"
        )
        print(
            f"shared memory: {size_text(found['shared_memory_bytes'])} "
            f"of {size_text(found['shared_memory_limit'])}"
        )
        print(f"sessions: {len(sessions)}")
        for session in sessions:
            print(
                f"  process {session['client_pid']}: {session['pending_batches']} batches pending, "
                f"{size_text(session['shared_bytes'])} shared"
            )
        print(f"log: {found['log']}")
    return _OK if found is not None else _NOT_RUNNING


def _start(configuration: Configuration) -> int:
    before = find(configuration)
    if before is not None and status(configuration) is not None:
        print(f"already running: process {before.pid}")
        return _OK
    address = find_or_start(configuration, instead_of=before)
    print(f"started: process {address.pid}")
    return _OK


def _stop(configuration: Configuration) -> int:
    print("stopped" if stop(configuration) else "not running")
    return _OK


def _log(configuration: Configuration, lines: int, *, only_path: bool) -> int:
    if only_path:
        print(configuration.log_file)
        return _OK
    tail = log_tail(configuration.log_file, max(1, lines) * _LINE_BYTES)
    for line in tail.splitlines()[-lines:] if lines > 0 else ():
        print(line)
    return _OK


if __name__ == "__main__":
    sys.exit(main())
