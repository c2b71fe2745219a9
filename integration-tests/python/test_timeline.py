"""Timelines for Perfetto: every kernel with the user's file and line, of this machine's server and of a daemon's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import traces
from daemons import daemon, maniple

PROGRAM = """\
import numpy as np
a = np.random.default_rng(3).random((1000, 400))
for k in range(3):
    b = np.sqrt(a * a + k)
    c = b.cumsum(axis=0)
    print(round(float(c.sum()), 3))
d = np.gcd(np.arange(100_000), 12)
print(int(d.sum()), float(b[0, 0]) >= 0)
"""
LINES = len(PROGRAM.splitlines())


def check(file: Path, program: Path) -> list[dict[str, object]]:
    events = traces.read(file)
    kernels = traces.of(events, "kernel", "cascade", "routine")
    assert len(kernels) >= 9
    for kernel in kernels:
        name, _, line = kernel["args"]["source"].rpartition(":")
        assert name == str(program), kernel
        assert 1 <= int(line) <= LINES
        assert kernel["args"]["lines"][0] == kernel["args"]["source"]
        assert kernel["args"]["elements"] > 0
        assert kernel["args"]["bytes_read"] + kernel["args"]["bytes_written"] > 0
        assert kernel["args"]["GB_per_second"] >= 0
    # Each inside a batch, each batch with its plan; all of it while the program ran.
    batches = traces.of(events, "batch")
    assert batches
    assert len(traces.of(events, "plan")) == len(batches)
    for event in kernels + traces.of(events, "plan"):
        assert any(
            b["ts"] - 0.002 <= event["ts"] and event["ts"] + event["dur"] <= b["ts"] + b["dur"] + 0.002 for b in batches
        ), event
    assert any("sqrt" in kernel["name"] for kernel in kernels)
    assert any(kernel["name"] == "add.accumulate" and kernel["args"]["source"].endswith(":5") for kernel in kernels)
    # What the program itself did: NumPy's part, and what it waited for.
    (gcd,) = [e for e in traces.of(events, "fallback") if e["name"] == "gcd"]
    assert gcd["args"]["source"] == f"{program}:7"
    assert gcd["args"]["elements"] == 100_000
    waits = [e for e in traces.of(events, "wait") if e["pid"] == 1]
    assert any(e["args"]["source"] == f"{program}:6" for e in waits)
    # A batch that the program waited for ran while it did.
    wait = next(e for e in waits if e["args"]["source"] == f"{program}:6")
    assert any(b["ts"] < wait["ts"] + wait["dur"] and wait["ts"] < b["ts"] + b["dur"] for b in batches)
    return events


def test_of_this_machines_server(tmp_path: Path) -> None:
    program, file = tmp_path / "program.py", tmp_path / "trace.json"
    program.write_text(PROGRAM)
    done = maniple("--timeline", file, program, MANIPLE_HOST="0")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    plain = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert done.stdout == plain.stdout
    check(file, program)


def test_of_a_daemon(tmp_path: Path) -> None:
    program, file = tmp_path / "program.py", tmp_path / "trace.json"
    program.write_text(PROGRAM)
    with daemon(tmp_path / "trial") as running:
        done = maniple(f"--timeline={file}", program, MANIPLE_HOST="0", **running.environment())
        assert done.returncode == 0, done.stderr
        events = check(file, program)
    assert any(e["name"].startswith("send ") for e in traces.of(events, "transfer")) or not traces.of(
        events, "transfer"
    )


def test_of_more_than_is_kept(tmp_path: Path) -> None:
    """Read in parts; what the daemon does not keep is said."""
    program, file = tmp_path / "program.py", tmp_path / "trace.json"
    program.write_text(
        "import numpy as np\na = np.ones(40_000)\n"
        "for k in range(7000):\n    a = np.sqrt(a * k)\n    float(a[0])\nprint(1)\n"
    )
    done = maniple("--timeline", file, program, MANIPLE_DEFER="2000", MANIPLE_HOST="0")
    assert done.returncode == 0, done.stderr
    events = traces.read(file)
    assert len(traces.of(events, "kernel")) >= 7000
    names = [e["name"] for e in events if e["ph"] == "M" and e["pid"] == 2]
    assert sorted(names) == ["process_name", "thread_name"]


def test_a_program_that_fails_has_one_too(tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    done = maniple("--timeline", file, "-c", "import numpy as np\nfloat((np.ones(100_000) + 1).sum())\n1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert traces.of(traces.read(file), "kernel")


def test_a_file_that_cannot_be_written_is_told_before(tmp_path: Path) -> None:
    done = maniple("--timeline", tmp_path / "nowhere/trace.json", "-c", "print('ran')")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "cannot write" in done.stderr
    assert maniple("--timeline").returncode == 2
    assert "--timeline FILE" in maniple("--help").stdout


def test_nothing_deferred(tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    done = maniple("--timeline", file, "-c", "print(1)")
    assert done.returncode == 0
    assert traces.of(traces.read(file), "kernel") == []
    assert json.loads(file.read_text())["otherData"]["left_out"] == 0


def test_the_backend_of_tests_has_none(tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    program = "import numpy as np\nfloat((np.ones(100_000) + 1).sum())"
    done = subprocess.run(
        [sys.executable, "-m", "maniple", "--timeline", str(file), "-c", program],
        env={**os.environ, "MANIPLE_BACKEND": "reference"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    traces.read(file)
