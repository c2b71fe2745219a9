"""Programs on an emulated GPU: the kernels' CUDA C++ compiled by g++, run in the server's process (docs/gpu.md)."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_examples import EXAMPLES, SIZES

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="the emulated GPU needs g++")

# The examples' arrays, smaller still: a block of the emulated GPU is a loop.
SMALLER = {**SIZES, "black_scholes": [50_000], "heat3d": [48, 5], "life": [300, 10], "wave2d": [300, 20]}


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def on_gpu(*command: object, emulate: str = "1", **environment: str) -> subprocess.CompletedProcess[str]:
    chosen = {"MANIPLE_DEVICE": "gpu", "MANIPLE_GPU_EMULATE": emulate, **environment}
    return run("-m", "maniple", *command, **chosen)


@pytest.mark.parametrize("name", SMALLER)
def test_example_prints_the_same(name: str) -> None:
    script = EXAMPLES / f"{name}.py"
    got = on_gpu(script, *SMALLER[name])
    assert got.returncode == 0, got.stderr
    assert got.stdout == run(script, *SMALLER[name]).stdout
    assert "GPU" not in got.stderr


PROGRAM = """
import numpy as np
x = np.arange(300_000, dtype=float) / 7
y = np.sqrt(x * x + 1) * np.exp(-x) + 0.5
z = y.reshape(300, 1000)
print(y.sum(), z.sum(axis=0)[:3], z.max(axis=1)[:4], (y > 0.6).sum())
z[1:] += z[:-1]
print(z[-1, :5], z.mean())
"""


def program(tmp_path: Path, text: str = PROGRAM) -> Path:
    path = tmp_path / "program.py"
    path.write_text(text)
    return path


def profiled(tmp_path: Path, emulate: str = "1", text: str = PROGRAM, **environment: str) -> tuple[str, str, dict]:
    """What a program printed, what it was warned of, and the profile."""
    path = tmp_path / "profile.json"
    got = on_gpu("--profile-json", path, program(tmp_path, text), emulate=emulate, **environment)
    assert got.returncode == 0, got.stderr
    return got.stdout, got.stderr, json.loads(path.read_text())


def expected(tmp_path: Path, text: str = PROGRAM) -> str:
    return run(program(tmp_path, text)).stdout


def test_the_profile_says_what_ran_where(tmp_path: Path) -> None:
    out, err, profile = profiled(tmp_path)
    assert out == expected(tmp_path)
    assert err == ""
    assert {row["device"] for row in profile["server"]} == {"gpu"}
    device = profile["device"]
    assert device["name"] == "emulated GPU"
    assert device["kernels"] >= device["steps"] > 0
    assert device["host_steps"] == device["evictions"] == 0
    # What is printed, and the one array of which elements are.
    assert device["bytes_to_device"] == 0
    assert 0 < device["bytes_to_host"] < 2_600_000


def test_the_explanation_says_where_a_kernel_ran(tmp_path: Path) -> None:
    got = on_gpu("--explain", program(tmp_path))
    assert "on the GPU by" in got.stdout + got.stderr
    assert "bytes back" in got.stdout + got.stderr


def test_the_cpu_is_used_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    script = program(tmp_path)
    got = run("-m", "maniple", "--profile-json", path, script, MANIPLE_DEVICE="cpu", MANIPLE_GPU_EMULATE="1")
    assert got.stdout == expected(tmp_path)
    profile = json.loads(path.read_text())
    assert profile["device"] == {}
    assert {row["device"] for row in profile["server"]} == {"cpu"}


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    got = run("-m", "maniple", program(tmp_path), MANIPLE_DEVICE="tpu")
    assert "MANIPLE_DEVICE must be 'auto', 'gpu' or 'cpu', not 'tpu'" in got.stderr


@pytest.mark.parametrize(
    ("emulate", "message"),
    [
        ("driver=none", "the processor computes, there is no GPU: there is no NVIDIA driver on this machine"),
        ("driver=old", "the NVIDIA driver is for CUDA 11.4; Maniple needs one for CUDA 12.0 or newer"),
        ("compiler=/nowhere", "needs the C++ compiler /nowhere"),
        ("nonsense", "MANIPLE_GPU_EMULATE is 'nonsense'"),
    ],
)
def test_the_processor_goes_on_where_there_is_no_gpu(tmp_path: Path, emulate: str, message: str) -> None:
    out, err, _ = profiled(tmp_path, emulate)
    assert out == expected(tmp_path)
    assert message in err
    assert err.count("RuntimeWarning") == 1


def test_arrays_leave_a_full_gpu(tmp_path: Path) -> None:
    """Six arrays of 2.4 MB on 8 MB: the one used longest ago goes to the host, and comes back."""
    text = """
import numpy as np
arrays = [np.arange(300_000, dtype=float) + k for k in range(6)]
for _ in range(2):
    arrays = [a * 2 + arrays[0] for a in arrays]
    print(sum(a.sum() for a in arrays))
