"""Random NumPy programs, run with NumPy and with Maniple; a difference is shrunk to a script.

    python integration-tests/python/random_programs.py --programs 2000 --seed 1
    MANIPLE_BACKEND=reference python integration-tests/python/random_programs.py

A program is a list of 5 to 60 statements on variables a0, a1, …: creation, elementwise
operations, views, writes in place and through views, masks, index arrays, reductions, products, sorting.
The sign of a NaN is nobody's promise (NumPy's own minimum changes it by dtype), so no statement asks for it.
After the last statement all variables are compared: dtype and shape exactly, values exactly where
the backend is NumPy, else to --ulp units in the last place of the largest element. So is whether
and with which type of exception a statement fails. The smallest failing program is printed as a
script that runs by itself.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import numpy

DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "float16", "float32", "float64", "complex64", "complex128")  # fmt: skip
UNARY = ("negative", "absolute", "square", "sqrt", "sign", "isnan", "conjugate", "floor",
         "logical_not", "invert", "rint", "isfinite", "positive")  # fmt: skip
BINARY = ("add", "subtract", "multiply", "true_divide", "maximum", "minimum", "less", "equal",
          "greater_equal", "not_equal", "logical_and", "logical_or", "bitwise_and", "bitwise_xor",
          "floor_divide", "remainder", "fmax")  # fmt: skip
OPERATORS = ("+", "-", "*", "<", ">=", "==", "&", "|", "^", "//", "%")
REDUCTIONS = ("sum", "prod", "min", "max", "any", "all", "mean", "argmax", "argmin", "cumsum")
SCALARS = ("0", "1", "2", "-1", "3", "0.5", "1e3", "True", "1j", "np.float32(2)", "np.int8(3)",
           "float('nan')", "300")  # fmt: skip


class Generator:
    """Writes statements; keeps only the number of variables, so any subset is a program, too."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = 0

    def program(self) -> list[str]:
        statements = [self.create() for _ in range(self.random.randint(2, 4))]
        for _ in range(self.random.randint(5, 60)):
            statements.append(self.statement())
        return statements

    def new(self) -> str:
        self.count += 1
        return f"a{self.count - 1}"

    def old(self) -> str:
        # Recent variables are used more.
        return f"a{max(self.random.randrange(self.count), self.random.randrange(self.count))}"

    def choice(self, options: Any) -> Any:
        return self.random.choice(options)

    def create(self) -> str:
        shape = self.choice(
            ("(6,)", "(4, 6)", "(3, 4, 6)", "(1, 6)", "(4, 1)", "(0, 6)", "(1,)", "(12,)",
             "(6, 4)", "(2, 3, 4)", "(24,)")
        )  # fmt: skip
        dtype = self.choice(DTYPES)
        name = self.new()
        kind = self.random.random()
        if kind < 0.15:
            maker = self.choice(("zeros", "ones"))
            return f"{name} = np.{maker}({shape}, '{dtype}')"
        if kind < 0.3:
            return f"{name} = np.full({shape}, {self.random.randint(0, 5)}, '{dtype}')"
        size = f"int(np.prod({shape}))"
        low = 0 if dtype[0] in "bu" else -7
        return (
            f"{name} = np.asarray((np.arange({size}) * {self.random.randint(1, 11)} % 15 + {low})"
            f".astype('{dtype}').reshape({shape}))"
        )

    def index(self) -> str:
        part = lambda: self.choice((":", "::2", "::-1", "1:", ":-1", "1:3", "0", "-1", "None", "...", "2:1", "-3::-2"))
        parts = [part() for _ in range(self.random.randint(1, 3))]
        return ", ".join(p for i, p in enumerate(parts) if p != "..." or "..." not in parts[:i])

    def value(self) -> str:
        return self.choice(SCALARS) if self.random.random() < 0.35 else self.old()

    def statement(self) -> str:
        kinds: list[tuple[int, Callable[[], str]]] = [
            (2, self.create),
            (8, lambda: f"{self.old_to_new()} = np.{self.choice(UNARY)}({self.old_()})"),
            (6, self.binary),
            (10, self.operator),
            (8, self.view),
            (5, self.in_place),
            (6, self.assign),
            (3, self.masked),
            (3, self.fancy),
            (4, self.reduce),
            (2, self.select),
            (2, self.join),
            (2, self.look),
            (1, self.out),
            (1, self.product),
            (1, self.draw),
            (3, self.sort),
            (1, self.linear),
            (1, self.transform),
        ]
        weights = [w for w, _ in kinds]
        return self.random.choices([k for _, k in kinds], weights)[0]()

    # A new name must be drawn after the operands, or a statement could use what it defines.
    def old_(self) -> str:
        return self._operand

    def old_to_new(self) -> str:
        self._operand = self.old()
        return self.new()

    def binary(self) -> str:
        x, y = self.old(), self.value()
        if self.random.random() < 0.3:
            x, y = y, x
        return f"{self.new()} = np.{self.choice(BINARY)}({x}, {y})"

    def operator(self) -> str:
        x, y = self.old(), self.value()
        if self.random.random() < 0.3:
            x, y = y, x
        return f"{self.new()} = {x} {self.choice(OPERATORS)} {y}"

    def view(self) -> str:
        x = self.old()
        form = self.choice(
            (f"{x}[{self.index()}]", f"{x}.T", f"{x}.reshape(-1)", f"{x}.real", f"{x}.ravel()",
             f"np.flip({x})", f"{x}.squeeze()", f"{x}[..., None]", f"np.moveaxis({x}, 0, -1)",
             f"{x}[{self.index()}]", f"np.broadcast_to({x}, (2,) + {x}.shape)", f"{x}.imag",
             f"{x}.diagonal()", f"{x}.view('uint8')", f"{x}.reshape(2, -1)", f"{x}.copy()",
             f"{x}.astype('{self.choice(DTYPES)}')", f"{x}.swapaxes(0, -1)")
        )  # fmt: skip
        return f"{self.new()} = {form}"

    def in_place(self) -> str:
        x, y = self.old(), self.value()
        target = f"{x}[{self.index()}]" if self.random.random() < 0.5 else x
        return f"{target} {self.choice(('+', '-', '*', '&', '|', '//'))}= {y}"

    def assign(self) -> str:
        x = self.old()
        y = self.value()
        if self.random.random() < 0.3:
            y = f"{x}[{self.index()}]"
        return f"{x}[{self.index()}] = {y}"

    def masked(self) -> str:
        x, y = self.old(), self.choice(SCALARS[:6])
        m = f"{x} {self.choice(('>', '<', '=='))} {self.choice(('0', '1', '3'))}"
        return self.choice(
            (f"{x}[{m}] = {y}", f"a_m = {m}; {x}[a_m] += {y}", f"{x}[{m}] *= 2",
             f"a_m = {m}; {x}[a_m] = {x}[a_m] + 1", f"np.copyto({x}, {y}, where={m})")
        )  # fmt: skip

    def fancy(self) -> str:
        x = self.old()
        i = self.choice(("[0, 2, 1]", "[-1, 0]", "[[0, 1], [2, -2]]", "[5, 0, 0]", "[100]"))
        y = self.choice(SCALARS[:6])
        kind = self.random.random()
        if kind < 0.4:
            return f"{x}[np.array({i})] = {y}"
        form = self.choice(
            (f"{x}[np.array({i})]", f"{x}[:, np.array({i})]", f"np.take({x}, {i}, axis=-1)",
             f"{x}[np.array({i}), np.array({i})]", f"{x}[{i}]")
        )  # fmt: skip
        return f"{self.new()} = {form}"

    def reduce(self) -> str:
        x, name = self.old(), self.choice(REDUCTIONS)
        axis = self.choice(("", "axis=0", "axis=-1", "axis=1"))
        if name != "cumsum" and self.random.random() < 0.25 and axis:
            axis += ", keepdims=True"
        return f"{self.new()} = np.asarray({x}.{name}({axis}))"

    def select(self) -> str:
        x, y = self.old(), self.value()
        m = f"{x} > {self.choice(('0', '1', '3'))}"
        form = self.choice(
            (f"np.where({m}, {x}, {y})", f"{x}[{m}]", f"np.asarray({x}[{m}].sum())",
             f"({x}[{m}] * 2 + 1)", f"np.asarray({x}[{m}].mean())", f"np.clip({x}, 0, 3)",
             f"np.asarray(np.count_nonzero({m}))")
        )  # fmt: skip
        return f"{self.new()} = {form}"

    def join(self) -> str:
        x, y = self.old(), self.old()
        form = self.choice(
            (f"np.concatenate(({x}, {y}))", f"np.stack(({x}, {x}), axis=-1)", f"np.roll({x}, 1)",
             f"np.tile({x}, 2)", f"np.repeat({x}, 2)", f"np.hstack(({x}, {y}))",
             f"np.roll({x}, -1, axis=0)", f"np.diff({x})", f"np.vstack(({x}, {y}))")
        )  # fmt: skip
        return f"{self.new()} = {form}"

    def look(self) -> str:
        x = self.old()
        return self.choice(
            (f"s = str({x})", f"s = bool({x}.any())", f"r = numpy.asarray({x})", f"del {x}",
             f"r = numpy.asarray({x}); {x} += 1", f"s = float({x}.sum().real)")
        )  # fmt: skip

    def out(self) -> str:
        x, y, z = self.old(), self.value(), self.old()
        return f"np.{self.choice(BINARY)}({x}, {y}, out={z})"

    def draw(self) -> str:
        name, kind = self.new(), self.choice(("PCG64", "PCG64DXSM", "Philox", "MT19937", "SFC64"))
        shape = self.choice(("(4, 6)", "(24,)", "(3, 4, 6)", "(0, 6)", "7"))
        calls = (f"g.random({shape})", f"g.random({shape}, 'f4')", f"g.integers(-3, 100, {shape}, 'i1')",
                 f"g.integers(0, 3 << 61, {shape})", f"g.integers(9, size={shape}, dtype='u4')",
                 f"g.uniform(-1, 2, {shape})", f"g.normal(1, 2, {shape})", f"g.permutation({shape})[..., None]"
                 if shape == "7" else f"g.poisson(3, {shape})")  # fmt: skip
        start = f"g = np.random.Generator(np.random.{kind}({self.random.randint(0, 9)}))"
        return f"{start}; {name} = {self.choice(calls)}; {name} = {name} * {self.choice(calls)}"

    def sort(self) -> str:
        x, y = self.old(), self.old()
        axis = self.choice(("-1", "0", "None"))
        form = self.choice(
            # + 0: how zeros of both signs are ordered is not said.
            (f"np.sort({x} + 0, axis={axis})", f"np.argsort({x}, axis={axis}, kind='stable')",
             f"{x}[...] = {x} + 0; {x}.sort(axis={axis})",
             f"np.sort(np.partition({x} + 0, 0, axis={axis}), axis={axis})", f"np.searchsorted(np.sort({y}, axis=None), {x})",
             f"np.stack(np.nonzero({x}))", f"np.unique({x} + 0)", f"np.unique({x}, return_inverse=True)[1]",
             f"np.unique({x}, return_counts=True)[1]", f"np.bincount(np.arange({x}.size) % 4, {x}.ravel())",
             f"np.histogram({x}, 5, range=(-3, 9))[0]", f"np.lexsort(({x}.ravel(), {x}.ravel() > 2))",
             f"np.repeat({x}, np.arange(len({x})) % 3, axis=0)", f"np.maximum.reduceat({x}, [0, 1, 0])",
             f"np.add.at({x}, np.array([0, 1, 0]), {y})", f"np.packbits({x})", f"np.digitize({x}, [0, 2, 5])",
             f"np.median({x}, axis={axis}) + 0", f"np.percentile({x}, [10, 50]) + 0")
        )  # fmt: skip
        return form if ".at(" in form or ".sort(axis" in form else f"{self.new()} = np.asarray({form})"

    def product(self) -> str:
        x, y = self.old(), self.old()
        form = self.choice((f"{x} @ {y}", f"np.dot({x}, {y})", f"{x} @ {x}.T", f"np.outer({x}, {y})"))
        return f"{self.new()} = np.asarray({form})"

    def linear(self) -> str:
        """Of a matrix far from singular, made of an array that may be anything."""
        x = self.old()
        square = f"(np.eye(3) * 40 + np.resize(np.nan_to_num({x}), (3, 3)).astype(float) % 7)"
        form = self.choice(
            (f"np.linalg.inv({square})", f"np.linalg.solve({square}, np.arange(3.0))",
             f"np.linalg.det({square})", f"np.linalg.cholesky({square} + {square}.T)",
             f"np.linalg.svd({square}, compute_uv=False)", f"np.linalg.inv({x})",
             f"np.linalg.eigvalsh({square} + {square}.T)", f"np.matmul({x}[..., None], {x}[..., None, :])",
             f"np.einsum('ij,kj->ik', {square}, {square})")
        )  # fmt: skip
        return f"{self.new()} = np.asarray({form})"

    def transform(self) -> str:
        x, axis = self.old(), self.choice(("0", "-1"))
        # Where infinities and NaN go is up to the order of the additions.
        x = f"np.where(np.abs({x}) < 1e6, {x}, 1)"
        form = self.choice(
            (f"np.fft.fft({x}, axis={axis})", f"np.fft.ifft({x}, 5)", f"np.fft.rfft({x}, axis={axis})",
             f"np.fft.irfft({x}, 7, norm='ortho')", f"np.fft.fft2({x})", f"np.fft.fftshift({x})")
        )  # fmt: skip
        # Rounded, and without negative zeros, since an error is relative to the whole row: near zero nothing is certain.
        return f"{self.new()} = np.asarray(np.round({form}, 6) + 0)"


