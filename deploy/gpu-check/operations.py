"""Checks every elementwise operation and cast of the table on an NVIDIA GPU against the portable engine.

usage: operations.py BUNDLE [--json FILE]

BUNDLE is the folder that `deploy/gpu-check/bundle` makes. What this needs of the machine: the driver (libcuda.so.1), NVRTC
(of the nvidia-cuda-nvrtc wheel or a toolkit, 12 or 13) and NumPy; neither Java nor a compiler nor a network. The sources are
compiled by NVRTC in several processes, run, and their results compared: exactly where an operation is exact, in units
in the last place where it is a function. Then some kernels are timed on arrays of 64 Mi elements beside a copy.
"""

from __future__ import annotations

import argparse
import collections
import ctypes
import glob
import gzip
import json
import multiprocessing
import os
import site
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

GROUP = 24
"""Kernels of one compilation."""
MOST_ULP = 16.0
"""Functions that are further away from the portable engine's are listed, unless the difference is of the size of
rounding errors of 1, which cancelled."""
LARGE = 1 << 26
TIMED = (
    "chain:dd->d",
    "chain:ff->f",
    "add:dd->d",
    "multiply:ff->f",
    "sqrt:d->d",
    "exp:d->d",
    "exp:f->f",
    "sin:d->d",
    "power:dd->d",
    "cast:d->f",
)
TYPES = {
    "BOOL": "?", "INT8": "i1", "UINT8": "u1", "INT16": "i2", "UINT16": "u2", "INT32": "i4", "UINT32": "u4",
    "INT64": "i8", "UINT64": "u8", "FLOAT16": "f2", "FLOAT32": "f4", "FLOAT64": "f8",
}  # fmt: skip


def library(pattern: str) -> ctypes.CDLL:
    """Open the newest library of a name, of a wheel or of the system."""
    places = [
        *([own] if (own := os.environ.get("MANIPLE_NVRTC")) else []),
        *site.getsitepackages(),
        site.getusersitepackages(),
        "/usr/local/cuda*/lib64",
        "/usr/lib/x86_64-linux-gnu",
    ]
    found = [path for place in places for path in glob.glob(f"{place}/**/{pattern}", recursive=True)]
    # The stubs of a toolkit are there to be linked with, and do nothing.
    real = [path for path in found if "/stubs/" not in path]
    for path in [*sorted(real, key=os.path.basename, reverse=True), pattern.replace("*", "")]:
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    raise SystemExit(f"no {pattern} on this machine: pip install nvidia-cuda-nvrtc")


def compiled(task: tuple[int, str, str]) -> tuple[int, bytes, str]:
    """Compile by NVRTC: (number, code, what it said)."""
    number, architecture, source = task
    nvrtc = library("libnvrtc.so*")
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None)
    options = [f"--gpu-architecture={architecture}".encode(), b"--fmad=false", b"--std=c++17"]
    status = nvrtc.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    if status:
        return number, b"", log.value.decode()
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    code = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, code)
    return number, code.raw, log.value.decode()


