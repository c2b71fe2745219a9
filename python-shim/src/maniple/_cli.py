"""The command ``maniple``: runs a script with `import numpy` meaning Maniple."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import CodeType, ModuleType, TracebackType
from typing import Any

_HELP = """\
usage: maniple [options] script.py [arguments]
       maniple [options] -m module [arguments]
       maniple [options] -c command [arguments]
       maniple [options] - [arguments]           read the program from standard input
       maniple server [options]                  run a daemon, look after the local server;
                                                 see `maniple server --help`
       maniple cluster start|status|stop|where   a Spark cluster on this machine, to try out
                                                 `maniple server --master`; see --help
       maniple jupyter [options]                 add a kernel to Jupyter; see --help

Runs a NumPy program unmodified: `import numpy` in the program's own modules means Maniple;
installed libraries keep NumPy.

options:
  --profile            print what was deferred and what NumPy computed, by function and line
  --profile-json FILE  write the same as JSON
  --timeline FILE      write when each kernel ran, with file and line, for ui.perfetto.dev
                       and chrome://tracing
  --explain            keep descriptions of the kernels and print them at the end
  --connect URL        use the daemon at maniple://host:port (or maniple+insecure:// on
                       loopback) instead of this machine's own server
  --version            print the versions and exit
  --help               print this and exit

environment:
  MANIPLE_URL          the daemon to use, as --connect
  MANIPLE_TOKEN        the token it wants; or MANIPLE_TOKEN_FILE, a file of mode 0600
  MANIPLE_CA           certificates (PEM) to trust, where the system's are not the ones
  MANIPLE_COMPRESSION  "lz4" or "zstd": how large arrays travel to a daemon and back, if it does
                       that ("off")
  MANIPLE_BACKEND      "server" (default), "reference" or "none"
  MANIPLE_INCLUDE      patterns of module names that count as the program's own
  MANIPLE_EXCLUDE      patterns of module names that keep NumPy
  MANIPLE_SMALL        arrays of fewer elements are NumPy's (1000)
  MANIPLE_DEFER        operations on fewer elements are computed at once (32768)
  MANIPLE_DEVICE       "auto" (default: a GPU where that is sooner), "gpu" or "cpu"
  MANIPLE_GPU_MEMORY   most of the GPU's memory to use, such as 8g (90 % of what is free)
  MANIPLE_GPU_EMULATE  1: a GPU emulated on the processor, for tests
  MANIPLE_HOST         the same in programs that look at results all the time (1048576)
"""


class _Options:
    def __init__(self) -> None:
        self.profile = False
        self.profile_json = ""
        self.timeline = ""


class _UsageError(Exception):
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] == "server":
        from maniple._server_cli import main as server_main

        status: int = server_main(arguments[1:])
        return status
    if arguments and arguments[0] == "cluster":
        from maniple._cluster_cli import main as cluster_main

        return cluster_main(arguments[1:])
    if arguments and arguments[0] == "jupyter":
        from maniple._jupyter import main as jupyter_main

        return jupyter_main(arguments[1:])
    options = _Options()
    try:
        run = _parse(arguments, options)
    except _UsageError as error:
        print(f"maniple: {error}\n\n{_HELP}", end="", file=sys.stderr)
        return 2
    return 0 if run is None else _run(run, options)


def _parse(arguments: list[str], options: _Options) -> Callable[[], None] | None:
    """Consume Maniple's options; return what runs the program."""
    while arguments:
        argument = arguments[0]
        name, _, value = argument.partition("=")
        if argument in ("-h", "--help"):
            print(_HELP, end="")
            return None
        if argument in ("-V", "--version"):
            _print_version()
            return None
        if argument == "-m":
            module = _operand(arguments)
            return lambda: _run_module(module, arguments)
        if argument == "-c":
            command = _operand(arguments)
            return lambda: _run_command(command, arguments)
        if argument == "-" or not argument.startswith("-"):
            del arguments[0]
            return lambda: _run_file(argument, arguments)
        if argument == "--profile":
            options.profile = True
            os.environ["MANIPLE_PROFILE"] = "1"
        elif name == "--profile-json":
            options.profile_json = value or _operand(arguments)
            os.environ["MANIPLE_PROFILE"] = "1"
            if not value:
                continue
        elif name == "--timeline":
            options.timeline = value or _operand(arguments)
            os.environ["MANIPLE_TIMELINE"] = "1"
            if not value:
                continue
        elif argument == "--explain":
            os.environ["MANIPLE_EXPLAIN"] = "1"
        elif name == "--connect":
            os.environ["MANIPLE_URL"] = value or _operand(arguments)
            if not value:
                continue
        elif argument == "--":
            del arguments[0]
            if not arguments:
                break
            script = arguments.pop(0)
            return lambda: _run_file(script, arguments)
        else:
            raise _UsageError(f"unknown option {argument}")
        del arguments[0]
    raise _UsageError("no program given")


