"""JupyterLab in a real browser: a notebook in Maniple's kernel is opened, run to its end, looked at, interrupted."""

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browsers import browser, needs_browser, picture, size
from daemons import daemon, maniple

SECONDS = 90
needs_jupyterlab = pytest.mark.skipif(
    importlib.util.find_spec("jupyterlab") is None, reason="JupyterLab is not installed: requirements/browser.txt"
)

CELLS = (
    "import numpy as np\na = np.random.default_rng(5).random((1200, 1000))\nb = np.sqrt(a * a + 1).cumsum(axis=0)",
    "print('sum', round(float(b.sum()), 3), type(a).__name__, hasattr(a, '_buf'))",
    "b",
    "for _ in range(4000):\n    b = np.sqrt(b @ a.T @ a) / 1e3\nprint('not ' + 'interrupted', float(b[0, 0]))",
)
AFTER = "print('after', float((np.ones(100_000) + 1).sum()))"


@contextmanager
def lab(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """A JupyterLab of the test's own; its address with the token that it wants."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    token = secrets.token_hex(24)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    # Nor does it ask whether it may fetch news.
    choice = (
        Path(os.environ["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    )
    choice.parent.mkdir(parents=True)
    choice.write_text('{"fetchNews": "false"}')
    with (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment, "JUPYTER_TOKEN": token},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=5):
                    break
            except OSError:
                assert process.poll() is None, (folder / "lab.log").read_text()[-3000:]
                assert time.monotonic() < end
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/book.ipynb?token={token}"
    finally:
        # Its kernels with it.
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Notebook:
    """The one that is open in the browser."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def wait(self, script: str, *arguments: object, seconds: float = SECONDS) -> Any:
        end = time.monotonic() + seconds
        while True:
            found = self.driver.execute_script(script, *arguments)
            if found:
                return found
            assert time.monotonic() < end, (
                script,
                arguments,
                self.driver.execute_script("return document.body.innerText"),
            )
            time.sleep(0.2)

    def menu(self, name: str, entry: str) -> None:
        """Choose an entry of a menu, as a user does."""
        for selector, text in ((".lm-MenuBar-itemLabel", name), (".lm-Menu-itemLabel", entry)):
            item = self.wait(
                "return [...document.querySelectorAll(arguments[0])].find((e) => e.textContent === arguments[1]"
                " && e.checkVisibility())",
                selector,
                text,
            )
            item.click()

    def choose(self, cell: int) -> None:
        """Click into a cell, until it is the one that is chosen: an interruption that ends moves the choice, too."""
        end = time.monotonic() + SECONDS
        active = "return document.querySelectorAll('.jp-CodeCell')[arguments[0]].classList.contains('jp-mod-active')"
        while True:
            self.driver.execute_script(
                "return document.querySelectorAll('.jp-CodeCell .cm-content')[arguments[0]]", cell
            ).click()
            time.sleep(0.5)
            if self.driver.execute_script(active, cell):
                return
            assert time.monotonic() < end, cell

    def outputs(self) -> list[str]:
        """Text that each code cell shows."""
        texts: list[str] = self.driver.execute_script(
            "return [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].map((cell) =>"
            " [...cell.querySelectorAll('.jp-OutputArea-output')].map((e) => e.innerText.trim()).join('\\n'))"
        )
        return texts

    def prompts(self) -> list[str]:
        prompts: list[str] = self.driver.execute_script(
            "return [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map((e) => e.innerText.trim())"
        )
        return prompts

    def until(self, cell: int, words: str, seconds: float = SECONDS) -> str:
        """Wait until a cell shows these words; all that it shows."""
        end = time.monotonic() + seconds
        while True:
            texts = self.outputs()
            if len(texts) > cell and words in texts[cell]:
                return texts[cell]
            assert time.monotonic() < end, (cell, words, texts, self.prompts())
            time.sleep(0.2)


@needs_browser
@needs_jupyterlab
@pytest.mark.parametrize("where", ["here", "daemon"])
def test_a_notebook_in_the_browser(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, value in (
        ("JUPYTER_DATA_DIR", tmp_path / "data"),
        ("JUPYTER_CONFIG_DIR", tmp_path / "config"),
        ("JUPYTER_RUNTIME_DIR", tmp_path / "runtime"),
        ("IPYTHONDIR", tmp_path / "ipython"),
        ("JUPYTERLAB_WORKSPACES_DIR", tmp_path / "workspaces"),
        ("JUPYTERLAB_SETTINGS_DIR", tmp_path / "settings"),
        ("MANIPLE_BACKEND", "server"),
        # A program that looks at results all the time computes with NumPy up to a million elements.
        ("MANIPLE_HOST", "0"),
    ):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("JUPYTER_PATH", "")
    if where == "here":
        look(folder, tmp_path, [], {})
        return
    with daemon(tmp_path / "trial") as running:
        environment = running.environment()
        for name in ("MANIPLE_CA", "MANIPLE_TOKEN_FILE"):
            monkeypatch.setenv(name, environment[name])
        look(folder, tmp_path, ["--connect", running.url], {})
        running.await_sessions(0, 30)
        assert "opened" in running.log()


def look(folder: Path, tmp_path: Path, options: list[str], environment: dict[str, str]) -> None:
    made = maniple("jupyter", "install", *options)
    assert made.returncode == 0, made.stderr
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (*CELLS, AFTER)])
    book.metadata["kernelspec"] = {"name": "maniple", "display_name": "Python (Maniple)", "language": "python"}
    nbformat.write(book, folder / "book.ipynb")
    with lab(folder, environment) as address, browser(tmp_path / "profile") as driver:
        size(driver, 1400, 1600)
        driver.get(address)
        notebook = Notebook(driver)
        notebook.wait("return document.querySelectorAll('.jp-Notebook .jp-CodeCell').length === 5")
        notebook.wait("return document.querySelector('.jp-Toolbar-kernelName')?.textContent.includes('Maniple')")
        notebook.wait("return document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'")
        notebook.menu("Run", "Run All Cells")
        told = notebook.until(1, "sum ")
        assert told.endswith("ndarray True"), "the kernel's NumPy is Maniple"
        shown = notebook.until(2, "float64")
        assert "(1200, 1000) float64, 9.155 MiB, in" in shown, "where it is, and how large"
        picture(driver, tmp_path / "run.png")
        # The fourth cell would take minutes.
        notebook.wait("return document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')[3].innerText.includes('*')")
        time.sleep(1.5)
        begin = time.monotonic()
        notebook.menu("Kernel", "Interrupt Kernel")
        notebook.until(3, "KeyboardInterrupt", 30)
        assert time.monotonic() - begin < 15
        # The rest was not run, and the kernel goes on.
        assert notebook.outputs()[4] == ""
        notebook.choose(4)
        notebook.menu("Run", "Run Selected Cell")
        assert notebook.until(4, "after") == "after 200000.0"
        picture(driver, tmp_path / "after.png")
        assert "not interrupted" not in "".join(notebook.outputs())