class Device:
    """The first GPU, by the driver's own interface."""

    def __init__(self) -> None:
        try:
            self.cuda = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise SystemExit(f"no NVIDIA driver on this machine: {error}") from None
        self.call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)
        name = ctypes.create_string_buffer(100)
        self.call("cuDeviceGetName", name, 100, device)
        self.name = name.value.decode()
        self.major, self.minor, self.processors = (self.attribute(device, number) for number in (75, 76, 16))
        version = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        self.driver = f"{version.value // 1000}.{version.value % 1000 // 10}"

    def attribute(self, device: ctypes.c_int, number: int) -> int:
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), number, device)
        return value.value

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.cuda, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(status, ctypes.byref(text))
            raise RuntimeError(f"{name}: {(text.value or b'?').decode()} ({status})")

    def allocate(self, nbytes: int) -> ctypes.c_uint64:
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(max(1, nbytes)))
        return address

    def function(self, code: bytes, name: str) -> ctypes.c_void_p:
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), code)
        self.call("cuModuleGetFunction", ctypes.byref(function), module, name.encode())
        return function

    def launch(self, function: ctypes.c_void_p, addresses: list[int], steps: list[int], count: int) -> None:
        words = [count, 1, 0, 0, 0]
        for address, step in zip(addresses, steps, strict=True):
            words += [address, step, 0]
        box = (ctypes.c_int64 * len(words))(*words)
        parameters = (ctypes.c_void_p * 1)(ctypes.addressof(box))
        blocks = min(-(-count // 256), self.processors * 8)
        self.call("cuLaunchKernel", function, blocks, 1, 1, 256, 1, 1, 0, None, parameters, None)

    def seconds(self, work: Any, times: int = 10) -> float:
        """The median time of some work, by events."""
        start, stop = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuEventCreate", ctypes.byref(start), 0)
        self.call("cuEventCreate", ctypes.byref(stop), 0)
        measured = []
        work()
        for _ in range(times):
            self.call("cuEventRecord", start, None)
            work()
            self.call("cuEventRecord", stop, None)
            self.call("cuEventSynchronize", stop)
            milliseconds = ctypes.c_float()
            self.call("cuEventElapsedTime_v2" if hasattr(self.cuda, "cuEventElapsedTime_v2") else "cuEventElapsedTime",
                      ctypes.byref(milliseconds), start, stop)  # fmt: skip
            measured.append(milliseconds.value / 1e3)
        return sorted(measured)[times // 2]


def ulps(want: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Units in the last place between floating-point numbers; inf where one is NaN and the other is not."""
    whole = np.dtype(f"u{want.itemsize}")
    sign = whole.type(1 << (8 * want.itemsize - 1))
    a, b = (np.where(bits & sign, ~bits, bits | sign) for bits in (want.view(whole), got.view(whole)))
    distance = np.where(a > b, a - b, b - a).astype(np.float64)
    both = np.isnan(want) & np.isnan(got)
    one = np.isnan(want) ^ np.isnan(got)
    return np.where(both, 0, np.where(one, np.inf, distance))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--json", type=Path, help="all figures")
    arguments = parser.parse_args()
    text = gzip.decompress((arguments.bundle / "kernels.cu.gz").read_bytes()).decode()
    prelude, *kernels = ("\n" + text).split("\nstruct k")
    sources = ["struct k" + kernel for kernel in kernels]
    rows = [line.split("\t") for line in (arguments.bundle / "checks.tsv").read_text().splitlines()]
    assert len(rows) == len(sources), (len(rows), len(sources))

    # In a process of its own: once the driver is open here, the processes that compile could not be forked.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(_device)
    if isinstance(found, str):
        raise SystemExit(found)
    name, driver, architecture = found
    print(f"{name}, driver for CUDA {driver}, {architecture}; {len(rows)} kernels", flush=True)
    began = time.time()
    tasks = [
        (number, architecture, prelude + "\n" + "\n".join(sources[first : first + GROUP]))
        for number, first in enumerate(range(0, len(sources), GROUP))
    ]
    with multiprocessing.Pool(os.cpu_count()) as pool:
        codes = {number: (code, log) for number, code, log in pool.imap_unordered(compiled, tasks)}
    print(f"compiled in {time.time() - began:.1f} s", flush=True)

    device = Device()
    data = gzip.decompress((arguments.bundle / "data.bin.gz").read_bytes())
    offset = 0
    results, failures = [], []
    functions = {}
    for index, (function, operation, ulp, count_text, outputs, types) in enumerate(rows):
        count = int(count_text)
        dtypes = [np.dtype(TYPES[t]) for t in types.split(",")]
        arrays = []
        for dtype in dtypes:
            nbytes = count * dtype.itemsize
            arrays.append(np.frombuffer(data, dtype, count, offset))
            offset += nbytes
        code, log = codes[index // GROUP]
        if not code:
            failures.append(f"{operation}: {log[:300]}")
            continue
        worst = 0.0
        for form in ("", "_flat"):
            compiled_one = device.function(code, function + form)
            functions[operation + form] = (compiled_one, dtypes)
            found, problem = check(device, compiled_one, arrays, int(outputs), bool(float(ulp)))
            worst = max(worst, found)
            if problem:
                failures.append(f"{operation}{form}{problem}")
        if index % 100 == 99:
            print(f"{index + 1} kernels", flush=True)
        results.append({"operation": operation, "exact": not float(ulp), "ulp": worst})

    by_name: dict[str, float] = collections.defaultdict(float)
    for result in results:
        if not result["exact"]:
            by_name[result["operation"].split(":")[0]] = max(by_name[result["operation"].split(":")[0]], result["ulp"])
    print("\nlargest distance from the portable engine, in ulp:")
    print("  " + ", ".join(f"{name} {value:g}" for name, value in sorted(by_name.items())))
    exact = sum(1 for r in results if r["exact"] and r["ulp"] == 0)
    print(f"exact operations: {exact} of {sum(1 for r in results if r['exact'])} agree to the bit")

    times = timed(device, functions)
    for failure in failures[:60]:
        print("differs:", failure)
    print(f"{len(failures)} differences in {len(rows)} kernels")
    if arguments.json:
        figures = {
            "device": device.name,
            "driver": device.driver,
            "results": results,
            "failures": failures,
            "times": times,
        }
        arguments.json.write_text(json.dumps(figures, indent=1))
    return 1 if failures else 0


def check(device: Device, function: Any, arrays: list[np.ndarray], outputs: int, rounds: bool) -> tuple[float, str]:
    """Run a kernel; return how far its results are from the expected ones, and what is wrong with them."""
    memory = [device.allocate(a.nbytes) for a in arrays]
    for position, (a, address) in enumerate(zip(arrays, memory, strict=True)):
        content = np.full(a.nbytes, 0xA5, np.uint8) if position < outputs else np.ascontiguousarray(a)
        device.call("cuMemcpyHtoD_v2", address, content.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(a.nbytes))
    device.launch(function, [m.value for m in memory], [a.itemsize for a in arrays], len(arrays[0]))
    device.call("cuCtxSynchronize")
    worst, problem = 0.0, ""
    for want, address in zip(arrays[:outputs], memory, strict=False):
        got = np.empty_like(want)
        device.call("cuMemcpyDtoH_v2", got.ctypes.data_as(ctypes.c_void_p), address, ctypes.c_size_t(want.nbytes))
        distance = ulps(want, got) if want.dtype.kind == "f" else np.where(want == got, 0.0, np.inf)
        wrong = distance > MOST_ULP if rounds else distance > 0
        if rounds and want.dtype.kind == "f":
            with np.errstate(all="ignore"):
                wrong &= ~(np.abs(got - want) <= MOST_ULP * np.finfo(want.dtype).eps)  # parts of about 1 cancel
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            given = ", ".join(str(a[first]) for a in arrays[outputs:])
            problem = f"({given}): {got[first]!r}, not {want[first]!r}; {int(wrong.sum())} of {len(want)} differ"
        worst = max(worst, float(distance.max()))
    for address in memory:
        device.call("cuMemFree_v2", address)
    return worst, problem


def timed(device: Device, functions: dict[str, Any]) -> dict[str, float]:
    size = LARGE * 8
    memory = [device.allocate(size) for _ in range(3)]
    host = np.random.default_rng(1).random(1 << 20) + 0.5
    for address in memory:
        for part in range(0, size, host.nbytes):
            device.call("cuMemcpyHtoD_v2", ctypes.c_uint64(address.value + part),
                        host.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(host.nbytes))  # fmt: skip
    copy = device.seconds(lambda: device.call("cuMemcpyDtoD_v2", memory[0], memory[1], ctypes.c_size_t(size)))
    best = 2 * size / copy
    print(f"\ncopy: {best / 1e9:.0f} GB/s")
    times = {"copy": best}
    for operation in [name + form for name in TIMED for form in ("", "_flat")]:
        if operation not in functions:
            continue
        function, dtypes = functions[operation]
        addresses = [memory[k].value for k in range(len(dtypes))]
        seconds = device.seconds(
            lambda: device.launch(function, addresses, [d.itemsize for d in dtypes], LARGE)  # noqa: B023
        )
        rate = LARGE * sum(d.itemsize for d in dtypes) / seconds
        times[operation] = rate
        print(f"{operation:20} {1e3 * seconds:7.3f} ms  {rate / 1e9:6.0f} GB/s  {rate / best:.2f} of the copy")
    for address in memory:
        device.call("cuMemFree_v2", address)
    return times


def _device() -> tuple[str, str, str] | str:
    """Name, driver and architecture, or what is missing."""
    try:
        device = Device()
    except (SystemExit, RuntimeError) as error:
        return str(error)
    return device.name, device.driver, f"sm_{device.major}{device.minor}"


if __name__ == "__main__":
    sys.exit(main())
