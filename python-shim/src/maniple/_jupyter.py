"""Maniple in notebooks: magics, and a kernel in which every notebook runs under it."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from maniple._errors import ManipleError
from maniple._sizes import size_text

_HELP = """\
%maniple status            where arrays are computed, and what there is of them
%maniple connect URL       from here on use the daemon at URL (maniple://host:port)
%maniple disconnect        from here on use this machine's own server
%maniple timeline FILE     from here on note when each kernel runs
%maniple timeline          end that, and write the file, for ui.perfetto.dev
%%maniple_profile          run the cell; show what was deferred and what NumPy computed
%%maniple_explain          run the cell; show what its kernels do
"""

_INSTALL_HELP = """\
usage: maniple jupyter install [--connect URL] [--name NAME] [--sys-prefix | --prefix DIR]
       maniple jupyter uninstall [--name NAME]

Adds a kernel to Jupyter in which `import numpy` means Maniple, in every cell.

options:
  --connect URL   compute at the daemon at maniple://host:port; the token is read, when a kernel
                  starts, from MANIPLE_TOKEN or MANIPLE_TOKEN_FILE, which are not copied
  --name NAME     of the kernel (default: maniple)
  --sys-prefix    for this Python environment only (default: for the user)
  --prefix DIR    below DIR/share/jupyter
"""


def register(ipython: Any) -> None:
    """Add the magics to a running IPython, and what it shows of large arrays."""
    import numpy

    from maniple._printing import rich

    # IPython asks for `__class__`, which is NumPy's; of NumPy's own arrays `rich` says nothing.
    ipython.display_formatter.formatters["text/html"].for_type(numpy.ndarray, rich)
    ipython.register_magic_function(_maniple, "line", "maniple")
    ipython.register_magic_function(
        lambda line, cell: _profile(ipython, cell), "cell", "maniple_profile"
    )
    ipython.register_magic_function(
        lambda line, cell: _explain(ipython, cell), "cell", "maniple_explain"
    )


def _maniple(line: str) -> None:
    words = shlex.split(line)
    try:
        match words:
            case ["connect", url]:
                from maniple import connect

                connect(url)
                print(_status())
            case ["disconnect"]:
                from maniple import connect

                connect("")
                print(_status())
            case ["status"]:
                print(_status())
            case ["timeline"] | ["timeline", _]:
                print(_timeline("".join(words[1:])))
            case _:
                print(_HELP, end="")
    except ManipleError as error:
        print(f"maniple: {error}", file=sys.stderr)


_file = ""
"""What the timeline that is being recorded is to be written to."""


def _timeline(file: str) -> str:
    """Begin to record a timeline, or end that and write it; what there is to say."""
    from maniple import _profile as profile
    from maniple import _timeline as timeline
    from maniple import flush
    from maniple._recorder import stream

    global _file
    if timeline.active:
        file = os.path.abspath(file) if file else _file
        if not file:
            raise ManipleError("say where to write it: %maniple timeline FILE")
        _check_writable(file)
        flush()
        profile.stop()
        timeline.write(file)
        _file = ""
        os.environ.pop("MANIPLE_TIMELINE", None)
        return f"written: {file}"
    if not file:
        raise ManipleError("nothing is recorded: %maniple timeline FILE begins")
    file = os.path.abspath(file)
    _check_writable(file)
    flush()
    os.environ["MANIPLE_TIMELINE"] = "1"
    timeline.start()
    backend = stream.started_backend
    if backend is not None and not timeline.begin_at(backend):
        # Timelines with all there is to know are kept by sessions that were opened for that.
        stream.change_backend()
    profile.start()
    _file = file
    return f"recording; '%maniple timeline' ends it and writes {file}"


def _check_writable(file: str) -> None:
    from maniple._timeline import writable

    problem = writable(file)
    if problem:
        raise ManipleError(f"cannot write {file}: {problem}")


def _status() -> str:
    """Return a few lines on where arrays are computed."""
    from maniple._address import url_of_environment
    from maniple._recorder import stream

    url = url_of_environment()
    backend = stream.started_backend
    lines = [f"computed by {'the daemon at ' + url if url else 'a server of this machine'}"]
    if backend is None:
        return f"{lines[0]}; not connected yet"
    act = getattr(getattr(backend, "channel", None), "act", None)
    if act is not None:
        answer = json.loads(act("status"))
        own = [s for s in answer["sessions"] if backend.channel.session.startswith(s["id"])]  # type: ignore[attr-defined]
        lines.append(
            f"version {answer['version']}, {answer['threads']} threads, "
            f"{size_text(answer['memory_used'])} of {size_text(answer['memory_limit'])} in use"
        )
        lines += [
            f"this session: {size_text(s['memory_bytes'])} of {size_text(s['memory_limit'])}"
            for s in own
        ]
    there = stream.private_buffers()
    lines.append(f"arrays there: {len(there)}, {size_text(sum(x.nbytes for x in there))}")
    return "\n".join(lines)


def _profile(ipython: Any, cell: str) -> None:
    from maniple import _profile as profile
    from maniple import _timeline as timeline
    from maniple import flush

    profile.start()
    try:
        ipython.run_cell(cell)
        flush()
    finally:
        profile.stop()
        report = io.StringIO()
        with redirect_stderr(report):
            profile.print_report()
        print(report.getvalue())
        if timeline.active:
            # It shows what NumPy computes, too.
            profile.start()


def _explain(ipython: Any, cell: str) -> None:
    from maniple import flush
    from maniple._recorder import stream

    backend = stream.started_backend
    before = getattr(backend, "explain", str)()
    if os.environ.get("MANIPLE_EXPLAIN", "") in ("", "0"):
        # Descriptions are kept by sessions that were opened for that.
        os.environ["MANIPLE_EXPLAIN"] = "1"
        stream.change_backend()
        before = ""
    ipython.run_cell(cell)
    flush()
    text = getattr(stream.started_backend, "explain", str)()
    print(text.removeprefix(before) or "nothing was deferred, so there is no kernel to explain")


# -- the kernel --------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """`maniple jupyter`: install or remove the kernel; the exit status."""
    words = list(arguments)
    if not words or "-h" in words or "--help" in words:
        print(_INSTALL_HELP, end="")
        return 0 if words else 2
    command = words.pop(0)
    options = {"--connect": "", "--name": "maniple", "--prefix": ""}
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if word == "--sys-prefix":
            options["--prefix"] = sys.prefix
        elif name in options and (value or words):
            options[name] = value or words.pop(0)
        else:
            return _wrong(f"unknown option {word}" if name not in options else f"{name} of what?")
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return _wrong("Jupyter is not installed here: pip install jupyterlab ipykernel", status=1)
    manager = KernelSpecManager()
    if command == "uninstall":
        try:
            manager.remove_kernel_spec(options["--name"])
        except NoSuchKernel:
            return _wrong(f"there is no kernel {options['--name']}", status=1)
        return 0
    if command != "install":
        return _wrong(f"unknown command {command}")
    if options["--connect"]:
        from maniple._address import parse_url

        try:
            parse_url(options["--connect"])
        except ManipleError as error:
            return _wrong(str(error))
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "kernel.json"
        spec.write_text(json.dumps(_specification(options["--connect"]), indent=1))
        prefix = options["--prefix"] or None
        try:
            place = manager.install_kernel_spec(
                folder, options["--name"], user=prefix is None, prefix=prefix
            )
        except (OSError, ValueError) as error:
            return _wrong(f"cannot install the kernel: {error}", status=1)
    print(f"installed: {place}")
    if shutil.which("jupyter") is None:
        print("(jupyter itself is not on the path)")
    return 0


def _specification(url: str) -> dict[str, Any]:
    environment = {"MANIPLE_URL": url} if url else {}
    for name in ("MANIPLE_CA", "MANIPLE_JARS", "MANIPLE_JAVA_HOME"):
        if os.environ.get(name):
            environment[name] = os.environ[name]
    return {
        "argv": [
            sys.executable,
            "-m",
            "maniple",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            # Its magics, and what is shown of large arrays.
            "--InteractiveShellApp.extra_extensions=maniple",
        ],
        "display_name": "Python (Maniple)" if not url else f"Python (Maniple at {url})",
        "language": "python",
        "interrupt_mode": "signal",
        "env": environment,
    }


def _wrong(message: str, status: int = 2) -> int:
    print(f"maniple jupyter: {message}", file=sys.stderr)
    return status
