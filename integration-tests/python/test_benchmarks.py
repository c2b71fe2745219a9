"""The benchmarks run, their tables fit together, and the page says what the figures say."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def benchmark_modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports modules of the benchmarks, whose names are gone again afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield __import__
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=BENCHMARKS, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=280, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_workloads_are_measured_and_written_down(tmp_path: Path) -> None:
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    output = run(
        "-m", "maniple", "performance.py", "--scale", "0.01", "--repeats", "2", "--only", "axpy_30M", "outliers_20M",
        "--peers", "--json", str(figures), "--page-file", str(page),
    )  # fmt: skip
    assert "2 of 2 workloads agree" in output
    rows = json.loads(figures.read_text())["rows"]
    assert [row["workload"] for row in rows] == ["axpy_30M", "outliers_20M"]
    for row in rows:
        assert set(row["engines"]) == {"numpy", "maniple"}
        for result in row["engines"].values():
            assert len(result["times"]) == 2
            assert result["memory"] > 10 << 20
    text = page.read_text()
    assert "| axpy_30M |" in text
    assert "| outliers_20M |" in text
    assert "2 of 2" in text
    assert xml.etree.ElementTree.parse(page.with_suffix(".svg")).getroot().tag.endswith("svg")


def test_whole_scripts_and_recording_are_measured(tmp_path: Path) -> None:
    whole, recorded = tmp_path / "whole.json", tmp_path / "recorded.json"
    run(
        "-m", "maniple", "cold.py", "--only", "grid", "--seconds", "0.1", "--repeats", "1", "--states", "start", "running",
        "--json", str(whole),
    )  # fmt: skip
    assert [row["state"] for row in json.loads(whole.read_text())] == ["start", "running"]
    run("-m", "maniple", "recording.py", "--only", "x * y", "--count", "100", "--repeats", "1", "--json", str(recorded))
    (row,) = json.loads(recorded.read_text())
    assert row["numpy"] > 0
    assert row["maniple"] > 0


def test_every_program_runs() -> None:
    """With NumPy, on arrays as small as they get."""
    program = (
        "import registry; registry.load();"
        "print(sum(w.compared(w.program(**w.inputs())) is not None for w in registry.WORKLOADS.values()))"
    )
    assert int(run("-c", program, BENCHMARK_SCALE="0.001")) > 100


def test_the_tables_name_workloads(benchmark_modules: Any) -> None:
    registry, page = benchmark_modules("registry"), benchmark_modules("page")
    registry.load()
    known = set(registry.WORKLOADS)
    for peer in page.PEERS.values():
        assert peer.style in ("array", "loops")
        assert (BENCHMARKS / "peers" / f"{peer.module}.py").exists()
        assert len(peer.workloads) == len(set(peer.workloads))
        assert set(peer.workloads) <= known, peer.title
    recorded = json.loads(page.RECORDED.read_text())["ratios"]
    assert {name for ratios in recorded.values() for name in ratios} <= known
    assert set(page.tomllib.loads(page.EXPLANATIONS.read_text())) <= known
    assert known >= page.STENCILS


def figures(**ratios: dict[str, Any]) -> dict[str, Any]:
    """Figures in which NumPy takes 100 ms and 1000 bytes for every workload; memory: Maniple's, as a part of that."""
    rows = []
    for name, engines in ratios.items():
        memory = engines.pop("memory", 1.0)
        results: dict[str, Any] = {"numpy": {"median": 0.1, "memory": 1000, "version": "2.4.6"}}
        for engine, value in engines.items():
            results[engine] = {"error": value} if isinstance(value, str) else {"median": 0.1 * value, "version": "1"}
        results["maniple"]["memory"] = 1000 * memory
        rows.append({"workload": name, "group": "workloads", "engines": results})
    machine = {"cores": 2, "processor": "X, AVX2", "memory": "24 GiB", "system": "Linux", "python": "3.11"}
    skipped = {"torch": "not installed"}
    return {"date": "2026-01-01", "machine": machine, "scale": 1.0, "repeats": 5, "skipped": skipped, "rows": rows}


def test_the_page_names_the_best_peers_and_the_exceptions(benchmark_modules: Any) -> None:
    page = benchmark_modules("page")
    shown = page.page(
        figures(
            axpy_30M={"maniple": 0.2, "numexpr": 0.5, "jax": 0.25, "c": 0.16},
            sin_20M={"maniple": 0.3, "numexpr": 0.5, "jax": "differs by 3, allowed 1"},
            exp_20M={"maniple": 1.2, "c": 0.9, "memory": 1.5},
            jacobi2d_4000_x50={"maniple": 0.19, "c": 0.1},
            wave2d_2000_x10={"maniple": 0.21, "c": 0.1},
        ),
        {"about": "Measured elsewhere.", "ratios": {"Other 1.0": {"sin_20M": 0.1}}},
        {"sin_20M": "A polynomial\nof higher degree.", "axpy_30M": "never shown"},
        "page.svg",
    )
    assert "| axpy_30M | 100.0 | **0.20** | 0.50 | 0.25 | JAX jit 0.25 | 0.80 | 0.16 | 1.25 | 1.00 |" in shown
    assert "| sin_20M | 100.0 | **0.30** | 0.50 | differs | Other 1.0 ¹ 0.10 | 3.00 |  |  | 1.00 |" in shown
    assert "- left out: PyTorch (not installed)" in shown
    assert "¹ Measured elsewhere." in shown
    exceptions = shown.partition("## Exceptions")[2]
    assert "- **sin_20M** (3.00 of Other 1.0 ¹): A polynomial of higher degree." in exceptions
    assert "- **exp_20M** (1.20 of NumPy; 1.33 of C loops; 1.50 of NumPy's memory): Not explained yet." in exceptions
    # A stencil may take twice the time of the loops.
    assert "- **wave2d_2000_x10** (2.10 of C loops): Not explained yet." in exceptions
    assert "jacobi2d" not in exceptions
    assert "axpy" not in exceptions
    assert "| Maniple / NumPy ≤ 1.15 | all | 4 of 5 (80%) |" in shown


def test_a_workload_without_a_result_is_an_exception(benchmark_modules: Any) -> None:
    page = benchmark_modules("page")
    shown = page.page(
        figures(axpy_30M={"maniple": "MemoryError"}, add_30M={"maniple": 0.5}), {"ratios": {}}, {}, "x.svg"
    )
    assert "| axpy_30M | 100.0 | **fails** |" in shown
    assert "- **axpy_30M** (no result: MemoryError): Not explained yet." in shown
    assert "| results are NumPy's | all | 1 of 2 |" in shown


def test_a_peer_that_is_missing_is_named(
    benchmark_modules: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    performance = benchmark_modules("performance")
    monkeypatch.setattr(performance, "PEERS_PYTHON", tmp_path / "python")
    monkeypatch.setattr(performance, "install", lambda which: f"no network for {which}")
    monkeypatch.setattr(performance.shutil, "which", lambda name: None)
    running, skipped = performance.participants(list(performance.PEERS), None)
    assert running == []
    assert skipped == {
        "torch": "not installed: --install torch does it (3 GB)",
        "c": "needs gcc",
        **dict.fromkeys(("numexpr", "jax", "dask", "numba", "numba-loops"), "not installed: no network for peers"),
    }
