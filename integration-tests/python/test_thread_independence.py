"""Results do not depend on the number of threads, to the bit."""

import hashlib
import os
import subprocess
import sys

PROGRAM = """
import hashlib
import maniple as np

rng = np.random.default_rng(5)
x = rng.standard_normal((1511, 1013))
y = rng.standard_normal((1511, 1013)).astype(np.float32)
digest = hashlib.sha256()
for a in (x, y, x[1:-1, 3:-2], x.T, y[::3, ::-1]):
    for axis in (None, 0, 1):
        for name in ("sum", "mean", "std", "prod", "min", "argmax", "cumsum"):
            digest.update(np.asarray(getattr(a, name)(axis=axis)).tobytes())
    digest.update(np.asarray((np.exp(a) * a + np.sin(a)).sum(axis=0)).tobytes())
    for name in ("sum", "mean", "std", "min", "max"):
        digest.update(np.asarray(getattr(a[a > 0], name)()).tobytes())
    digest.update(np.asarray(a[np.argsort(a[:, 0])]).tobytes())
    digest.update(np.asarray(np.bincount((a * 10).astype(np.int64).astype(np.uint8).ravel())).tobytes())
    for left, right in ((a, a.T), (a.T, a), (a[:, 1:], a.T[:-1, 5:]), (a, a[7]), (a[:, 0], a)):
        digest.update(np.asarray(left @ np.ascontiguousarray(right)).tobytes())
        digest.update(np.asarray(left @ right).tobytes())
print(digest.hexdigest())
"""


def digest(threads: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "MANIPLE_THREADS": str(threads)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    one = digest(1)
    assert len(one) == 2 * hashlib.sha256().digest_size
    assert digest(2) == one
    assert digest(7) == one
