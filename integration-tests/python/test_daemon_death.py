"""A daemon is killed and started again: with --checkpoint-dir its clients' programs go on, to the same bits."""

import os
import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from daemons import Daemon

LONG = os.environ.get("MANIPLE_LONG") == "1"
# Slow enough to be killed in its midst on the fastest machine.
PROGRAM = """
import sys, time
import numpy as np, hashlib
real = sys.modules["numpy"]
sent = np.array(real.arange(300_000.0))
generator = np.random.default_rng(5)
x = generator.random((700, 700))
total = 0.0
for k in range(60):
    x[1:-1, 1:-1] = 0.25 * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
    y = generator.random(200_000)
    total += float(np.sort(y)[:1000].sum()) + float((sent * k).sum())
    if k % 4 == 0:
        print(k, float(x.sum()), total, flush=True)
    time.sleep(0.05)
print(hashlib.sha256(np.asarray(x).tobytes()).hexdigest(), float(sent[77]), float(y[5]))
"""


def running(tmp_path: Path, *options: object) -> Daemon:
    (tmp_path / "kept").mkdir(exist_ok=True)
    return Daemon(tmp_path / "trial", "--checkpoint-dir", tmp_path / "kept", *options).start()


def journals(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "kept" / "sessions").iterdir())


@pytest.mark.parametrize("cluster", [(), ("--master", "local[2]", "--worker-memory", "512m")], ids=["alone", "workers"])
def test_a_program_goes_on_where_its_daemon_was_killed(tmp_path: Path, cluster: tuple[str, ...]) -> None:
    seed = int(os.environ.get("MANIPLE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
    print(f"MANIPLE_SEED={seed}")
    chance = random.Random(seed)
    # On a busy machine a daemon with workers takes some time to be there again, and may be killed twice before.
    daemon = running(tmp_path, "--reconnect", "120s", *cluster)
    try:
        undisturbed = daemon.run(PROGRAM)
        program = daemon.begin(PROGRAM)
        assert program.stdout is not None
        out = program.stdout.readline()
        kills = 0
        while program.poll() is None and kills < (20 if LONG else 2):
            time.sleep(chance.random())
            daemon.stop(signal.SIGKILL)
            daemon.start()
            kills += 1
            out += program.stdout.readline()
        # communicate() would leave out what readline() has read ahead.
        assert program.stderr is not None
        out += program.stdout.read()
        error = program.stderr.read()
        assert program.wait(timeout=60) == 0, error + daemon.log()
        assert out == undisturbed
        assert "is back" in (daemon.directory / "log").read_text()
        daemon.await_sessions(0, 10)
        assert not journals(tmp_path), "nothing is kept of a session that is over"
        assert os.listdir(tmp_path / "kept") == ["sessions"], "nor of a daemon that is dead"
    finally:
        daemon.stop()


def test_files_are_opened_again_and_those_that_changed_are_not(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    np.save(data / "grid.npy", np.arange(300_000.0))
    program = """
import numpy as np, sys, time
grid = np.load("grid.npy")
other = np.arange(300_000.0) * 2
print(float((grid + other)[7]), flush=True)
time.sleep(1.5)
print(float((grid * other)[9]))
"""
    daemon = running(tmp_path, "--data", data)
    try:
        for change in (False, True):
            client = daemon.begin(program)
            assert client.stdout is not None
            assert client.stdout.readline() == "21.0\n"
            daemon.stop(signal.SIGKILL)
            if change:
                np.save(data / "grid.npy", np.arange(200_000.0))
            daemon.start()
            out, error = client.communicate(timeout=60)
            if change:
                assert client.returncode == 1
                assert "the session was lost" in error
            else:
                assert out == "162.0\n", error + daemon.log()
    finally:
        daemon.stop()


def test_whoever_does_not_come_back_is_forgotten(tmp_path: Path) -> None:
    daemon = running(tmp_path, "--reconnect", "2s")
    try:
        client = daemon.begin(
            "import numpy as np, time\na = np.arange(300_000.0) * 2\nprint(float(a[3]), flush=True)\ntime.sleep(60)"
        )
        assert client.stdout is not None
        assert client.stdout.readline() == "6.0\n"
        client.kill()
        client.wait()
        assert len(journals(tmp_path)) == 1
        daemon.stop(signal.SIGKILL)
        daemon.start()
        time.sleep(4)
        assert not journals(tmp_path)
    finally:
        daemon.stop()