def _operand(arguments: list[str]) -> str:
    option = arguments.pop(0)
    if not arguments:
        raise _UsageError(f"{option} needs an operand")
    return arguments.pop(0)


def _print_version() -> None:
    import numpy

    import maniple

    print(f"maniple {maniple.__maniple_version__} (numpy {numpy.__version__}, python "
          f"{sys.version.split()[0]})")  # fmt: skip


def _run(run: Callable[[], None], options: _Options) -> int:
    from maniple import _hook, _profile, _timeline, flush

    if options.timeline:
        problem = _timeline.writable(options.timeline)
        if problem:
            print(f"maniple: cannot write {options.timeline}: {problem}", file=sys.stderr)
            return 2
        _timeline.start()
    if os.environ.get("MANIPLE_URL") and not _connected():
        return 1
    _hook.install()
    if options.profile or options.profile_json or options.timeline:
        _profile.start()
    try:
        run()
        flush()
        return 0
    except SystemExit:
        raise
    except BaseException as error:
        traceback = _users_part(error.__traceback__)
        error.__traceback__ = traceback
        sys.excepthook(type(error), error, traceback)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        if os.environ.get("MANIPLE_EXPLAIN", "") not in ("", "0"):
            _print_explanation()
        if options.timeline:
            _timeline.write(options.timeline)
        if _profile.active:
            _profile.stop()
            if options.profile_json:
                _profile.write_json(options.profile_json)
            if options.profile:
                _profile.print_report()


def _connected() -> bool:
    """Whether the daemon that was named lets us in; says why not."""
    from maniple._errors import ServerError
    from maniple._recorder import stream

    try:
        return stream.operations is not None
    except ServerError as error:
        print(f"maniple: {error}", file=sys.stderr)
        return False


def _print_explanation() -> None:
    from maniple._recorder import stream

    explain = getattr(stream.started_backend, "explain", None)
    text = explain() if explain is not None else ""
    print(
        text or "Maniple: nothing was deferred, so there is no kernel to explain\n",
        file=sys.stderr,
        end="",
    )


def _users_part(traceback: TracebackType | None) -> TracebackType | None:
    """Drop the launcher's frames from the outer end of a traceback."""
    first = traceback
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file != __file__ and not file.startswith("<frozen") and not file.endswith("runpy.py"):
            return traceback
        traceback = traceback.tb_next
    return first


def _new_main(file: str | None) -> dict[str, Any]:
    module = ModuleType("__main__")
    scope = module.__dict__
    scope["__builtins__"] = __builtins__
    scope["__spec__"] = None
    scope["__annotations__"] = {}
    if file is not None:
        scope["__file__"] = file
        scope["__cached__"] = None
    # The program's module replaces the launcher's, which must stay alive: it is running.
    sys.modules["__maniple_main__"] = sys.modules["__main__"]
    sys.modules["__main__"] = module
    return scope


def _run_file(file: str, arguments: list[str]) -> None:
    sys.argv = [file, *arguments]
    if file == "-":
        sys.path[0:1] = [""]
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), _new_main(None))
        return
    if os.path.isdir(file) or file.endswith((".zip", ".pyz")):
        import runpy

        runpy.run_path(file, run_name="__main__")
        return
    code = _compile(file)
    sys.path[0:1] = [os.path.dirname(os.path.realpath(file))]
    exec(code, _new_main(file))


def _compile(file: str) -> CodeType:
    try:
        with open(file, "rb") as source:
            text = source.read()
    except OSError as error:
        print(f"maniple: can't open file {file!r}: [Errno {error.errno}] {error.strerror}",
              file=sys.stderr)  # fmt: skip
        raise SystemExit(2) from None
    return compile(text, file, "exec", dont_inherit=True)


def _run_command(command: str, arguments: list[str]) -> None:
    sys.argv = ["-c", *arguments]
    sys.path[0:1] = [""]
    exec(compile(command, "<string>", "exec", dont_inherit=True), _new_main(None))


def _run_module(module: str, arguments: list[str]) -> None:
    import runpy

    sys.argv = ["-m", *arguments]
    sys.path[0:1] = [os.getcwd()]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
