"""Floating-point warnings: what NumPy gives, at the line where the operation was recorded."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import maniple

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    -2.0,
    np.inf,
    -np.inf,
    np.nan,
    1e308,
    -1e308,
    300.0,
    -5.0,
]
PAIRS = np.array(list(itertools.product(SPECIAL, SPECIAL)))
INTEGERS = [0, 1, -1, 7, -7, -(2**7), -(2**15), -(2**31), 2**40, -(2**63)]
PARTS = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e200, -1e200]

ONE = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
       "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "cbrt", "sqrt",
       "reciprocal", "square", "floor", "ceil", "trunc", "rint", "sign", "absolute", "fabs",
       "negative", "isnan", "isfinite", "degrees", "rad2deg", "radians", "spacing", "frexp", "modf",
       "signbit", "positive"]  # fmt: skip
TWO = ["add", "subtract", "multiply", "divide", "power", "floor_divide", "remainder", "fmod",
       "arctan2", "maximum", "minimum", "fmax", "fmin", "less", "greater_equal", "equal",
       "copysign", "heaviside", "float_power", "hypot", "nextafter", "ldexp", "divmod"]  # fmt: skip

SIZE = 40_003

PROGRAMS = [
    "y = 1 / x\ny = y * 0\nz = np.log(x)",
    "z = x / 0\nz = z - z\nz.sum()",
    "z = (x * 1e308 * 10).astype(np.int64)",
    "z = (x * 1e10).astype(np.int32)",
    "z = (x * 1e10).astype(np.int64)",
    "y = (x * 1e300).astype(np.float32)\nz = (x * 1e10).astype(np.float16)",
    "z = np.add.reduce(np.full(x.shape, 1e308))",
    "y = np.where(x > 0, 1 / x, 0)\nz = np.where(x > 0, np.log(np.abs(x) + 1), 0)",
    "z = np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)",
    "z = np.maximum(x * np.nan, 0)\nz = np.minimum(z, 1) > 0\nz = (x * np.nan).max()",
    "z = np.clip(x * np.nan, 0, 1)",
    "i = np.arange(x.size)\ny = i // (i % 3)\nz = i % (i % 5)",
    "x /= 0", "x -= 3\nx *= 2",
    "y = x + 2\ny += x * 1e308\ny -= 1",
    "y = x + 2\ny /= x",
    "with np.errstate(divide='ignore'):\n    y = 1 / x\nz = np.log(x)",
    "with np.errstate(all='ignore'):\n    y = np.log(x) * (1 / x)\nz = y.sum()",
    "y = np.exp(x * 1000)\nz = y[::-2] * 10",
    "z = x.reshape(-1, 1)[:9] / x[:5]\nz = (z.T / 2).mean()",
    "z = x.std() + x.mean() + x.var() + x.prod()",
    "z = np.sqrt(x) + np.sqrt(np.abs(x))",
    "z = x[::2] ** 2 + x[1::2].mean()\nz = np.hypot(x, x)\nz = x ** 0.5",
    "z = 1 / x[x != 0]\nm = x > 0\ny = x.copy()\ny[m] = np.log(x[m]) * x[m] ** -1.5",
    "z = x[np.isfinite(x)] * np.inf\nz = np.arctanh(x[np.abs(x) < 1])\nz = 1 / (x[x > 1] - 1)",
    "z = 1 / x[x >= 0]\nz = np.sqrt(x[x < 1]).sum()\nz = x[x > 0] * 1e308",
    "z = x[x > 3] - x[x > 3]\nx[x == 0] += 1\nz = 1 / x",
    "i = np.arange(x.size)\nz = i[i > 0] // i[i > 0]",
    "z = 1 / (x - x[::-1] + 3)\nz = x[:1001] / (x[:1001] + 5)",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _defer(defer_all: None) -> None:
    pass


def _run(program: str, names: dict[str, Any], file: str) -> set[tuple[str, str, int]]:
    code = compile(program, file, "exec")
    failed: set[tuple[str, str, int]] = set()
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        try:
            exec(code, names)
        except FloatingPointError:
            raise
        except Exception as error:
            failed.add((type(error).__name__, str(error), 0))
        for value in list(names.values()):
            if isinstance(value, (maniple.ndarray, np.ndarray)):
                np.asarray(value)
    assert {w.filename for w in given} <= {file}
    return failed | {(w.category.__name__, str(w.message), w.lineno) for w in given}


def _check(program: str, **arrays: np.ndarray) -> None:
    plain = _run(program, {"np": np, **{k: v.copy() for k, v in arrays.items()}}, "<plain>")
    ours = {k: maniple.array(v) for k, v in arrays.items()}
    assert _run(program, {"np": maniple, **ours}, "<deferred>") == plain


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: str) -> None:
    _check(program, x=np.linspace(-1, 1, SIZE))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("name", ONE)
def test_functions_of_one(name: str, dtype: type) -> None:
    for value in SPECIAL:
        with np.errstate(all="ignore"):
            x = np.full(7, value).astype(dtype)
        _check(f"z = np.{name}(x)", x=x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TWO)
def test_functions_of_two(name: str, dtype: type) -> None:
    for a, b in PAIRS:
        with np.errstate(all="ignore"):
            x, y = np.full(5, a).astype(dtype), np.full(5, b).astype(dtype)
        _check(f"z = np.{name}(x, y)", x=x, y=y)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16, np.int8, np.uint16, np.uint64])
@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod", "add", "divmod"])
def test_integers(name: str, dtype: type) -> None:
    for a, b in itertools.product(INTEGERS, repeat=2):
        x, y = np.full(5, a).astype(dtype), np.full(5, b).astype(dtype)
        _check(f"z = np.{name}(x, y)", x=x, y=y)


COMPLEX = [complex(a, b) for a, b in itertools.product(PARTS, repeat=2)]


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "equal", "maximum"])
def test_complex_functions_of_two(name: str, dtype: type) -> None:
    for a, b in itertools.product(COMPLEX[::4], COMPLEX[::5]):
        if name == "divide" and np.isnan(b):
            continue  # how NumPy compares a NaN is its compiler's choice
        with np.errstate(all="ignore"):
            x, y = np.full(5, a).astype(dtype), np.full(5, b).astype(dtype)
        _check(f"z = np.{name}(x, y)", x=x, y=y)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize(
    "name", ["square", "reciprocal", "negative", "absolute", "conjugate", "rint"]
)
def test_complex_functions_of_one(name: str, dtype: type) -> None:
    for a in COMPLEX:
        if name == "reciprocal" and np.isnan(a):
            continue  # how NumPy compares a NaN is its compiler's choice
        with np.errstate(all="ignore"):
            x = np.full(5, a).astype(dtype)
        _check(f"z = np.{name}(x)", x=x)


# -- casts, wherever they happen ---------------------------------------------------------------

NUMBERS = "?bBhHiIlLefdFD"
VALUES = {"f": (np.nan, 1e300, 7e4), "c": (complex(np.nan, 1), 1e300j, 7e4 + 0j), "b": (1,)}
CASTS = [
    "z = x.astype(dtype)",
    "x.astype(dtype)",  # of which nobody sees the result
    "z = x[::-2].astype(dtype)",
    "z = np.empty(x.shape, dtype)\nnp.copyto(z, x, casting='unsafe')",
    "z = np.zeros(x.shape, dtype)\nnp.copyto(z, x, casting='unsafe', where=[True, False, True])",
    "z = np.zeros(x.shape, dtype)\nnp.copyto(z, x[1], casting='unsafe')",
    "z = np.zeros(x.shape, dtype)\nz[:] = x",
    "z = np.zeros(x.shape, dtype)\nz[:] = x\nz[:] = 0",
    "z = np.zeros(x.shape, dtype)\nz[[0, 1]] = x[:2]",
    "z = np.zeros((5, 3), dtype)\nz[[0, 2]] = x",
    "z = np.zeros((5, 3), dtype)\nz[1:, [0, 2]] = x[:2]",
    "z = np.zeros(x.shape, dtype)\nz[np.array([True, False, True])] = x[:2]",
    "z = np.zeros(x.shape, dtype)\nz.flat[:] = x",
    "z = np.zeros(x.shape, dtype)\nz[0] = x[1]",
    "z = np.zeros(x.shape, dtype)\nz.fill(x[1])",
    "np.zeros(x.shape, dtype).fill(x[1])",
    "z = np.add(x.repeat(4_000), 1, dtype=dtype, casting='unsafe')",
    "z = np.add(x, x, out=np.zeros(x.shape, dtype), casting='unsafe')",
    "z = np.concatenate([x, x], dtype=dtype, casting='unsafe')",
    "z = np.add.reduce(x, dtype=dtype)",
    "z = np.array(x, dtype)",
]


@pytest.mark.parametrize("target", NUMBERS)
@pytest.mark.parametrize("source", NUMBERS)
def test_casts(source: str, target: str) -> None:
    for value in VALUES.get(np.dtype(source).kind, (70_000, -5)):
        with np.errstate(all="ignore"):
            x = np.full(3, value, "D" if type(value) is complex else "d").astype(source)
        for program in CASTS:
            _check(f"dtype = np.dtype({target!r})\n{program}", x=x)


# -- every way of being told -------------------------------------------------------------------

MODES = ["ignore", "warn", "raise", "call", "log", "print"]
EVERYWHERE = [
    "z = x / 0",
    "z = x * large",
    "z = (x * 0) / (x * 0)",
    "x *= large",
    "x /= 0",
    "z = np.multiply(x, large, out=np.zeros_like(x))",
    "z = np.multiply(x, large, where=[True, False] * 4, out=np.zeros_like(x))",
    "z = np.add.reduce(x * (large / 8))",
    "z = np.multiply.reduce(x * (large / 8))",
    "z = np.add.accumulate(x * (large / 8))",
    "z = np.multiply.accumulate(x * (large / 8))",
    "z = np.add.accumulate((x * (large / 8)).reshape(2, 4), axis=0)",
    "z = np.add.accumulate((x * (large / 8)).repeat(8).reshape(8, 8), axis=0)",
    "z = np.add.reduce((x * (large / 8)).reshape(2, 4), axis=0)",
    "z = np.add.reduce((x * (large / 8)).reshape(2, 4), axis=1)",
    "z = np.add.reduceat(x * (large / 8), [0, 4])",
    "np.add.at(x, [0, 0, 1], np.full(3, large, x.dtype))",
    "z = np.add.outer(x * large, x * large)",
    "z = np.square(x * large)",
    "z = np.reciprocal(x * 0)",
    "z = x.real.astype('l') // 0",
    "z = x - large\nz = z - large",
    "z = x * large\nz = z - z\nz = z * 0",
]
PRODUCTS = [
    "z = np.full((3, 3), large, dtype) @ np.full((3, 3), 4, dtype)",
    "z = np.full((3, 3), np.inf, dtype) @ np.zeros((3, 3), dtype)",
    "z = np.full((2, 3, 3), np.inf, dtype) @ np.zeros((3, 3), dtype)",
    "z = np.dot(np.full((3, 3), large, dtype), np.full((3, 3), 4, dtype))",
    "z = np.dot(np.full(3, np.inf, dtype), np.zeros(3, dtype))",
    "z = np.full((3, 3), np.nan, 'd') @ np.full((3, 3), np.inf, 'd')",
    "z = np.full(3, np.inf, dtype) @ np.zeros(3, dtype)",
    "z = np.matmul(np.full((4, 3), 1e308), np.full(3, 4.0))",
]


class _Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text)


def _told(program: str, names: dict[str, Any], mode: str, capfd: Any) -> Any:
    """Return everything that a program's errors have led to."""
    calls: list[tuple[str, int]] = []
    log = _Log()
    target = log if mode == "log" else lambda kind, flags: calls.append((kind, flags))
    error = ""
    given: Any = set()
    with np.errstate(divide=mode, over=mode, invalid=mode, call=target):
        try:
            given = _run(program, names, "<program>")
        except FloatingPointError as raised:
            error = str(raised)
    return given, error, set(calls), set(log.lines), set(capfd.readouterr().out.splitlines())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["e", "f", "d", "F", "D"])
