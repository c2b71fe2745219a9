"""numpy.random against NumPy: every value and the generator's state after it."""

from __future__ import annotations

import copy
import csv
import inspect
import pickle
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.random as nr
import pytest

from maniple import _array, _draws, _random
from maniple._namespace import namespace

ours: Any = namespace("numpy.random")
KINDS = ("PCG64", "PCG64DXSM", "Philox", "MT19937", "SFC64")
SIZES = (0, 1, 999, 1000, 32_767, 32_768, 32_769, 100_003)

PARAMETERS: dict[str, tuple[Any, ...]] = {
    "beta": (0.5, 2.0), "binomial": (20, 0.3), "chisquare": (3,), "exponential": (2.5,),
    "f": (3, 5), "gamma": (2.0, 1.5), "geometric": (0.2,), "gumbel": (1, 2),
    "hypergeometric": (30, 20, 15), "integers": (7, 1_000), "laplace": (0, 3), "logistic": (1, 2),
    "lognormal": (0, 0.5), "logseries": (0.4,), "negative_binomial": (5, 0.4),
    "noncentral_chisquare": (3, 1), "noncentral_f": (3, 5, 1), "normal": (-1, 0.1), "pareto": (3,),
    "poisson": (4,), "power": (2,), "randint": (7, 1_000), "random": (), "random_sample": (),
    "rayleigh": (2,), "standard_cauchy": (), "standard_exponential": (), "standard_gamma": (0.7,),
    "standard_normal": (), "standard_t": (4,), "tomaxint": (), "triangular": (-1, 0, 2),
    "uniform": (-0.1, 0.7), "vonmises": (0, 3), "wald": (1, 2), "weibull": (1.5,), "zipf": (3,),
}  # fmt: skip
"""The methods that take `size`."""

OTHERS: dict[str, Callable[[Any, int], Any]] = {
    "bytes": lambda g, n: g.bytes(n),
    "choice": lambda g, n: (
        g.choice(n + 5, n),
        g.choice(n + 5, n, replace=False),
        g.choice(np.arange(7.0), (n, 2), p=[0.1] * 6 + [0.4]),
        g.choice(9),
    ),
    "dirichlet": lambda g, n: g.dirichlet((1, 2, 3), n),
    "multinomial": lambda g, n: g.multinomial(9, (0.2, 0.3, 0.5), n),
    "multivariate_hypergeometric": lambda g, n: g.multivariate_hypergeometric((9, 8, 7), 6, n),
    "multivariate_normal": lambda g, n: g.multivariate_normal((0, 1), ((1, 0.5), (0.5, 2)), n),
    "permutation": lambda g, n: g.permutation(n),
    "permuted": lambda g, n: g.permuted(np.arange(n)),
    "rand": lambda g, n: (g.rand(n), g.rand(n, 2)),
    "randn": lambda g, n: (g.randn(n), g.randn(2, n)),
    "shuffle": lambda g, n: _shuffled(g, n),
}
NEITHER = {"bit_generator", "spawn", "seed", "get_state", "set_state", "random_integers"}


def _shuffled(generator: Any, n: int) -> Any:
    numbers = np.arange(n)
    generator.shuffle(numbers)
    return numbers


def _state(generator: Any) -> Any:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return value.tolist() if isinstance(value, np.ndarray) else value

    if isinstance(generator, nr.RandomState):
        return plain(generator.get_state(legacy=False))
    return plain(generator.bit_generator.state)


def _same(expected: Any, got: Any) -> None:
    assert type(expected) is type(got) or isinstance(got, np.ndarray)
    if isinstance(expected, tuple):
        for one, other in zip(expected, got, strict=True):
            _same(one, other)
    elif isinstance(expected, np.ndarray):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        assert np.asarray(got).tobytes() == expected.tobytes()
    else:
        assert got == expected


def _pair(kind: str, seed: int = 5) -> tuple[Any, Any]:
    bits = getattr(nr, kind)
    return nr.Generator(bits(seed)), ours.Generator(bits(seed))


def _compare(plain: Any, mine: Any, name: str) -> None:
    for n in SIZES:
        calls: list[Callable[[Any], Any]] = []
        if name in OTHERS:
            calls.append(lambda g, n=n: OTHERS[name](g, n))
        else:
            args = PARAMETERS[name]
            calls.append(lambda g, n=n, args=args: getattr(g, name)(*args, size=n))
            calls.append(lambda g, n=n, args=args: getattr(g, name)(*args, (n, 2)))
        for call in calls:
            _same(call(plain), call(mine))
            assert _state(plain) == _state(mine)


