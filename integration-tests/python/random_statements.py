"""Writes random programs, statement by statement, of the rows in `random_rows`.

The generator runs every statement with NumPy as it writes it. So it knows shapes, types and values,
draws what fits, keeps everything below `LIMIT` elements, and knows where NumPy's own result is open.
"""

from __future__ import annotations

import contextlib
import functools
import random
import re
import warnings
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

import numpy
from random_rows import DTYPES, FAMILIES, LARGE, SHAPES, WORDS

LIMIT = 250_000
"""The most elements that an array may have; larger ones are not kept."""
SMALL = 400
"""The most elements of an array whose products with others are made."""


class Row(NamedTuple):
    tags: frozenset[str]
    text: str
    statement: bool


@functools.lru_cache(2000)
def compiled(statement: str) -> CodeType:
    return compile(statement, f"<{statement}>", "exec")


def _rows(text: str) -> list[Row]:
    rows = []
    for line in text.strip().splitlines():
        line = line.strip()
        bar, mark = line.find("| "), line.find("! ")
        statement = mark >= 0 and (bar < 0 or mark < bar)
        at = mark if statement else bar
        body = line[at + 2 :].replace("\\n", "\n")
        rows.append(Row(frozenset(line[:at].split()), body, statement))
    return rows


_FAMILIES = {name: (weight, _rows(text)) for name, (weight, text) in FAMILIES.items()}


_DTYPES = frozenset(numpy.dtype(t) for t in DTYPES)


class _Unfit(Exception):
    """There is no array for what a row asks."""


def _finite(a: Any) -> bool:
    return bool(numpy.isfinite(a).all() and (abs(a) < 1e6).all())