def test_every_mode(dtype: str, mode: str, capfd: pytest.CaptureFixture[str]) -> None:
    large = np.dtype(dtype).type(0).real.dtype.type(np.finfo(dtype).max)
    for program in EVERYWHERE + (PRODUCTS if dtype != "e" else []):
        x = np.arange(1, 9).astype(dtype)
        names = {"large": large, "dtype": dtype}
        plain = _told(program, {"np": np, "x": x.copy(), **names}, mode, capfd)
        ours = _told(program, {"np": maniple, "x": maniple.array(x), **names}, mode, capfd)
        assert ours == plain, program


@pytest.mark.parametrize("size", range(1, 20))
def test_what_lies_behind_the_end_raises_nothing(size: int) -> None:
    x = np.arange(1.0, size + 1)
    for dtype in (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8):
        _check("a = 1 / x\nb = x / x\nc = x // x\nx //= x", x=x.astype(dtype))
        _check("z = 1 / x[::-1]", x=x.astype(dtype))
    x[-1] = 0
    _check("y = 1 / x\nz = np.log(x)", x=x)


def test_a_filter_makes_it_an_error() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = 1 / x
        with pytest.raises(RuntimeWarning, match="divide by zero encountered in divide"):
            float(y[0])
        assert float(y[0]) == np.inf