def _names(base: type) -> list[str]:
    return [n for n in dir(base) if not n.startswith("_") and n not in NEITHER]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", _names(nr.Generator))
def test_every_method_of_generator(kind: str, name: str) -> None:
    _compare(*_pair(kind), name)


@pytest.mark.parametrize("name", _names(nr.RandomState))
def test_every_method_of_random_state(name: str) -> None:
    _compare(nr.RandomState(5), ours.RandomState(5), name)


@pytest.mark.parametrize("name", [n for n in _names(nr.RandomState) if hasattr(nr, n)])
def test_every_function_of_the_module(name: str) -> None:
    before = nr.get_state()
    try:
        ours.seed(5)
        # Not a NumPy module's own, which would share the state.
        results = []
        for n in SIZES:
            if name in OTHERS:
                results.append(OTHERS[name](ours, n))
            else:
                results.append(getattr(ours, name)(*PARAMETERS[name], size=n))
        plain = nr.RandomState(5)
        for n, result in zip(SIZES, results, strict=True):
            if name in OTHERS:
                _same(OTHERS[name](plain, n), result)
            else:
                _same(getattr(plain, name)(*PARAMETERS[name], size=n), result)
        assert _state(plain) == _state(nr.mtrand._rand)
    finally:
        nr.set_state(before)


INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def _integers(chooser: random.Random) -> Callable[[Any, int], Any]:
    dtype = np.dtype(chooser.choice(INTEGERS))
    info = np.iinfo(dtype)
    least, most = int(info.min), int(info.max)
    low, high = chooser.choice(
        ((least, most), (0, most), (least, 0), (0, 1), (0, 99), (3, 3), (0, 63), (least, most - 1),
         (0, most // 2 + 1), (0, most // 3 * 2), (0, min(most, 0xFFFFFFFF)),
         (0, min(most, 0x100000000)))
    )  # fmt: skip
    return lambda g, n: g.integers(low, high, n, dtype, endpoint=True)


def _any_call(chooser: random.Random) -> Callable[[Any, int], Any]:
    kind = chooser.random()
    if kind < 0.4:
        return _integers(chooser)
    if kind < 0.6:
        return lambda g, n: g.random(n, np.float32)
    name = chooser.choice([n for n in PARAMETERS if hasattr(nr.Generator, n)])
    if kind < 0.8:
        name = chooser.choice(("random", "uniform"))
    return lambda g, n: getattr(g, name)(*PARAMETERS[name], size=n)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_sequences(kind: str, seed: int) -> None:
    chooser = random.Random(f"{kind} {seed}")
    plain, mine = _pair(kind, seed)
    for _ in range(40):
        call = _any_call(chooser)
        n = chooser.choice((1, 2, 3, 5, 1001, 32_768, 32_771, 50_001, 70_000))
        _same(call(plain, n), call(mine, n))
        assert _state(plain) == _state(mine)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "Philox"])
@pytest.mark.parametrize("seed", range(4))
def test_sequences_of_small_arrays_deferred(defer_all: None, kind: str, seed: int) -> None:
    chooser = random.Random(f"small {kind} {seed}")
    plain, mine = _pair(kind, seed)
    for _ in range(150):
        call = _any_call(chooser)
        n = chooser.choice((0, 1, 2, 3, 16, 17, 18, 19, 21, 40))
        _same(call(plain, n), call(mine, n))
        assert _state(plain) == _state(mine)


@pytest.mark.parametrize("counter", [2**64 - 3, 2**128 - 3, 2**256 - 3])
def test_philox_counter_carries(counter: int) -> None:
    bits = nr.Philox(counter=counter, key=2**100 + 7)
    again = nr.Philox(counter=counter, key=2**100 + 7)
    plain, mine = nr.Generator(bits), ours.Generator(again)
    for _ in range(2):
        _same(plain.random(40_001), mine.random(40_001))
        assert _state(plain) == _state(mine)


def test_philox_buffer_of_ones_own() -> None:
    plain, mine = _pair("Philox")
    for generator in (plain, mine):
        state = generator.bit_generator.state
        state["buffer"] = np.arange(4, dtype=np.uint64)
        state["buffer_pos"] = 1
        generator.bit_generator.state = state
    _same(plain.random(40_000), mine.random(40_000))
    assert _state(plain) == _state(mine)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "Philox", "SFC64"])