_FITS: dict[str, Callable[[Any], bool]] = {
    "bool": lambda a: a.dtype.kind == "b",
    "int": lambda a: a.dtype.kind in "iu",
    "float": lambda a: a.dtype.kind in "fc",
    "complex": lambda a: a.dtype.kind == "c",
    "real": lambda a: a.dtype.kind in "biuf",
    "small": lambda a: a.size <= SMALL,
    "vector": lambda a: a.ndim == 1,
    "matrix": lambda a: a.ndim >= 2,
    "full": lambda a: a.ndim > 0 and a.size > 0,
    "finite": _finite,
}


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.large = self.random.random() < 0.2
        self.count = 0
        self.scope: dict[str, Any] = {"np": numpy, "numpy": numpy}
        self.open: dict[str, float] = {}
        """Variables whose values are near NumPy's only: compared, not used. With the size of the operands."""
        self.statements: list[str] = []
        self.known: dict[str, Any] = {}
        """The arrays that the statement being written may use."""
        self.base = self.choice(LARGE) if self.large else ""

    def program(self) -> list[str]:
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            self.run(f"g = np.random.Generator(np.random.{self.choice(WORDS['bits'])}({self.random.randint(0, 9)}))")
            for _ in range(self.random.randint(2, 4)):
                self.create()
            for _ in range(self.random.randint(4, 16) if self.large else self.random.randint(8, 50)):
                self.statement()
        return self.statements

    def choice(self, options: Any) -> Any:
        return self.random.choice(options)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    # -- running what is written ---------------------------------------------------------------

    def run(self, statement: str) -> bool:
        """Execute and keep a statement; most of those that fail are not kept."""
        with warnings.catch_warnings(record=True) as caught, numpy.errstate(invalid="warn"):
            warnings.simplefilter("always")
            try:
                exec(compiled(statement), self.scope)
            except (MemoryError, RecursionError):
                return False
            except Exception:
                if not self.chance(0.15):
                    return False
        if any("invalid value" in str(w.message) for w in caught) and self.place_decides(statement):
            # Everything once more without it, since it may have changed something.
            self.scope = {"np": numpy, "numpy": numpy}
            for kept in self.statements:
                with contextlib.suppress(Exception):
                    exec(compiled(kept), self.scope)
            return False
        self.statements.append(statement)
        for name in [n for n, v in self.scope.items() if isinstance(v, numpy.ndarray) and v.size > LIMIT]:
            self.statements.append(f"del {name}")
            del self.scope[name]
        return True

    def place_decides(self, statement: str) -> bool:
        """Whether a cast of floats out of range is one whose result depends on the place in the array."""
        names = re.findall(r"\ba\d+\b", statement)
        types = [str(getattr(self.scope.get(name), "dtype", "")) for name in names]
        return "uint32" in [*types, *re.findall(r"uint32", statement)]

    def arrays(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.scope.items()
            if name[0] == "a"
            and name not in self.open
            and type(value) is numpy.ndarray
            and value.dtype in _DTYPES
            and value.ndim <= 6
        }

    def pick(self, fits: Callable[[Any], bool]) -> str:
        """Return the name of an array that fits; recent ones more often."""
        names = [n for n, a in self.known.items() if fits(a)]
        if not names:
            raise _Unfit
        n = len(names)
        return names[max(self.random.randrange(n), self.random.randrange(n))]

    # -- statements ----------------------------------------------------------------------------

    def shape(self) -> str:
        if not self.large:
            return str(self.choice(SHAPES))
        shape = eval(self.base)
        kind = self.random.random()
        if kind < 0.15:
            shape = shape[-1:]
        elif kind < 0.25:
            shape = shape[:-1] + (1,)
        elif kind < 0.3:
            shape = (1,) + shape
        elif kind < 0.4:
            return str(self.choice(LARGE))
        return str(shape)

    def create(self) -> None:
        shape, dtype, kind = self.shape(), self.choice(DTYPES), self.random.random()
        name = self.new()
        if kind < 0.1:
            self.run(f"{name} = np.{self.choice(('zeros', 'ones'))}({shape}, '{dtype}')")
            return
        if kind < 0.2:
            self.run(f"{name} = np.full({shape}, {self.random.randint(0, 5)}, '{dtype}')")
            return
        size = int(numpy.prod(eval(shape)))
        low = 0 if dtype[0] in "bu" else -7
        values = f"np.arange({size}) * {self.random.randint(1, 11)} % 15 + {low}"
        order = self.choice(("", "", "", ", order='F'"))
        self.run(f"{name} = np.asarray(({values}).astype('{dtype}').reshape({shape}{order}))")
        if dtype[0] in "fc" and self.chance(0.5):
            special = self.choice(("np.nan", "np.inf", "-np.inf", "-0.0", "0.25", "1e-3"))
            self.run(f"{name}[{name} == {self.random.randint(0, 4)}] = {special}")

    def new(self) -> str:
        self.count += 1
        return f"a{self.count - 1}"

    def statement(self) -> None:
        if self.chance(0.05):
            self.create()
            return
        families = list(_FAMILIES.values())
        for _ in range(20):
            rows = self.random.choices(families, [weight for weight, _ in families])[0][1]
            row = self.choice(rows)
            try:
                if self.write(row):
                    return
            except _Unfit:
                continue

    def write(self, row: Row) -> bool:
        wanted = [_FITS[tag] for tag in row.tags if tag in _FITS]
        # Most of the time, what is not asked for is at least not empty.
        if self.chance(0.7):
            wanted.append(lambda a: a.size > 0)
        self.known = self.arrays()
        words = _Words(self, self.pick(lambda a: all(fit(a) for fit in wanted)), "finite" in row.tags)
        text = row.text.format_map(words)
        operands = [a for name, a in self.known.items() if name in words.used]
        if "bits" in row.tags and any(_has_nan(a) for a in operands):
            return False
        if "zeros" in row.tags and ("-0.0" in text or any(_negative_zero(a) for a in operands)):
            if row.statement:
                return False
            text = f"({text}) + 0"
        near = (
            "approx" in row.tags
            or ("sums" in row.tags and not all(_sums_exactly(a) for a in operands))
            or ("products" in row.tags and not all(_multiplies_exactly(a) for a in operands))
            or _complex_rounds(text, operands)
        )
        if near and (row.statement or "out=" in text):
            return False
        if row.statement:
            return self.run(text)
        if near and any(a.dtype == "f2" and _total(a) > 1000 for a in operands):
            return False  # NumPy's own sums lose all digits, or overflow
        if near and "products" in row.tags and any(_order_decides(a) for a in operands):
            return False
        name = self.new()
        if not self.run(f"{name} = {text}"):
            return False
        if near:
            size = max([_total(a) for a in operands], default=0.0)
            self.open[name] = size * _coarseness(self.scope.get(name), operands)
            self.settle(name)
        return True

    def settle(self, name: str) -> None:
        """Round what is near NumPy's value, away from all ties, so that it is NumPy's."""
        value = self.scope.get(name)
        if type(value) is not numpy.ndarray or value.dtype.char not in "fdD" or not value.size or not _finite(value):
            return
        largest = abs(value).max()
        if value.dtype.char in "dD" and largest < 1e4:
            offset = "1.23456e-6" if value.dtype.char == "d" else "(1.23456e-6 + 1.23456e-6j)"
            self.run(f"{self.new()} = np.round({name} + {offset}, 4) + 0")
        elif value.dtype == "f4" and largest < 30 and value.size < 50:
            self.run(f"{self.new()} = np.round({name} + 0.123456) + 0")


