"""What the server does while its start is recorded: the cache keeps which code was run, and how.

Kernels are compiled for each program anyway; what is written in Java (sorting, searching, counting,
cumulative operations, gathering, Fourier transforms, random numbers) is compiled from the first call
on where the cache has seen it run.
"""

import maniple as np

ROUNDS = 24


def kernels() -> None:
    x = np.linspace(0.0, 1.0, 1_000_000)
    float((np.sqrt(x * x + 1.0) * np.exp(-x)).sum())
    float(x[x > 0.5].mean())
    x.reshape(1000, 1000).std(axis=0)[0]


def routines(random: np.random.Generator) -> None:
    x = random.random(200_000)
    small = (x * 250).astype("u1")
    whole = (x * 1e6).astype("i8")
    rows = x.reshape(400, 500)
    looked_at = [
        np.sort(x),
        np.sort(x.astype("f4")),
        np.sort(whole),
        np.sort(rows),
        np.argsort(x, kind="stable"),
        np.argsort(small, kind="stable"),
        np.argsort(rows, axis=0),
        np.partition(x, 1000),
        np.unique(whole),
        np.searchsorted(np.sort(x), x),
        np.bincount(small),
        np.histogram(x, 100)[0],
        np.median(rows, axis=1),
        np.cumsum(x),
        np.cumsum(rows, axis=0),
        x[whole % 200_000],
        rows[whole[:5000] % 400],
        np.nonzero(x > 0.5)[0],
        rows @ rows.T[:, ::-1],
        rows.T @ (rows + 1.0),
        rows.astype("f4") @ rows.T.astype("f4"),
        rows @ x[:500],
        np.bincount(whole % 1000),
        np.fft.fft(x),
        np.fft.rfft(rows),
        np.fft.ifft2(rows),
    ]
    target = np.zeros(200_000)
    target[whole % 200_000] = x
    np.add.at(target, whole % 200_000, 1.0)
    target[x > 0.5] = 0.0
    looked_at.append(target)
    for result in looked_at:
        result.ravel()[0].item()


def main() -> None:
    kernels()
    random = np.random.default_rng(1)
    for _ in range(ROUNDS):
        routines(random)


main()