"""
    out, err, profile = profiled(tmp_path, "memory=8m", text)
    assert out == expected(tmp_path, text)
    assert err == ""
    assert profile["device"]["evictions"] > 0
    assert profile["device"]["steps"] > 0


def test_what_does_not_fit_is_done_by_the_processor(tmp_path: Path) -> None:
    out, err, profile = profiled(tmp_path, "memory=1m")
    assert out == expected(tmp_path)
    assert err == ""
    assert profile["device"]["host_steps"] > 0


@pytest.mark.parametrize("fault", ["fail-launch=1", "fail-launch=3", "lose-at=30"])
def test_a_lost_gpu_is_an_error_or_the_right_result(tmp_path: Path, fault: str) -> None:
    """What only the GPU held is lost, and said to be; what the host has is computed on."""
    text = """
import numpy as np
kept = np.array(range(50_000), dtype=float)
def attempt(what):
    try:
        print("result", what())
    except Exception as error:
        print(type(error).__name__, error)
x = kept * 2 + 1
attempt(lambda: x.sum())
attempt(lambda: (x * 3).sum())
attempt(lambda: (kept * 4).sum())
attempt(lambda: (np.arange(50_000.0) + 1).max())
"""
    out, err, profile = profiled(tmp_path, fault, text)
    lines = out.splitlines()
    right = expected(tmp_path, text).splitlines()
    assert len(lines) == len(right)
    for line, wanted in zip(lines, right, strict=True):
        assert line == wanted or "the GPU failed and what only its memory held is lost" in line
    # What the host has had all along is not lost.
    assert lines[-2:] == right[-2:]
    assert "the processor goes on without the GPU" in err
    assert profile["device"]["failure"]


def test_floating_point_errors_are_reported_with_their_lines(tmp_path: Path) -> None:
    text = """
import numpy as np
x = np.arange(200_000, dtype=float)
y = 1 / x
z = np.log(x - 5)
s = (x * 1e303).astype("f4")
x /= x - 3
print(np.isnan(z).sum(), np.isinf(s).sum(), np.isinf(y).sum(), np.isinf(x).sum())
"""
    got = on_gpu(program(tmp_path, text))
    want = run(program(tmp_path, text))
    assert got.stdout == want.stdout
    told = sorted(line.split("RuntimeWarning: ")[1] for line in want.stderr.splitlines() if "RuntimeWarning" in line)
    assert (
        sorted(line.split("RuntimeWarning: ")[1] for line in got.stderr.splitlines() if "RuntimeWarning" in line)
        == told
    )


def test_repeated_work_leaves_no_memory_behind(tmp_path: Path) -> None:
    """A hundred rounds in 12 MB, of which each leaves 2.4 MB behind if anything is forgotten."""
    text = """
import numpy as np
for _ in range(100):
    x = np.arange(300_000, dtype=float)
    y = x * 2 + 1
    y[::2] = 0
    total = y.sum()
print(total)
"""
    out, _, profile = profiled(tmp_path, "memory=12m", text)
    assert out == expected(tmp_path, text)
    assert profile["device"]["host_steps"] == 0
    assert profile["device"]["evictions"] == 0


SHARED = """
import numpy as np
x = np.array(range(200_000), dtype=float)
for _ in range(10):
    print((x * 2 + 1).sum())
"""


def test_shared_arrays_move_to_the_gpu_once(tmp_path: Path) -> None:
    out, _, profile = profiled(tmp_path, text=SHARED, MANIPLE_HOST="0")
    assert out == expected(tmp_path, SHARED)
    assert profile["device"]["bytes_to_device"] == 1_600_000
    assert profile["device"]["host_steps"] == 0


@pytest.mark.parametrize(
    ("between", "moves"),
    [
        pytest.param("x += 0.5", 1, id="on-the-gpu"),
        pytest.param("x[turn] = -1e6", 11, id="an-element"),
        pytest.param("x[turn::7] += 0.5", 11, id="a-few"),
        pytest.param("x[turn:] *= -1; x[3] = turn", 11, id="both"),
        pytest.param("print(x)", 11, id="looked-at"),
        pytest.param("list(x[:3])", 11, id="read"),
        # Each instruction is a batch of its own while somebody holds a view.
        pytest.param("memoryview(x)[turn] = 1e6", 22, id="a-view-that-goes"),
        pytest.param("kept = kept or memoryview(x); kept[turn] = 1e6", 22, id="a-view-that-stays"),
        pytest.param(
            "kept = memoryview(x) if turn % 3 == 0 else kept\n    if kept: kept[turn] = 1e6\n    if turn % 3 == 1: kept = None",
            22,
            id="a-view-that-comes-and-goes",
        ),
        pytest.param("x[...] = range(turn, 200_000 + turn)", 11, id="filled"),
        pytest.param("x = np.array(x.tolist()) + 1", 11, id="another"),
    ],
)
def test_shared_arrays_move_to_the_gpu_when_they_were_written(tmp_path: Path, between: str, moves: int) -> None:
    """Whatever the program does between two batches, the GPU computes with what is there."""
    text = f"""
