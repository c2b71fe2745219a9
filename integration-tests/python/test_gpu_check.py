"""The folder that is taken to a machine with a GPU (deploy/gpu-check): made, and tried on the emulated one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# What takes minutes to compress is kept in .build for the next time.
pytestmark = [
    pytest.mark.skipif(shutil.which("g++") is None, reason="the emulated GPU needs g++"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 60 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gpu-check")
    subprocess.run([ROOT / "deploy" / "gpu-check" / "bundle", made], stdin=subprocess.DEVNULL, check=True)
    return made


def test_it_is_small_enough_to_be_carried(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= MOST_BYTES


def test_a_quick_dry_run(folder: Path, tmp_path: Path) -> None:
    """Nothing of the working tree is used: not its Java runtime, not its jars, not its package."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MANIPLE_")}
    done = subprocess.run(
        [sys.executable, folder / "check.py", "--dry-run", "--quick", "--output", tmp_path],
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["failures"] == []
    assert result["device"]["name"] == "emulated GPU"
    assert result["examples"] == [2, 2]
    assert result["random"] == {"programs": 5, "agree": True}
    assert len(result["timings"]) == 6
    for name, rows in result["timings"].items():
        assert {"seconds", "digest"} <= set(rows["maniple"]), name
        assert rows["maniple"]["error_of_size"] < 1e-6, name
    assert "| chain f64 64M |" in (tmp_path / "table.md").read_text()
