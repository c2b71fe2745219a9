"""Programs whose kernels run block of rows by block of rows; prints results for `test_cascades.py`.

The number of rows is given: blocks seldom divide it.
"""

import hashlib
import sys
from typing import Any

import numpy as np

ROWS, COLUMNS = int(sys.argv[1]), int(sys.argv[2])
RANDOM = np.random.default_rng(5)


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_sum_exp(x: Any) -> Any:
    largest = x.max(axis=1, keepdims=True)
    return np.log(np.exp(x - largest).sum(axis=1)) + largest[:, 0]


def standardised(x: Any) -> Any:
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def column_sums(x: Any) -> Any:
    return standardised(x).sum(axis=0)


def laplacian_in_place(x: Any) -> Any:
    q = 4.0 * x
    q[1:] -= x[:-1]
    q[:-1] -= x[1:]
    q[:, 1:] -= x[:, :-1]
    q[:, :-1] -= x[:, 1:]
    return q


def energy(x: Any) -> Any:
    return np.asarray((x * laplacian_in_place(x)).sum())


def pairs(x: Any) -> Any:
    points = x[:, :3].copy()
    apart = points[None, :, :] - points[:, None, :]
    weight = ((apart * apart).sum(axis=2) + 0.01) ** -1.5
    return (apart * weight[:, :, None]).sum(axis=1)


def largest_indices(x: Any) -> Any:
    return (x * 2 + 1).argmax(axis=1)


def rows_backwards(x: Any) -> Any:
    y = x + 1
    y[::-1] *= x
    return y / y.max(axis=1, keepdims=True)


def interior(x: Any) -> Any:
    y = np.zeros_like(x)
    y[1:-1] = x[1:-1] * 0.5
    y[2:-2] += x[2:-2]
    return y - y.mean(axis=1)[:, None]


def main() -> None:
    for dtype in ("float64", "float32", "int64"):
        x = (RANDOM.standard_normal((ROWS, COLUMNS)) * 4).astype(dtype)
        for program in (
            softmax, log_sum_exp, standardised, column_sums, laplacian_in_place, energy, pairs, largest_indices,
            rows_backwards, interior,
        ):  # fmt: skip
            if dtype == "int64" and program is laplacian_in_place:
                continue  # as NumPy has it, a float64 is not subtracted into an int64
            result = np.asarray(program(x) if program is not laplacian_in_place else program(x * 1.0))
            digest = hashlib.sha256(np.ascontiguousarray(result).tobytes()).hexdigest()[:16]
            flat = np.nan_to_num(result.astype("float64").ravel(), posinf=1e300, neginf=-1e300)
            step = max(1, flat.size // 50)
            print(
                dtype, program.__name__, result.dtype, result.shape, digest, [float(v) for v in flat[::step]], sep="|"
            )


if __name__ == "__main__":
    main()
