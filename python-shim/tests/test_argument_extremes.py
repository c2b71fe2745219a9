"""argmax and argmin of long rows, which the server takes apart into pieces of 4,096 elements."""

from __future__ import annotations

import numpy
import pytest

import maniple

LENGTHS = (262_143, 262_144, 262_145, 266_240, 1_000_001)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "u1", "?"])
@pytest.mark.parametrize("length", LENGTHS)
def test_the_first_extreme_of_a_long_row_wins(dtype: str, length: int) -> None:
    random = numpy.random.default_rng(length)
    plain = (random.standard_normal(length) * 100).astype(dtype)
    repeated = plain.copy()
    repeated[[length // 2, length - 1]] = repeated.max()
    rows = [plain, repeated, repeated[::-1], numpy.zeros(length, dtype)]
    if dtype.startswith("f"):
        one = repeated.copy()
        one[length - 3] = numpy.nan
        two = one.copy()
        two[4_097] = numpy.nan
        rows += [
            one,
            two,
            numpy.full(length, -numpy.inf, dtype),
            numpy.where(numpy.arange(length) % 2, 0.0, -0.0).astype(dtype),
        ]
    for row in rows:
        deferred = maniple.asarray(row) + maniple.asarray(False)
        assert int(deferred.argmax()) == int((row + numpy.asarray(False)).argmax())
        assert int(deferred.argmin()) == int((row + numpy.asarray(False)).argmin())


def test_the_index_counts_in_c_order() -> None:
    matrix = numpy.random.default_rng(1).standard_normal((1_500, 700))
    deferred = maniple.asarray(matrix) * 1.0
    for view, expected in (
        (deferred, matrix),
        (deferred[:, ::2], matrix[:, ::2]),
        (deferred.T, matrix.T),
    ):
        assert int(view.argmax()) == int(expected.argmax())
        assert int(view.argmin()) == int(expected.argmin())