def execute(statements: list[str], np: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the arrays after the last statement, and the exceptions on the way."""
    scope: dict[str, Any] = {"np": np, "numpy": numpy}
    failures = []
    with warnings.catch_warnings(), numpy.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for i, statement in enumerate(statements):
            try:
                exec(compile(statement, f"<statement {i}: {statement}>", "exec"), scope)
            except Exception as error:
                failures.append(f"{statement}: {_kind(error)}")
        values = {}
        for name, value in list(scope.items()):
            if name[0] == "a" and isinstance(value, (numpy.ndarray, numpy.generic)):
                try:
                    values[name] = numpy.array(numpy.asarray(value))
                except Exception as error:
                    failures.append(f"{name}: {_kind(error)}")
    return values, failures


def _kind(error: Exception) -> str:
    # UFuncTypeError's subclasses are private to NumPy.
    for kind in (IndexError, OverflowError, ZeroDivisionError, NameError, AttributeError,
                 numpy.exceptions.AxisError, TypeError, ValueError):  # fmt: skip
        if isinstance(error, kind):
            return kind.__name__
    return f"{type(error).__name__}: {error}"


def difference(statements: list[str], ulp: float) -> str:
    """Return what differs between NumPy and Maniple, or an empty string."""
    import maniple

    expected, expected_failures = execute(statements, numpy)
    actual, actual_failures = execute(statements, maniple)
    if expected_failures != actual_failures:
        first = [f for f in actual_failures if f not in expected_failures] + [
            f"no error: {f}" for f in expected_failures if f not in actual_failures
        ]
        return f"exceptions differ: {first[:1]}"
    if expected.keys() != actual.keys():
        return f"names differ: {sorted(expected.keys() ^ actual.keys())}"
    for name, want in expected.items():
        got = actual[name]
        if want.dtype != got.dtype or want.shape != got.shape:
            return f"{name}: {got.dtype} {got.shape}, not {want.dtype} {want.shape}"
        if not _equal(want, got, ulp):
            return f"{name}:\n{got}\nnot\n{want}"
    return ""


def _equal(want: Any, got: Any, ulp: float) -> bool:
    if numpy.array_equal(want, got, equal_nan=want.dtype.kind in "fc"):
        return True
    if want.dtype.kind not in "fc" or not ulp:
        return False
    scale = numpy.max(numpy.abs(want[numpy.isfinite(want)]), initial=0.0)
    tolerance = ulp * numpy.finfo(want.dtype).eps * float(scale)
    return bool(numpy.allclose(want, got, rtol=0, atol=tolerance, equal_nan=True))


def shrink(statements: list[str], ulp: float) -> list[str]:
    """Remove statements, in ever smaller groups, as long as a difference remains."""
    size = max(1, len(statements) // 2)
    while True:
        removed = False
        start = 0
        while start < len(statements):
            shorter = statements[:start] + statements[start + size :]
            if shorter and difference(shorter, ulp):
                statements, removed = shorter, True
            else:
                start += size
        if not removed:
            if size == 1:
                return statements
            size //= 2


def script(statements: list[str], message: str) -> str:
    lines = ["import numpy", "import maniple as np", "", *statements, ""]
    return "\n".join(lines) + textwrap.indent(message, "# ") + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--ulp", type=float, default=64.0)
    parser.add_argument("--keep-going", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("MANIPLE_DEFER_ALL", "1")
    failed = 0
    for seed in range(arguments.seed, arguments.seed + arguments.programs):
        statements = Generator(seed).program()
        if difference(statements, arguments.ulp):
            failed += 1
            smallest = shrink(statements, arguments.ulp)
            message = difference(smallest, arguments.ulp)
            print(f"seed {seed} fails; smallest program:\n\n{script(smallest, message)}")
            if not arguments.keep_going:
                return 1
    print(f"{arguments.programs - failed} of {arguments.programs} programs agree with NumPy "
          f"(seeds from {arguments.seed})")  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