def _order_decides(a: Any) -> bool:
    """Whether the order of multiplications decides if a product ends as zero, infinity or NaN."""
    if a.dtype.kind not in "fc":
        return False
    with numpy.errstate(all="ignore"):
        sizes = numpy.abs(a.astype(numpy.result_type(a.dtype, "f4")))
        logarithms = numpy.log2(sizes[numpy.isfinite(sizes) & (sizes > 0)])
    limits = numpy.finfo(a.dtype)
    grows, shrinks = logarithms[logarithms > 0].sum(), logarithms[logarithms < 0].sum()
    return bool(grows >= limits.maxexp - 1 or shrinks <= limits.minexp + 1)


def _has_nan(a: Any) -> bool:
    return a.dtype.kind in "fc" and bool(numpy.isnan(a).any())


def _negative_zero(a: Any) -> bool:
    if a.dtype.kind not in "fc":
        return False
    parts = (a.real, a.imag) if a.dtype.kind == "c" else (a,)
    return any(bool((numpy.signbit(p) & (p == 0)).any()) for p in parts)


def _coarseness(result: Any, operands: list[Any]) -> float:
    """Return how much coarser the coarsest operand is than the result: its roundings are seen in it."""
    inexact = [a.dtype for a in (result, *operands) if isinstance(a, numpy.ndarray) and a.dtype.kind in "fc"]
    steps = [float(numpy.finfo(dtype).eps) for dtype in inexact]
    return max(steps) / steps[0] if steps else 1.0


def _total(a: Any) -> float:
    """Return how much is added up of an array, or of its squares."""
    finite = abs(a[numpy.isfinite(a)]).astype("f8")
    total = float(finite.sum())
    if a.size <= 1000:
        return total
    # NumPy's own errors, one an addition, are seen; all the more in single precision.
    errors = float(a.size) ** 0.5 / (1.0 if a.dtype.char in "fF" else 16.0)
    return (total + float((finite * finite).sum())) * errors


def _digits(a: Any) -> float:
    return 2.0 ** numpy.finfo(a.dtype).nmant


def _sums_exactly(a: Any) -> bool:
    """Whether all sums of elements are exact in the array's type, whatever the order."""
    if a.dtype.kind in "biu":
        return float(abs(a.astype("f8")).sum()) < 2.0**50
    parts = (a.real, a.imag) if a.dtype.kind == "c" else (a,)
    for part in parts:
        wide = part[numpy.isfinite(part)].astype("f8") * 64
        if (wide != numpy.rint(wide)).any() or abs(wide).sum() > min(_digits(part), 2.0**50):
            return False
    return True


def _multiplies_exactly(a: Any) -> bool:
    if a.dtype.kind in "biu":
        return True
    if a.dtype.kind == "c":
        return False
    wide = a[numpy.isfinite(a)].astype("f8")
    if (wide != numpy.rint(wide)).any():
        return False
    return float(numpy.log2(numpy.maximum(abs(wide), 1)).sum()) < numpy.finfo(a.dtype).nmant - 1


_PRODUCTS = re.compile(r"\*|multiply|square|prod")
_QUOTIENTS = re.compile(r"/|divide|reciprocal|\babs|absolute|sign\(|sqrt|power|\*\*|average|mean")


def _complex_rounds(text: str, operands: list[Any]) -> bool:
    """Whether products or quotients of complex numbers may be rounded in another place than NumPy's."""
    if not any(a.dtype.kind == "c" for a in operands):
        return False
    if _QUOTIENTS.search(text):
        return True
    return bool(_PRODUCTS.search(text)) and not all(_small_integers(a) for a in operands)


def _small_integers(a: Any) -> bool:
    parts = (a.real, a.imag) if a.dtype.kind == "c" else (a,)
    return all(bool((p == numpy.rint(p)).all() and (abs(p) < 1000).all()) for p in parts if a.dtype.kind != "b")