import numpy as np
x = np.array(range(200_000), dtype=float)
kept = None
for turn in range(10):
    print((x * 2 + 1).sum(), (x[::-1] - x[5:6]).max())
    {between}
print((x * 2 + 1).sum())
"""
    out, _, profile = profiled(tmp_path, text=text, MANIPLE_HOST="0")
    assert out == expected(tmp_path, text)
    assert profile["device"]["bytes_to_device"] <= moves * 1_600_000
    assert profile["device"]["host_steps"] == 0


LOOP = """
import time
import numpy as np
x = np.arange(2_000_000, dtype=float)
for turn in range(40):
    y = np.sqrt(x * x + 1) * 0.5 + x
    total = y.sum()
    time.sleep(0.05)
print(total)
small = np.arange(2_000, dtype=float)
print((small * 2 + 1).sum())
"""


def test_auto_compiles_beside_the_processor_and_then_uses_the_gpu(tmp_path: Path) -> None:
    """The emulated GPU says that it is fast; the first rounds are the processor's."""
    # A setting that no test before has used is a device of its own, which has no kernels yet.
    out, _, profile = profiled(tmp_path, f"speed={3000 + os.getpid()}", LOOP, MANIPLE_DEVICE="auto")
    assert out == run("-m", "maniple", program(tmp_path, LOOP), MANIPLE_DEVICE="cpu").stdout
    assert profile["device"]["steps"] > 0
    assert profile["device"]["host_steps"] > 0


def test_auto_leaves_to_the_processor_what_is_done_sooner_there(tmp_path: Path) -> None:
    out, _, profile = profiled(tmp_path, "speed=1", LOOP, MANIPLE_DEVICE="auto")
    assert out == run("-m", "maniple", program(tmp_path, LOOP), MANIPLE_DEVICE="cpu").stdout
    assert profile["device"]["steps"] == 0


def test_operations_with_kernels_of_their_own(tmp_path: Path) -> None:
    """Sorts, gathers, cumulative folds and random numbers, against the processor's own bits."""
    text = """
import numpy as np
for n in (5, 300, 100_000):
    generator = np.random.default_rng(3)
    x, y = generator.random(n), generator.uniform(2, 5, n)
    z = np.random.Generator(np.random.PCG64DXSM(5)).random(n)
    print(x[:3], y[-2:], z[-3:], generator.random(3))
    order = np.argsort(y, kind="stable")
    print(np.sort(x)[:3], order[:4], x[order][-3:], np.cumsum(x)[-1], np.cumprod(z + 0.5)[-1])
    print(np.cumsum(x[: n // 5 * 5].reshape(-1, 5), axis=0)[-1], np.cumsum(x.astype("e") / 100)[-1])
    print(np.maximum.accumulate(x)[-1], np.sort((x * 100).astype("i1"))[-3:])
    try:
        x[np.full(n, n)]
    except IndexError as error:
        print(error)
"""
    got, _, profile = profiled(tmp_path, text=text, MANIPLE_DEFER_ALL="1")
    want = run("-m", "maniple", program(tmp_path, text), MANIPLE_DEVICE="cpu", MANIPLE_DEFER_ALL="1")
    assert got == want.stdout
    device = {row["operation"]: row["device"] for row in profile["server"] if row["device"] == "gpu"}
    assert {"sort", "argsort", "take", "add.accumulate", "random.pcg64", "random.pcg64dxsm"} <= set(device)


def test_products_of_matrices(tmp_path: Path) -> None:
    """Stacks, transposed and shared matrices, all types; infinities are the processor's, which tells of them."""
    text = """
import numpy as np
rng = np.random.default_rng(0)
for kind in ("f8", "f4", "c16", "c8"):
    a = (rng.random((150, 130)) - 0.5).astype(kind)
    b = (rng.random((130, 170)) - 0.5).astype(kind)
    s = (rng.random((5, 60, 40)) - 0.5).astype(kind)
    pairs = [(a, b), (b.T, a.T), (a.T, a), (a[3:, :-2], b[:-2, 5:]), (s, s.swapaxes(1, 2)), (s, a[:40, :70])]
    for x, y in [*pairs, (a, b[:, 0]), (a[0], b)]:
        # Whole numbers are exact in any order.
        x, y = np.round(x * 20), np.round(y * 20)
        z = x @ y
        print(kind, z.shape, z.dtype, z.sum(), abs(z).max(), z.ravel()[-3:])
a[5, 5] = np.inf
print(np.isfinite(a @ b).sum())
"""
    got, _, profile = profiled(tmp_path, text=text, MANIPLE_DEFER_ALL="1")
    assert got == expected(tmp_path, text)
    rows = [row for row in profile["server"] if row["operation"] == "matmul"]
    assert {row["device"] for row in rows} == {"gpu", "cpu"}
    assert sum(row["calls"] for row in rows if row["device"] == "gpu") == 32