def test_vectors_of_numpy(kind: str, defer_all: None) -> None:
    folder = Path(nr.__file__).parent / "tests" / "data"
    for path in sorted(folder.glob(f"{kind.lower()}-testset-*.csv")):
        with open(path) as file:
            seed, *rows = csv.reader(file)
        words = [int(row[1], 0) for row in rows]
        bits = getattr(nr, kind)(0)
        plain = getattr(nr, kind)(int(seed[1], 0))
        # The vectors were seeded as bit generators of themselves are.
        bits.state = plain.state
        assert plain.random_raw(len(words)).tolist() == words
        generator = ours.Generator(bits)
        top = 2**64 - 1
        assert generator.integers(0, top, len(words), np.uint64, endpoint=True).tolist() == words


def test_deferred_where_the_place_is_known() -> None:
    generator = ours.default_rng(1)
    for a in (
        generator.random(40_000),
        generator.random((200, 200), dtype=np.float32),
        generator.uniform(1, 2, size=40_000),
        generator.integers(10, size=40_000),
    ):
        assert type(a) is _array.ndarray
        assert a._buf.home == 1  # PRIVATE
    filled = generator.standard_normal(40_000)
    assert filled._buf.home == 2  # SHARED: nothing is left to copy


def test_arguments_by_position_and_name() -> None:
    plain, mine = _pair("PCG64")
    n = 40_000
    for call in (
        lambda g: g.random(n, "f4"),
        lambda g: g.random(dtype="f4", size=(n,)),
        lambda g: g.uniform(-2, size=n),
        lambda g: g.uniform(high=3, size=n),
        lambda g: g.uniform(np.float32(0.1), np.int8(7), n),
        lambda g: g.uniform([0, 1], 2, (n, 2)),
        lambda g: g.integers(5, None, n),
        lambda g: g.integers(np.int8(5), high=np.uint8(200), size=[n]),
        lambda g: g.integers([3, 4], 9, (n, 2)),
        lambda g: g.integers(0, 2, n, bool),
        lambda g: g.integers(0, 9, n, "q"),
        lambda g: g.standard_exponential(n, "f4", "inv"),
        lambda g: g.standard_exponential(n, method="inv"),
        lambda g: g.standard_gamma(3, n, np.float32),
        lambda g: g.standard_normal((n, 1, 2), dtype=np.float32),
        lambda g: g.random(size=np.int64(n)),
        lambda g: g.normal([1, 2], size=(n, 2)),
        lambda g: g.uniform(5, 5, n),
        lambda g: g.uniform(-0.0, 0.0, n),
    ):
        _same(call(plain), call(mine))
        assert _state(plain) == _state(mine)


def test_out() -> None:
    plain, mine = _pair("PCG64")
    numpy_ = namespace("numpy")
    for name, args in (("random", ()), ("standard_normal", ()), ("standard_gamma", (2,))):
        expected, got = np.empty(40_000), numpy_.empty(40_000)
        returned = getattr(mine, name)(*args, out=got)
        assert returned is got
        _same(getattr(plain, name)(*args, out=expected), got)
        assert _state(plain) == _state(mine)


@pytest.mark.parametrize(
    "call",
    [
        lambda g: g.uniform(0, float("inf"), 40_000),
        lambda g: g.uniform(2, 1, 40_000),
        lambda g: g.uniform("a", 1, 40_000),
        lambda g: g.integers(5, 5, 40_000),
        lambda g: g.integers(0, 300, 40_000, np.uint8),
        lambda g: g.integers(0, 9, 40_000, float),
        lambda g: g.random(40_000, np.int32),
        lambda g: g.random(40_000, wrong=1),
        lambda g: g.standard_normal(40_000, ">f8"),
        lambda g: g.normal(0, -1, 40_000),
        lambda g: g.random((40_000, -1)),
        lambda g: g.random(40_000.0),
    ],
)
def test_errors(call: Callable[[Any], Any]) -> None:
    plain, mine = _pair("PCG64")
    with pytest.raises(Exception) as expected:  # noqa: PT011
        call(plain)
    with pytest.raises(expected.type) as got:
        call(mine)
    assert str(got.value) == str(expected.value)
    assert _state(plain) == _state(mine)


