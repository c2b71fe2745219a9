"""Times one workload with whichever NumPy this process has; prints one line of JSON. Started by compare.py.

usage: worker.py WORKLOAD REPEATS
"""

import json
import statistics
import sys
import time
from typing import Any

import numpy as np
from workloads import WORKLOADS


def finish(result: Any) -> Any:
    """Waits until the result is there."""
    maniple = sys.modules.get("maniple")
    if maniple is not None:
        maniple.flush()
    return result


def digest(part: Any) -> dict[str, Any]:
    """Enough of an array to tell whether two agree: a sample, its largest element, its sum."""
    array = np.asarray(part)
    flat = array.reshape(-1)
    sample = flat[:: max(1, flat.size // 1000)].astype(np.complex128).tolist()
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "sample": [[value.real, value.imag] for value in sample],
        "largest": float(np.abs(flat).max()),
        "mean": float(np.abs(flat).mean()),
    }


def main() -> None:
    name, repeats = sys.argv[1], int(sys.argv[2])
    compute = WORKLOADS[name].make()
    times = []
    result: Any = None
    for _ in range(2 + repeats):
        del result
        start = time.perf_counter()
        result = finish(compute())
        times.append(time.perf_counter() - start)
    parts = result if isinstance(result, tuple) else (result,)
    report = {
        "first": times[0],
        "median": statistics.median(times[2:]),
        "times": times[2:],
        "digest": [digest(part) for part in parts],
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
