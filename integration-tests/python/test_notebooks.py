"""Real notebooks, executed by Jupyter's own client: with this machine's server, with a daemon, in Maniple's kernel."""

import os
import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import nbformat
import pytest
import traces
from daemons import Daemon, daemon, maniple
from nbclient import NotebookClient


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def execute(book: nbformat.NotebookNode, kernel: str = "python3") -> list[str]:
    """Execute all cells; the text that each one shows."""
    NotebookClient(book, timeout=120, kernel_name=kernel).execute()
    return [shown(cell) for cell in book.cells]


def shown(cell: nbformat.NotebookNode) -> str:
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(parts)


CELLS = (
    "import numpy as np\nrng = np.random.default_rng(5)\na = rng.random((800, 500))",
    "b = np.sqrt(a * a + 1).cumsum(axis=0)\nb[:2, :3]",
    "print(f'{b.mean():.10f} {b.std(axis=0).max():.10f}')",
    "a[a > 0.5] = 0\nround(float(a.sum()), 6), type(a).__name__, isinstance(a, np.ndarray)",
)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Jupyter of the test's own."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PATH", "")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MANIPLE_BACKEND", "server")
    return tmp_path / "jupyter/kernels"


def use(monkeypatch: pytest.MonkeyPatch, running: Daemon) -> None:
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)


