"""The meaning of the operations that sort, search, count and update by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from maniple import _backend
from maniple._backend import BackendError
from maniple._dtypes import CHARACTERS
from maniple._reference import _cast, _expect, _invalid, _Operand, _Row, _store

_UPDATES = ("add", "subtract", "multiply", "minimum", "maximum")
_SEGMENTS = ("add", "multiply", "minimum", "maximum")


def _rows_of(operands: list[_Operand], count: int) -> tuple[np.ndarray, np.ndarray]:
    _expect(operands, count)
    out, source = operands[0].array, operands[1].array
    if out.shape != source.shape or not out.ndim:
        raise _invalid(f"rows of shapes {out.shape} and {source.shape}")
    return out, source


def _checked(index: np.ndarray, n: int, low: int = 0) -> np.ndarray:
    index = index.astype(np.int64)
    if index.size and (index.min() < low or index.max() >= n):
        raise BackendError(_backend.INDEX_OUT_OF_RANGE, f"an index is outside {low} to {n}")
    return index


def _sort(row: _Row, operands: list[_Operand]) -> None:
    out, source = _rows_of(operands, 2)
    _store(out, np.sort(_cast(source, row.inputs[0]), kind="stable"))


def _argsort(row: _Row, operands: list[_Operand]) -> None:
    out, source = _rows_of(operands, 2)
    _store(out, np.argsort(_cast(source, row.inputs[0]), kind="stable"))


def _partition(row: _Row, operands: list[_Operand]) -> None:
    out, source = _rows_of(operands, 3)
    kth = _checked(operands[2].array, source.shape[-1])
    _store(out, np.partition(_cast(source, row.inputs[0]), kth))


def _searchsorted(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 4)
    out, a, v = (o.array for o in operands[:3])
    if a.ndim != 1 or out.shape != v.shape:
        raise _invalid("searchsorted needs a vector, and an output of the values' shape")
    side: Any = "right" if operands[3].array[()] else "left"
    found = np.searchsorted(_cast(a, row.inputs[0]), _cast(v, row.inputs[1]), side)
    _store(out, np.asarray(found))


def _bincount(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 1 + len(row.inputs))
    out, x = operands[0].array, operands[1].array
    weights = _cast(operands[2].array, row.inputs[1]) if len(operands) > 2 else None
    x = _checked(x, len(out))
    _store(out, np.bincount(x, weights, len(out)))


def _histogram(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 3)
    out, x, edges = (operand.array for operand in operands)
    counts, same = np.histogram(x, len(out), (edges[0], edges[-1]))
    if not np.array_equal(same, edges):
        raise _invalid("the edges are not those of bins of one width")
    _store(out, counts)


def _at(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 3)
    assert row.ufunc is not None
    out = operands[0].array
    index = _checked(operands[2].array, len(out), -len(out))
    updated = _cast(out.copy(), row.inputs[0])
    row.ufunc.at(updated, index, _cast(operands[1].array, row.inputs[0]).copy())
    _store(out, updated)


def _reduceat(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 3)
    assert row.ufunc is not None
    source = _cast(operands[1].array, row.inputs[0])
    starts = _checked(operands[2].array, source.shape[-1])
    result = row.ufunc.reduceat(source, starts, axis=-1, dtype=row.outputs[0])
    _store(operands[0].array, result)


def rows() -> list[_Row]:
    table = [
        _Row("bincount", "l->l", _bincount),
        _Row("bincount", "ld->d", _bincount),
        _Row("histogram", "dd->l", _histogram),
    ]
    for c in CHARACTERS:
        table += [
            _Row("sort", f"{c}->{c}", _sort),
            _Row("argsort", f"{c}->l", _argsort),
            _Row("partition", f"{c}l->{c}", _partition),
            _Row("searchsorted", f"{c}{c}->l", _searchsorted),
        ]
        for name in _UPDATES:
            ufunc = getattr(np, name)
            if f"{c}{c}->{c}" in ufunc.types:
                table.append(_Row(f"{name}.at", f"{c}l->{c}", _at, ufunc))
        for name in _SEGMENTS:
            ufunc = getattr(np, name)
            if f"{c}{c}->{c}" in ufunc.types:
                table.append(_Row(f"{name}.reduceat", f"{c}l->{c}", _reduceat, ufunc))
    return table
