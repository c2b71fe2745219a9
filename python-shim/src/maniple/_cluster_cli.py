"""`maniple cluster`: a Spark cluster on this machine, to try things out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from maniple._cluster import find_spark, find_spark_java
from maniple._cluster_processes import ClusterDirectory, start, status, stop
from maniple._errors import ServerError
from maniple._server import default_runtime_directory

_OK = 0
_FAILED = 1
_NOT_RUNNING = 3
_MOST_WORKERS = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Parse and carry out the arguments after `maniple cluster`; the exit status."""
    arguments = _parser().parse_args(sys.argv[1:] if argv is None else argv)
    chosen = getattr(arguments, "dir", None)
    directory = ClusterDirectory((chosen or default_runtime_directory() / "cluster").absolute())
    try:
        match arguments.command:
            case "start":
                threads = arguments.threads_per_worker or max(
                    1, len(os.sched_getaffinity(0)) // arguments.workers
                )
                memory = arguments.memory_per_worker or ""
                print(start(directory, arguments.workers, threads, memory, arguments.port))
                return _OK
            case "status":
                return _status(directory, as_json=arguments.json)
            case "stop":
                return _stop(directory, as_json=arguments.json)
            case "where":
                print(find_spark(), find_spark_java(), sep="\n")
                return _OK
            case unknown:
                raise AssertionError(unknown)
    except ServerError as error:
        print(f"maniple cluster: {error}", file=sys.stderr)
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="maniple cluster",
        description="A Spark cluster on this machine, to try things out: a master and workers as "
        "processes of their own, on loopback addresses of their own.",
        epilog="Then: maniple server --master URL --config DIR … runs a daemon on it.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    begin = commands.add_parser(
        "start",
        help="start it, and print its master's URL when it is ready",
        description="Starts a master and workers, and prints the master's URL when they are ready. "
        "They run until `maniple cluster stop`.",
    )
    begin.add_argument(
        "--workers", type=_workers, default=2, metavar="N", help="how many (default: 2)"
    )
    begin.add_argument(
        "--threads-per-worker",
        type=_positive,
        metavar="T",
        help="cores of each (default: this machine's processors, shared out)",
    )
    begin.add_argument(
        "--memory-per-worker",
        type=_size,
        metavar="SIZE",
        help="memory for arrays of each, such as 512m or 8g (default: this machine's, shared out)",
    )
    begin.add_argument(
        "--port", type=_port, default=0, metavar="PORT", help="the master's (default: a free one)"
    )
    show = commands.add_parser(
        "status", help="say whether it runs and what it does; exit status 3 if it does not run"
    )
    end = commands.add_parser(
        "stop", help="stop it and all that runs on it; exit status 3 if it does not run"
    )
    commands.add_parser(
        "where", help="print Spark's directory and the java command for it, a line each"
    )
    for command in (begin, show, end):
        command.add_argument(
            "--dir",
            type=Path,
            metavar="DIR",
            help="where its logs and its secret are (default: cluster, in the runtime directory); "
            "each directory has a cluster of its own",
        )
    for command in (show, end):
        command.add_argument("--json", action="store_true", help="print it as JSON")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _workers(text: str) -> int:
    if _positive(text) > _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"at most {_MOST_WORKERS} workers, not {text}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def _size(text: str) -> str:
    if not text[:-1].isdecimal() or text[-1:].lower() not in tuple("kmgt"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512m or 8g")
    return text


def _status(directory: ClusterDirectory, *, as_json: bool) -> int:
    found = status(directory)
    running = found is not None
    if as_json:
        print(json.dumps({"running": running, **(found or {})}, indent=2))
    elif found is None:
        print("not running")
    else:
        print(f"running: {found['url']}")
        print(
            f"workers: {found['workers_alive']} of {found['workers']}, of {found['threads']} "
            f"{'core' if found['threads'] == 1 else 'cores'} each; {found['cores_used']} of "
            f"{found['cores']} cores in use"
        )
        for application in found["applications"]:
            print(f"  {application['name']}: {application['cores']} cores")
        for worker in found["ended"]:
            print(f"{worker['name']} has ended; see {worker['log']}")
        print(f"Spark's page: {found['web']}")
        print(f"logs: {found['logs']}")
    return _OK if running else _NOT_RUNNING


def _stop(directory: ClusterDirectory, *, as_json: bool) -> int:
    stopped = stop(directory)
    if as_json:
        print(json.dumps({"stopped": stopped}))
    elif not stopped:
        print("not running")
    return _OK if stopped else _NOT_RUNNING