def test_ignored_inside_a_block_stays_ignored() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = 1 / x
        assert float(y[0]) == np.inf
    assert not given


def test_default_filter_warns_once() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default")
        for _ in range(3):
            float((1 / x)[0])
    assert len(given) == 1


def test_what_numpy_does_is_told_at_the_line_that_asked_for_it() -> None:
    x = maniple.zeros(2_000)  # too small to be deferred
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("default")
        for _ in range(3):
            1 / x
        1 / x
    assert [(w.filename, str(w.message)) for w in given] == [
        (__file__, "divide by zero encountered in divide")
    ] * 2
    assert given[1].lineno == given[0].lineno + 1


def test_the_first_filter_stays_first() -> None:
    x = maniple.zeros(2_000, np.float32)
    for prepare in (warnings.resetwarnings, lambda: warnings.simplefilter("ignore")):
        with warnings.catch_warnings(record=True) as given:
            prepare()
            warnings.filterwarnings("always", category=RuntimeWarning, module=__name__)
            x[0] = 1e300
        assert [w.filename for w in given] == [__file__]


def test_results_that_die_unread_are_told_of() -> None:
    x = maniple.zeros(SIZE)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        y = 1 / x
        y = np.isfinite(y)
        del y
    assert [str(w.message) for w in given] == ["divide by zero encountered in divide"]


def test_underflow_is_told_of_where_somebody_asks() -> None:
    x = maniple.full(SIZE, 1e-300)
    with np.errstate(under="warn"), warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        y = x * x
        float(y[0])
    assert [str(w.message) for w in given] == ["underflow encountered in multiply"]