_ANEW = frozenset(("v", "w", "s", "i", "y"))
"""Words that mean something else each time in one statement."""


class _Words(dict[str, str]):
    """What the words in braces become for one statement on the array `x`."""

    def __init__(self, generator: Generator, x: str, finite: bool) -> None:
        super().__init__(x=x)
        self.generator = generator
        self.finite = finite
        self.array = generator.scope[x]
        self.used = {x}
        size = generator.random.randint(2, 5) if not generator.large else generator.choice((3, 17, 40))
        self["n"] = str(size)
        self["sq"] = f"(np.eye({size}) * 40 + np.resize(({x}).real, ({size}, {size})).astype(float) % 7)"

    def __missing__(self, word: str) -> str:
        g, a = self.generator, self.array
        if word in WORDS:
            text = str(g.choice(WORDS[word]))
            return text.replace("{shape}", self["shape"]) if "{shape}" in text else text
        method = getattr(self, f"_{word}", None)
        if method is None:
            raise KeyError(word)
        result: str = method(g, a)
        if word not in _ANEW:
            self[word] = result
        return result

    def other(self, fits: Callable[[Any], bool]) -> str:
        try:
            name = self.generator.pick(lambda a: fits(a) and (not self.finite or _finite(a)))
        except _Unfit:
            name = self["x"]
        self.used.add(name)
        return name

    def _new(self, g: Generator, a: Any) -> str:
        return g.new()

    def _y(self, g: Generator, a: Any) -> str:
        strict = g.chance(0.9)

        def fits(b: Any) -> bool:
            try:
                shape = numpy.broadcast_shapes(a.shape, b.shape)
            except ValueError:
                return not strict
            return bool(numpy.prod(shape, dtype=float) <= LIMIT)

        return self.other(fits)

    def _v(self, g: Generator, a: Any) -> str:
        return self["e"] if g.chance(0.3) else self["y"]

    def _s(self, g: Generator, a: Any) -> str:
        return self.other(lambda b: b.shape == a.shape)

    def _t(self, g: Generator, a: Any) -> str:
        return self.other(lambda b: b.shape == a.shape)

    def _w(self, g: Generator, a: Any) -> str:
        x = self["x"]
        if g.chance(0.2):
            name = self.other(lambda b: b.shape == a.shape and b.dtype.kind == "b")
            if g.scope[name].dtype.kind == "b":
                return name
        part = f"{x}.real" if a.dtype.kind == "c" else x
        return f"({part} {g.choice(('>', '<', '==', '!='))} {g.choice(('0', '1', '3', '-2'))})"

    def _float64(self, g: Generator, a: Any) -> str:
        return self.other(lambda b: b.dtype == "f8" and b.flags.c_contiguous)

    def _d(self, g: Generator, a: Any) -> str:
        # What becomes of a float outside an integer type's range depends on its place in the array.
        wild = a.dtype.kind in "fc" and (not numpy.isfinite(a).all() or bool((abs(a) > 100).any()))
        names = [d for d in DTYPES if not wild or d[0] in "bfc"]
        if a.dtype.kind in "fc" and bool((a.real < 0).any()):
            names = [d for d in names if d[0] != "u"]
        return f"'{g.choice(names)}'"

    def _axis(self, g: Generator, a: Any) -> str:
        if g.chance(0.05):
            return g.choice(("0", "1", "-1"))  # type: ignore[no-any-return]
        n = max(a.ndim, 1)
        return str(g.random.randrange(-n, n))

    def _axis_(self, g: Generator, a: Any) -> str:
        return "" if g.chance(0.4) else f"axis={self['axis']}"

    def _axes(self, g: Generator, a: Any) -> str:
        kind = g.random.random()
        if kind < 0.25:
            return "None"
        if kind < 0.6 or a.ndim < 2:
            return self["axis"]
        axes = g.random.sample(range(a.ndim), g.random.randint(1, a.ndim))
        return str(tuple(i - a.ndim if g.chance(0.3) else i for i in axes))

    def _axes_(self, g: Generator, a: Any) -> str:
        return "" if g.chance(0.4) else f"axis={self['axes']}"

    def _shape(self, g: Generator, a: Any) -> str:
        return g.shape() if g.chance(0.8) else str(g.choice(("7", "None", "(3, 4)")))

    # -- indices -------------------------------------------------------------------------------

    def _basic(self, n: int) -> str:
        g = self.generator
        if n > 20 and g.chance(0.5):
            cut = g.random.randrange(n)
            return str(g.choice((f"{cut}", f":{cut}", f"{cut}:", f"{cut}::-1", f"-{cut + 1}", "::3", f"::-{cut + 1}")))
        parts = ["::2", "::-1", "1:", ":-1", "1:3", "2:1", "-3::-2", ":", ":", "::-3", "-2:"]
        if n > 0:
            parts += ["0", "-1", str(g.random.randrange(n)), str(-g.random.randrange(n) - 1)]
        return str(g.choice(parts))

    def _i(self, g: Generator, a: Any) -> str:
        parts = [self._basic(n) for n in a.shape[: g.random.randint(1, max(a.ndim, 1))]]
        if g.chance(0.15):
            parts.insert(g.random.randrange(len(parts) + 1), "...")
        if g.chance(0.2) or not parts:
            parts.insert(g.random.randrange(len(parts) + 1), "None")
        return ", ".join(parts)

    def _indices(self, n: int, shape: tuple[int, ...] | None = None) -> str:
        """Return an array of indices for a dimension of size `n`."""
        g = self.generator
        if shape is None:
            shape = g.choice(((3,), (4,), (1,), (2, 2), (5,), (2, 1)))
            if g.large and n > 50 and g.chance(0.5):
                shape = g.choice(((n // 2 + 1,), (n,), (min(n, 4097),), (33, 31)))
        assert shape is not None
        size = int(numpy.prod(shape))
        low = -n if g.chance(0.4) else 0
        dtype = g.choice(("int64", "int64", "int64", "int32", "intp", "uint8" if n < 255 and not low else "int16"))
        if dtype == "int16" and n > 30000:
            dtype = "int64"
        if size > 6:
            values = f"np.arange({size}) * {g.choice((7, 1, 4099, -3))} % {n}"
            text = f"({values}{f' - {n}' if low else ''}).astype('{dtype}')"
            return text if len(shape) == 1 else f"{text}.reshape({shape})"
        values = [g.random.randrange(low, n) for _ in range(size)]
        if g.chance(0.03):
            values[0] = n + 3
        if len(shape) == 2:
            values = numpy.array(values).reshape(shape).tolist()  # type: ignore[assignment]
        return f"np.array({values}, '{dtype}')"

    def _j0(self, g: Generator, a: Any) -> str:
        return self._indices(a.shape[0] if a.ndim and a.size else 1)

    def _j1(self, g: Generator, a: Any) -> str:
        return self._indices(a.shape[-1] if a.ndim and a.size else 1)

    def _jn(self, g: Generator, a: Any) -> str:
        return self._indices(max(a.size, 1))

    def _j3(self, g: Generator, a: Any) -> str:
        return self._indices(3)

    def _jx(self, g: Generator, a: Any) -> str:
        return self._indices(9, g.choice(((3,), (2, 3), (9,))))

    def _fancy(self, g: Generator, a: Any) -> str:
        """Return a mixture of slices, integers, new axes, masks and index arrays."""
        shape = g.choice(((3,), (2, 3), (1,), (2, 1), (5,)))
        if g.large and a.ndim == 1 and g.chance(0.5):
            shape = (a.size // 2 + 1,)
        parts: list[str] = []
        dimension, arrays = 0, 0
        wanted = g.random.randint(1, a.ndim)
        while dimension < wanted:
            n = a.shape[dimension]
            kind = g.random.random()
            if kind < 0.45:
                # Shapes that broadcast with each other.
                own = shape if g.chance(0.7) else shape[-1:] if g.chance(0.5) else (1,)
                parts.append(self._indices(n, own))
                arrays += 1
            elif kind < 0.52 and n <= 40:
                count = shape[-1]
                mask = [i < count for i in range(n)]
                g.random.shuffle(mask)
                parts.append(f"np.array({mask})")
                arrays += 1
            elif kind < 0.6:
                parts.append(str(g.random.randrange(n)))
            elif kind < 0.66:
                parts.append(f"[{', '.join(str(g.random.randrange(n)) for _ in range(shape[-1] % 7 or 1))}]")
                arrays += 1
            else:
                parts.append(self._basic(n) if n else ":")
            dimension += 1
            if g.chance(0.1):
                parts.append("None")
        if g.chance(0.2):
            parts.insert(g.random.randrange(len(parts) + 1), "...")
        elif dimension < a.ndim and g.chance(0.2):
            parts.append("...")
        return ", ".join(parts)