def test_looks_like_numpy() -> None:
    mine = ours.default_rng(3)
    assert isinstance(mine, nr.Generator)
    assert isinstance(nr.default_rng(3), ours.Generator)
    assert isinstance(ours.RandomState(3), nr.RandomState)
    assert isinstance(nr.mtrand._rand, ours.RandomState)
    assert not isinstance(ours.RandomState(3), ours.Generator)
    assert type(mine) is ours.Generator
    assert repr(mine).startswith("Generator(PCG64) at 0x")
    assert str(ours.RandomState(3)) == "RandomState(MT19937)"
    assert ours.default_rng(mine) is mine
    plain = nr.default_rng(3)
    assert ours.default_rng(plain) is plain
    bits = nr.Philox(1)
    assert ours.default_rng(bits).bit_generator is bits
    assert ours.default_rng(nr.RandomState(nr.PCG64(3))).random() == plain.random()
    assert inspect.signature(ours.Generator.normal) == inspect.signature(nr.Generator.normal)
    assert ours.Generator.__doc__ == nr.Generator.__doc__
    assert ours.Generator.__module__ == nr.Generator.__module__
    with pytest.raises(AttributeError):
        mine.anything = 1


def test_copies() -> None:
    for make in (lambda m: m.default_rng(3), lambda m: m.RandomState(3)):
        plain, mine = make(nr), make(ours)
        plain.normal(size=3), mine.normal(size=3)
        for again in (copy.deepcopy(mine), copy.copy(mine), pickle.loads(pickle.dumps(mine))):
            assert _state(again) == _state(plain)
        assert type(copy.deepcopy(mine)) is type(mine)
        assert copy.deepcopy(mine)._bit_generator is not mine._bit_generator
        _same(plain.normal(size=40_000), copy.deepcopy(mine).normal(size=40_000))
    assert pickle.loads(pickle.dumps(ours.Generator)) is ours.Generator
    for one, other in zip(nr.default_rng(3).spawn(2), ours.default_rng(3).spawn(2), strict=True):
        assert type(other) is ours.Generator
        _same(one.random(40_000), other.random(40_000))


def test_state_goes_back() -> None:
    mine = ours.default_rng(3)
    state = mine.bit_generator.state
    first = np.asarray(mine.random(40_000))
    mine.bit_generator.state = state
    _same(first, mine.random(40_000))
    _same(nr.PCG64(3).jumped().random_raw(9), ours.PCG64(3).jumped().random_raw(9))
    assert mine.bit_generator.ctypes is not None
    assert mine.bit_generator.lock is not None


def test_threads_share_a_generator() -> None:
    size, rounds = 40_000, 6
    for name in ("random", "standard_normal", "exponential"):
        plain, mine = _pair("PCG64")
        results: list[bytes] = []

        def work(mine: Any = mine, name: str = name, results: list[bytes] = results) -> None:
            for _ in range(rounds):
                results.append(np.asarray(getattr(mine, name)(size=size)).tobytes())

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = [getattr(plain, name)(size=size).tobytes() for _ in range(3 * rounds)]
        assert sorted(results) == sorted(expected)
        assert _state(plain) == _state(mine)


def test_tables_name_methods() -> None:
    assert all(hasattr(nr.Generator, n) or hasattr(nr.RandomState, n) for n in _random._SIZE)
    assert set(_random._SIZE) == set(PARAMETERS)
    assert set(_draws.METHODS) <= set(_random._SIZE)


def test_shuffle_of_lists() -> None:
    plain, mine = _pair("PCG64")
    expected: list[Any] = [[1], [2], 3, [4, 5], (6,)]
    got = copy.deepcopy(expected)
    plain.shuffle(expected)
    mine.shuffle(got)
    assert got == expected


def test_seeds_may_be_arrays(defer_all: None) -> None:
    numpy_ = namespace("numpy")
    seed = numpy_.arange(2000)
    assert type(seed) is _array.ndarray
    _same(nr.RandomState(np.arange(2000)).rand(9), ours.RandomState(seed).rand(9))
    _same(nr.default_rng(np.arange(2000)).random(9), ours.default_rng(seed).random(9))
    mine = ours.RandomState(1)
    mine.seed(seed)
    assert _state(mine) == _state(nr.RandomState(np.arange(2000)))
