"""Writes what real NumPy computes for every operation of the table: the oracle of TestNumPyVectors.

Run it with a Python that has NumPy 2.4; it overwrites the file given, or the one the test reads. Lines of the
(gzipped, UTF-8) result, fields separated by blanks, data little-endian in base64:

    pool NAME TYPE DATA                values of one type
    types NAME SIGNATURE...            what ufunc.types offers
    row NAME SIGNATURE POOL... DATA... every combination of the pools' values, the last one running fastest;
                                       one DATA for each output
    fold NAME SIGNATURE POOL DATA      the reduction of a whole pool
    cast FROM TO POOL DATA             astype
    arange SIGNATURE COUNT START DELTA DATA

Results of rows that are not exact are those of extended precision, rounded once; NumPy's own must agree in what is
NaN, infinite or zero.
"""

import base64
import gzip
import pathlib
import sys

import numpy as np
from numpy._core import umath

TARGET = pathlib.Path(__file__).parents[1] / "resources/io/maniple/kernels/ops/numpy-vectors.txt.gz"
INTEGERS = "bBhHiIlL"
FLOATS = "efd"
COMPLEX = "FD"
NAMES = """add subtract multiply divide floor_divide remainder fmod divmod power float_power negative positive absolute
fabs sign rint floor ceil trunc conjugate exp exp2 expm1 log log2 log10 log1p sqrt square cbrt reciprocal sin cos tan
arcsin arccos arctan arctan2 hypot sinh cosh tanh arcsinh arccosh arctanh degrees radians deg2rad rad2deg logaddexp
logaddexp2 heaviside copysign signbit nextafter spacing ldexp modf frexp isnan isinf isfinite greater greater_equal
less less_equal equal not_equal logical_and logical_or logical_xor logical_not maximum minimum fmax fmin bitwise_and
bitwise_or bitwise_xor invert left_shift right_shift gcd lcm bitwise_count clip""".split()
# The exponents of power that have a row of their own.
POWERS = (-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0.5, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8)
# Rows whose accuracy the table bounds by more than one rounding.
INEXACT = set(
    """power float_power exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh
arcsinh arccosh arctanh cbrt arctan2 hypot degrees radians deg2rad rad2deg logaddexp logaddexp2""".split()
)
RANDOM = np.random.default_rng(20240607)

lines = []


def encode(values):
    return base64.b64encode(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()).decode()


def special_floats(dtype):
    info = np.finfo(dtype)
    values = [0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 1.5, 2.5, -2.5, 3, -7, np.inf, -np.inf, np.nan]
    values += [float(info.smallest_subnormal), -float(info.smallest_subnormal), float(info.tiny), -float(info.tiny)]
    values += [float(info.max), -float(info.max), float(info.eps), 0.1, -0.9, 1e-4, np.pi, 700, 1000.25]
    values += list(RANDOM.normal(size=3)) + list(RANDOM.normal(size=2) * 30)
    return np.array(values, dtype)


def many_floats(dtype):
    info = np.finfo(dtype)
    spread = RANDOM.normal(size=120) * 2.0 ** RANDOM.uniform(info.minexp / 2, info.maxexp / 2, 120)
    near = np.concatenate([RANDOM.uniform(-1, 1, 100), RANDOM.uniform(-20, 20, 120), 1 + RANDOM.normal(size=40) / 100])
    return np.concatenate([special_floats(dtype), np.concatenate([spread, near]).astype(dtype)])


