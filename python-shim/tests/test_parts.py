"""Slices and integers as indices, assignments to what they choose: looked up the second time."""

from __future__ import annotations

import itertools

import numpy
import pytest

import maniple

KEYS = (
    slice(None),
    (slice(1, None, 2), slice(None, 10)),
    (3, slice(2, None)),
    (slice(None), 4),
)
SHAPES = [(7,), (1,), (0,), (5, 6), (4, 1), (3, 0), (3, 4, 5)]
PARTS = [
    slice(None),
    slice(1, None),
    slice(None, -1),
    slice(None, None, -1),
    slice(5, 0, -2),
    slice(-100, 100, 3),
    slice(2, 2),
    slice(numpy.int64(1), True),
    0,
    -1,
    2,
    numpy.int8(1),
    True,
    None,
    Ellipsis,
]


def arrays(shape: tuple[int, ...]) -> tuple[numpy.ndarray, maniple.ndarray]:
    plain = numpy.arange(float(numpy.prod(shape))).reshape(shape)
    return plain, maniple.asarray(plain) * 1.0


def taken(array: object, key: object) -> object:
    try:
        return array[key]  # type: ignore[index]
    except (IndexError, TypeError, ValueError) as error:
        return type(error), str(error)


def keys(dimensions: int) -> list[object]:
    several: list[object] = list(PARTS)
    for count in range(dimensions + 2):
        several += itertools.product(PARTS, repeat=count) if count < 3 else []
    several += [
        (slice(1, None), 1, slice(None, None, 2)),
        (0, None, slice(1, 3)),
        (1, 1, 1),
        (slice(1.0, 2),),
    ]
    return several


@pytest.mark.parametrize("shape", SHAPES)
def test_views_are_numpys(shape: tuple[int, ...]) -> None:
    plain, deferred = arrays(shape)
    turned = plain.T, deferred.T
    for key in keys(len(shape)):
        for want_of, got_of in ((plain, deferred), turned, (plain[::-1], deferred[::-1])):
            want = taken(want_of, key)
            for _ in range(2):
                got = taken(got_of, key)
                if not isinstance(want, numpy.ndarray):
                    assert type(got) is type(want), key
                    assert got == want, key
                    continue
                assert got.shape == want.shape, key
                assert got.dtype == want.dtype, key
                assert want.size == 0 or got.strides == want.strides, key
                assert numpy.array_equal(numpy.asarray(got), want), key


def test_views_write_and_are_read_only_as_what_they_are_of() -> None:
    plain, deferred = arrays((5, 6))
    for array in (plain, deferred):
        array[1:, 2][1:] = 7.0
        array[:, None][0] = 3.0
        fixed = array[2:]
        fixed.flags.writeable = False
        for _ in range(2):
            part = fixed[:, 1:]
            assert not part.flags.writeable
            assert part.base is not None
            with pytest.raises(ValueError, match="read-only"):
                part[0, 0] = 1.0
    assert numpy.array_equal(numpy.asarray(deferred), plain)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "u1", "?", "c16"])
def test_assignments_are_numpys(dtype: str) -> None:
    plain = numpy.arange(300).reshape(15, 20).astype(dtype)
    values = [1.5, -0.0, float("nan"), 1e300, 3, 255, 256, -1, 2**60, 2**70, True, 1j, "x"]
    values += [
        plain[0],
        plain[:, :1],
        plain[::-1, ::-1],
        plain[0].astype("f8"),
        plain[None, 0],
        plain[:3],
    ]
    values += [numpy.float32(2.5), numpy.int64(3), [1] * 20, numpy.array(5)]
    for value in values:
        for key in KEYS:
            outcomes = []
            for module in (numpy, maniple):
                target = module.asarray(plain) * module.asarray(numpy.ones((), dtype))
                is_array = isinstance(value, numpy.ndarray) and value.ndim
                given = module.asarray(value) * 1 if is_array else value
                try:
                    with numpy.errstate(all="ignore"):
                        target[key] = given
                        target[key] = given
                    outcomes.append(numpy.asarray(target))
                except (TypeError, ValueError, OverflowError) as error:
                    outcomes.append((type(error), str(error)))
            want, got = outcomes
            if isinstance(want, tuple):
                assert got == want, (value, key)
            else:
                assert got.dtype == want.dtype, (value, key)
                assert got.tobytes() == want.tobytes(), (value, key)


def test_overlapping_rows_are_assigned_as_if_copied_first() -> None:
    plain, deferred = arrays((6, 50))
    for array in (plain, deferred):
        array[1:] = array[:-1]
        array[:, ::-1] = array
    assert numpy.array_equal(numpy.asarray(deferred), plain)