def test_the_extension_and_its_magics(kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = execute(notebook(*CELLS))
    ours = execute(notebook("%load_ext maniple", *CELLS, "type(a).__mro__[0].__module__, hasattr(a, '_buf')"))
    assert ours[1 : len(plain) + 1] == plain
    assert "True" in ours[-1]
    with daemon(tmp_path / "trial") as running:
        use(monkeypatch, running)
        monkeypatch.delenv("MANIPLE_URL")
        texts = execute(
            notebook(
                "%load_ext maniple",
                *CELLS[:2],
                "%maniple status",
                f"%maniple connect {running.url}",
                *CELLS[2:],
                "%maniple status",
                "%%maniple_profile\nc = np.ones(2_000_000) * 2\nprint(c.sum())",
                "%%maniple_explain\nc = np.sqrt(np.ones(2_000_000) * 3)\nfloat(c[0])",
                "%maniple disconnect",
                "print(float(a.sum()) == float(c.sum()) * 0 + float(a.sum()))",
                "np.ones((1000, 1000)) + 1",
                "%maniple connect http://wrong",
                "%maniple",
            )
        )
        assert texts[1:3] == plain[:2]
        assert "a server of this machine" in texts[3]
        assert running.url in texts[4]
        assert texts[5:7] == plain[2:], "arrays went with the program"
        assert "this session:" in texts[7]
        assert "4000000.0" in texts[8]
        assert "multiply" in texts[8]
        assert "sqrt" in texts[9]
        assert "a server of this machine" in texts[10]
        assert texts[11] == "True\n"
        assert "2., 2., 2." in texts[12]
        assert "a daemon's URL is" in texts[13]
        assert "%maniple connect URL" in texts[14]


@pytest.mark.parametrize("where", ["here", "daemon"])
def test_a_timeline_of_some_cells(where: str, kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ran between two lines is in the file, what ran before and after them is not; a second one is its own."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    with daemon(tmp_path / "trial") if where == "daemon" else nullcontext() as running:
        if running is not None:
            use(monkeypatch, running)
        texts = execute(
            notebook(
                "%load_ext maniple",
                "import numpy as np\na = np.random.default_rng(3).random((1000, 400))",
                "float(np.sin(a).sum()) > 0",
                "%maniple timeline",
                f"%maniple timeline {tmp_path}/nowhere/file.json",
                f"%maniple timeline {first}",
                "b = np.sqrt(a * a + 1)\nfloat(b.sum()) > 0",
                "%%maniple_profile\nc = np.log(a + 2)\nfloat(c.sum())",
                "int(np.gcd(np.arange(100_000), 12).sum())",
                "%maniple timeline",
                "float(np.cos(a).sum()) > 0",
                f"%maniple timeline {second}",
                "float(np.exp(a).sum()) > 0",
                "%maniple timeline",
                "%maniple timeline",
                "float((a * 2).sum()) == 2 * float(a.sum())",
            )
        )
    assert "nothing is recorded: %maniple timeline FILE begins" in texts[3]
    assert "cannot write" in texts[4]
    assert texts[5] == f"recording; '%maniple timeline' ends it and writes {first}\n"
    assert "log" in texts[7]
    assert texts[9] == f"written: {first}\n"
    assert texts[13] == f"written: {second}\n"
    assert "nothing is recorded" in texts[14]
    assert texts[15] == "True"
    events = traces.read(first)
    names = " ".join(kernel["name"] for kernel in traces.of(events, "kernel", "cascade", "routine"))
    assert "sqrt" in names
    assert "log" in names
    assert "sin" not in names
    assert "cos" not in names
    assert all(event["ts"] >= 0 for event in traces.of(events, "kernel", "batch")), "from the line on"
    (gcd,) = [event for event in traces.of(events, "fallback") if event["name"] == "gcd"]
    assert gcd["args"]["elements"] == 100_000
    again = traces.read(second)
    names = " ".join(kernel["name"] for kernel in traces.of(again, "kernel", "cascade", "routine"))
    assert "exp" in names
    assert not {"sqrt", "log", "cos"} & set(names.replace("(", " ").split())
    assert [event for event in again if event["ph"] == "M" and event["pid"] == 2], "the server's rows have names"


def test_a_kernel_for_every_notebook(kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = execute(notebook(*CELLS))
    with daemon(tmp_path / "trial") as running:
        use(monkeypatch, running)
        monkeypatch.delenv("MANIPLE_URL")
        for name, options in (("maniple", []), ("far", ["--connect", running.url, "--name", "far"])):
            made = maniple("jupyter", "install", *options)
            assert made.returncode == 0, made.stderr
            assert (kernels / name / "kernel.json").exists()
            assert running.token not in (kernels / name / "kernel.json").read_text()
            book = notebook(*CELLS, "hasattr(a, '_buf')", "%maniple status", "np.ones((1000, 1000)) + 1")
            texts = execute(book, name)
            assert texts[:-3] == plain
            assert texts[-3] == "True"
            assert ("the daemon at" in texts[-2]) == (name == "far")
            (card,) = book.cells[-1].outputs
            assert "(1000, 1000) float64, 7.629 MiB" in card["data"]["text/html"]
        assert '"opened"' not in running.log()
        assert "opened" in running.log()
        removed = maniple("jupyter", "uninstall", "--name", "far")
        assert removed.returncode == 0, removed.stderr
        assert not (kernels / "far").exists()
    for arguments in ([], ["install", "--connect", "http://x"], ["dance"], ["install", "--name"]):
        assert maniple("jupyter", *arguments).returncode == 2
    assert maniple("jupyter", "--help").returncode == 0


def test_interrupting_a_cell_stops_the_work(kernels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with daemon(tmp_path / "trial") as running:
        use(monkeypatch, running)
        assert maniple("jupyter", "install", "--connect", running.url).returncode == 0
        book = notebook(
            "import numpy as np\na = np.random.default_rng(1).random((1200, 1200))\nfloat((a + 1)[0, 0])",
            "b = a\nfor _ in range(400):\n    b = np.linalg.inv(b @ a)\nfloat(b[0, 0])",
            "print((np.ones(100_000) + 1).sum())",
        )
        client = NotebookClient(book, timeout=120, kernel_name="maniple", allow_errors=True)
        with client.setup_kernel():
            client.execute_cell(book.cells[0], 0)
            kernel = client.km.provisioner.pid
            stop = threading.Timer(1.5, os.kill, (kernel, signal.SIGINT))
            stop.start()
            start = time.monotonic()
            client.execute_cell(book.cells[1], 1)
            assert time.monotonic() - start < 10
            client.execute_cell(book.cells[2], 2)
        assert any(output.get("ename") == "KeyboardInterrupt" for output in book.cells[1].outputs), book.cells[1]
        assert shown(book.cells[2]) == "200000.0\n"