def special_integers(dtype):
    info = np.iinfo(dtype)
    values = [0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 63, 64, 100, info.max, info.max - 1, info.min, info.min + 1]
    values += [info.max // 2 + 1, info.max // 3] + ([-1, -2, -3, -8, -100] if info.min else [])
    values = [value for value in values if info.min <= value <= info.max]
    return np.concatenate([np.array(values, dtype), RANDOM.integers(info.min, info.max, 4, dtype)])


def special_complex(dtype):
    part = np.float32 if dtype == np.complex64 else np.float64
    parts = np.array([0, -0.0, 1, -1, 0.5, np.inf, -np.inf, np.nan, 3, -2.25], part)
    values = np.empty(38, dtype)
    values.real[:30] = parts[RANDOM.integers(0, len(parts), 30)]
    values.imag[:30] = parts[RANDOM.integers(0, len(parts), 30)]
    values.real[30:] = RANDOM.normal(size=8)
    values.imag[30:] = RANDOM.normal(size=8)
    values[:3] = [0, 1, 1j]
    return values


def specials(dtype):
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        return special_integers(dtype)
    return special_floats(dtype) if dtype.kind == "f" else special_complex(dtype)


def make_pools():
    pools = {}
    for character in "?" + INTEGERS + FLOATS + COMPLEX:
        dtype = np.dtype(character)
        values = specials(dtype)
        pools[character] = values
        pools["few-" + character] = values[:: max(1, len(values) // 11)]
        if dtype.kind in "f":
            pools["many-" + character] = many_floats(dtype)
        if dtype.kind in "iu":
            pools["natural-" + character] = values[values >= 0]
        if dtype.kind in "fc":
            sums = RANDOM.normal(size=67) * (30 if character != "e" else 3)
            pools["fold-" + character] = (
                sums.astype(dtype) if dtype.kind == "f" else (sums + sums[::-1] * 1j).astype(dtype)
            )
            pools["ones-" + character] = (1 + RANDOM.normal(size=67) / 30).astype(dtype)
        else:
            pools["fold-" + character] = np.resize(values, 67)
            pools["ones-" + character] = np.resize(np.array([1, 3], dtype), 67)
        pools["zero-" + character] = np.zeros(67, dtype)
    for name, values in pools.items():
        lines.append(f"pool {name} {values.dtype.char} {encode(values)}")
    return pools


def table_types(ufunc):
    signatures = []
    for signature in ufunc.types:
        if not set(signature) & set("gGOMmUS"):
            signature = signature.replace("q", "l").replace("Q", "L")
            if signature not in signatures:
                signatures.append(signature)
    return signatures


def combinations(pools):
    return [grid.ravel() for grid in np.meshgrid(*pools, indexing="ij")]


def precise(name, arguments, dtype, own):
    """The result in extended precision, rounded; checked to be of NumPy's own result's kind."""
    result = getattr(np, name)(*[argument.astype(np.longdouble) for argument in arguments]).astype(dtype)
    same = (np.isnan(own) == np.isnan(result)) & (np.isinf(own) == np.isinf(result))
    same &= (
        ~(own == 0)
        | ((result == 0) & (np.signbit(own) == np.signbit(result)))
        | (np.abs(result) < np.finfo(dtype).tiny)
    )
    for place in np.flatnonzero(~same):
        inputs = [argument[place] for argument in arguments]
        print(f"{name} of {dtype}: {inputs} is {own[place]} in NumPy, precisely {result[place]}", file=sys.stderr)
    return np.where(same, result, own)


def rows(pools):
    for name in NAMES:
        ufunc = getattr(umath, name)
        signatures = table_types(ufunc)
        lines.append(f"types {name} {' '.join(signatures)}")
        for signature in signatures:
            inputs, outputs = signature.split("->")
            names = list(inputs)
            if len(inputs) == 1 and inputs in FLOATS:
                names = ["many-" + inputs]
            if name == "power" and inputs[0] in INTEGERS:
                names[1] = "natural-" + inputs[1]
            if name == "clip":
                names = ["few-" + character for character in inputs]
            arguments = combinations([pools[pool] for pool in names])
            results = ufunc(*arguments)
            results = results if isinstance(results, tuple) else (results,)
            assert "".join(np.dtype(result.dtype).char for result in results) == outputs, (name, signature)
            if name in INEXACT and inputs[0] in FLOATS:
                results = (precise(name, arguments, results[0].dtype, results[0]),)
            data = " ".join(encode(result) for result in results)
            lines.append(f"row {name} {signature} {' '.join(names)} {data}")
    for exponent in POWERS:
        for character in FLOATS if exponent != 0.5 else FLOATS[1:]:  # their power is the root
            x = pools["many-" + character]
            wide = np.full(x.shape, exponent, np.longdouble)
            result = np.power(x, x.dtype.type(exponent))
            if exponent != 0.5:
                result = precise("power", [x, wide], x.dtype, result)
            lines.append(f"row power{exponent} {character}->{character} many-{character} {encode(result)}")
    for character in "?" + INTEGERS + FLOATS + COMPLEX:
        lines.append(f"row copyto {character}->{character} {character} {encode(pools[character])}")
        names = ["?", "few-" + character, "few-" + character]
        condition, yes, no = combinations([pools[pool] for pool in names])
        signature = f"?{character}{character}->{character}"
        lines.append(f"row where {signature} {' '.join(names)} {encode(np.where(condition, yes, no))}")


def folds(pools):
    for character in "?" + INTEGERS + FLOATS + COMPLEX:
        real = character not in COMPLEX
        whole = character not in FLOATS + COMPLEX
        names = ["add", "logical_and", "logical_or", "count_nonzero"]
        names += ["maximum", "minimum", "multiply"] if real else []
        names += ["bitwise_and", "bitwise_or", "bitwise_xor"] if whole else []
        for name in names:
            for pool in ["fold-", "ones-", "zero-", ""]:
                values = pools[pool + character]
                if name == "count_nonzero":
                    results = [np.array(np.count_nonzero(values))]
                elif name in ("add", "multiply") and not whole:
                    with np.errstate(all="ignore"):
                        wide = values.astype(np.clongdouble if not real else np.longdouble)
                        results = [np.asarray(getattr(np, name).reduce(wide)).astype(values.dtype)]
                    if not pool or (name == "multiply" and pool == "fold-"):
                        continue
                elif name in ("add", "multiply"):
                    default = getattr(np, name).reduce(values)
                    results = [default, getattr(np, name).reduce(values, dtype=values.dtype)]
                else:
                    results = [getattr(np, name).reduce(values)]
                done = set()
                for result in map(np.asarray, results):
                    if result.dtype.char not in done:
                        done.add(result.dtype.char)
                        lines.append(
                            f"fold {name}.reduce {character}->{result.dtype.char} {pool}{character} {encode(result)}"
                        )


def casts(pools):
    for character in "?" + INTEGERS + FLOATS + COMPLEX:
        for to in "?" + INTEGERS + FLOATS + COMPLEX:
            pool = "many-" + character if character in FLOATS else character
            # NumPy casts floats out of range to uint32 in two ways, one in its vector loops (contiguous arrays), one
            # element by element; the second is what a single number gives.
            spread = np.repeat(pools[pool], 2)[::2]
            lines.append(f"cast {character} {to} {pool} {encode(spread.astype(to))}")
    # Doubles that round to float16 otherwise when they are rounded to float32 first.
    ties = np.array([1 + 2**-11 + 2**-40, 1 + 3 * 2**-11 - 2**-40, 2**-25 + 2**-60, 65519.999999999], "d")
    lines.append(f"pool ties-d d {encode(ties)}")
    lines.append(f"cast d e ties-d {encode(ties.astype('e'))}")


def aranges():
    for character, start, step, count in [
        *[(character, 3, 2, 50) for character in INTEGERS],
        ("l", -5, -7, 50),
        ("e", 0.1, 0.3, 60),
        ("f", 0.1, 0.3, 90),
        ("d", 0.1, 0.3, 90),
        ("d", -1e10, 1e-3, 90),
    ]:
        dtype = np.dtype(character)
        values = np.arange(start, start + count * step, step, dtype)[:count]
        inputs = values[:2].astype("f") if character == "e" else values[:2]
        start, delta = inputs[:1], inputs[1:] - inputs[:1]
        signature = f"{inputs.dtype.char * 2}->{character}"
        lines.append(f"arange {signature} {len(values)} {encode(start)} {encode(delta)} {encode(values)}")


def main():
    np.seterr(all="ignore")
    lines.append("# @generated by kernels/src/test/python/make_vectors.py; do not edit.")
    lines.append(f"# NumPy {np.__version__}")
    pools = make_pools()
    rows(pools)
    folds(pools)
    casts(pools)
    aranges()
    target = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
