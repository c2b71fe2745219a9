"""Executes programs with NumPy in this process: the program format's executable specification.

Every batch is verified before anything of it is executed, as the server does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from maniple import _backend, _reference_linear, _reference_random
from maniple._backend import BackendError, Batch, Limits, Placement
from maniple._dtypes import CHARACTERS, CODE, DTYPE

_SEGMENT = 1


def _map(memory: bytearray) -> np.ndarray:
    """Return a new array over shared memory; nobody but the caller refers to it."""
    # One byte is left over: frombuffer refuses empty memory.
    return np.frombuffer(memory, np.uint8, count=len(memory) - 1)


class _Region:
    def __init__(self, array: np.ndarray, placement: Placement) -> None:
        self.array = array
        self.placement = placement


class _Operand:
    """One operand of an instruction: a view, or a scalar (0-d)."""

    __slots__ = ("array", "is_scalar")

    def __init__(self, array: np.ndarray, is_scalar: bool) -> None:
        self.array = array
        self.is_scalar = is_scalar


class _Row:
    """One row of the operation table."""

    __slots__ = ("execute", "inputs", "loop", "name", "outputs", "ufunc")

    def __init__(
        self,
        name: str,
        loop: str,
        execute: Callable[..., None],
        ufunc: np.ufunc | None = None,
    ) -> None:
        self.name = name
        self.loop = loop  # with NumPy's own characters
        signature = loop.replace("q", "l").replace("Q", "L")
        inputs, outputs = signature.split("->")
        self.inputs = [np.dtype(c) for c in inputs]
        self.outputs = [np.dtype(c) for c in outputs]
        self.execute = execute
        self.ufunc = ufunc


def _invalid(message: str) -> BackendError:
    return BackendError(_backend.INVALID_PROGRAM, message)


def _cast(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if array.dtype.kind == "c" and dtype.kind not in "cb":
        array = array.real
    return array.astype(dtype, copy=False)


def _store(out: np.ndarray, value: Any, where: np.ndarray | bool = True) -> None:
    if isinstance(value, np.ndarray) and value.dtype.kind == "c" and out.dtype.kind not in "cb":
        value = value.real
    np.copyto(out, value, casting="unsafe", where=where)


def _condition(operands: list[_Operand], index: int) -> np.ndarray | bool:
    if len(operands) == index:
        return True
    if len(operands) != index + 1:
        raise _invalid(f"{len(operands)} operands, not {index} or {index + 1}")
    where = operands[index].array
    if where.dtype != np.bool_:
        raise _invalid(f"a condition must be bool, not {where.dtype}")
    return where


def _same_shape(operands: list[_Operand]) -> None:
    shapes = {o.array.shape for o in operands if not o.is_scalar}
    if len(shapes) > 1:
        raise _invalid(f"operands of one elementwise operation have shapes {sorted(shapes)}")


def _elementwise(row: _Row, operands: list[_Operand]) -> None:
    assert row.ufunc is not None
    nout, nin = len(row.outputs), len(row.inputs)
    _same_shape(operands)
    where = _condition(operands, nout + nin)
    inputs = [_cast(o.array, t) for o, t in zip(operands[nout:], row.inputs, strict=False)]
    if where is True:
        results: Any = row.ufunc(*inputs, signature=row.loop)
    else:
        # What is not selected may not be computed: it could raise errors.
        space = tuple(np.zeros(operands[0].array.shape, t) for t in row.outputs)
        results = row.ufunc(*inputs, signature=row.loop, where=where, out=space)
    for out, result in zip(operands, results if nout > 1 else (results,), strict=False):
        _store(out.array, np.asarray(result), where)


# The exponents that have an operation of their own.
_POWERS = (-4, -3.5, -3, -2.5, -2, -1.5, -1, -0.5, 0.5, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8)


def _power(row: _Row, operands: list[_Operand], exponent: float) -> None:
    _same_shape(operands)
    where = _condition(operands, 2)
    x = _cast(operands[1].array, row.inputs[0])
    _store(operands[0].array, np.power(x, exponent, where=where, out=np.zeros_like(x)), where)


def _copyto(row: _Row, operands: list[_Operand]) -> None:
    _same_shape(operands)
    where = _condition(operands, 2)
    # As NumPy, as if the input were read completely before the output is written.
    _store(operands[0].array, operands[1].array.copy(), where)


def _where(row: _Row, operands: list[_Operand]) -> None:
    _same_shape(operands)
    _expect(operands, 4)
    condition = operands[1].array.astype(bool)
    x, y = (_cast(o.array, row.outputs[0]) for o in operands[2:])
    _store(operands[0].array, np.asarray(np.where(condition, x, y)))


def _arange(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 3)
    dtype = row.outputs[0]
    start, step = (_cast(o.array, dtype) for o in operands[1:])
    out = operands[0].array
    index = np.arange(out.size).astype(dtype).reshape(out.shape)
    _store(out, np.asarray(start + index * step))


def _reduced_axes(out: np.ndarray, source: np.ndarray) -> tuple[int, ...]:
    if out.ndim != source.ndim:
        raise _invalid(f"a reduction from rank {source.ndim} to rank {out.ndim}")
    axes = []
    for axis, (n, m) in enumerate(zip(source.shape, out.shape, strict=True)):
        if m == 1 and n != 1:
            axes.append(axis)
        elif n != m:
            raise _invalid(f"a reduction from {source.shape} to {out.shape}")
    return tuple(axes)


def _reduce(row: _Row, operands: list[_Operand]) -> None:
    assert row.ufunc is not None
    where = _condition(operands, 2)
    out, source = operands[0].array, _cast(operands[1].array, row.inputs[0])
    axes = _reduced_axes(out, source)
    options: dict[str, Any] = {}
    if where is not True and row.ufunc.identity is None:
        options["initial"] = _neutral(row.ufunc, source.dtype)
    result = row.ufunc.reduce(
        source, axis=axes, dtype=row.inputs[0], keepdims=True, where=where, **options
    )
    _store(out, np.asarray(result))


def _neutral(ufunc: np.ufunc, dtype: np.dtype) -> Any:
    """The least or greatest value: what a masked minimum or maximum begins with."""
    least = ufunc.__name__ in ("maximum", "fmax")
    if dtype.kind == "b":
        return not least
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return info.min if least else info.max
    return -np.inf if least else np.inf


def _accumulate(row: _Row, operands: list[_Operand]) -> None:
    assert row.ufunc is not None
    _expect(operands, 3)
    axis = int(operands[2].array[()])
    source = _cast(operands[1].array, row.inputs[0])
    if not 0 <= axis < source.ndim:
        raise _invalid(f"dimension {axis} of {source.ndim}")
    _store(operands[0].array, row.ufunc.accumulate(source, axis=axis, dtype=row.inputs[0]))


def _arg_reduce(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 2)
    out, source = operands[0].array, operands[1].array
    axes = _reduced_axes(out, source)
    function = getattr(np, row.name.split(".")[0])
    source = _cast(source, row.inputs[0])
    if not axes:
        result = np.zeros(out.shape, np.intp)  # along a dimension of size 1
    elif len(axes) == 1 and out.size != 1:
        result = function(source, axis=axes[0], keepdims=True)
    elif out.size == 1:
        result = np.reshape(function(source), out.shape)
    else:
        raise _invalid("an index is taken along one dimension or along all")
    _store(out, np.asarray(result))


def _compress(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 4)
    out, count, source, mask = (o.array for o in operands)
    leading = mask.ndim and mask.shape == source.shape[: mask.ndim] and mask.dtype == np.bool_
    if not leading or out.shape[1:] != source.shape[mask.ndim :]:
        raise _invalid("compress needs a mask of its input's leading dimensions")
    selected = source[mask]
    if len(selected) > len(out):
        raise _invalid("the output of compress is too small")
    _store(out[: len(selected)], selected)
    _store(count, np.array(len(selected)))


def _place(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 3)
    out, values, mask = (o.array for o in operands)
    if mask.shape != out.shape or mask.dtype != np.bool_ or values.ndim != 1:
        raise _invalid("place needs a mask of its output's shape and a 1-D input")
    number = int(np.count_nonzero(mask))
    if number > len(values):
        raise BackendError(_backend.INDEX_OUT_OF_RANGE, "place has too few values")
    out[mask] = _cast(values[:number].copy(), out.dtype)


def _indices(operands: list[_Operand], bound: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    indices = tuple(o.array.astype(np.int64) for o in operands)
    for axis, index in enumerate(indices):
        if index.size and (index.min() < 0 or index.max() >= bound[axis]):
            raise BackendError(
                _backend.INDEX_OUT_OF_RANGE,
                f"an index is outside dimension {axis} with size {bound[axis]}",
            )
    return indices


def _take(row: _Row, operands: list[_Operand]) -> None:
    out, source = operands[0].array, operands[1].array
    indices = _indices(operands[2:], source.shape)
    _store(out, np.asarray(source[indices]))


def _put(row: _Row, operands: list[_Operand]) -> None:
    out, source = operands[0].array, operands[1].array
    indices = _indices(operands[2:], out.shape)
    out[indices] = _cast(source.copy(), out.dtype)


def _matmul(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 3)
    out, a, b = (o.array for o in operands)
    stack = out.shape[:-2]
    if out.ndim < 2 or a.shape[:-2] != stack or b.shape[:-2] != stack:
        raise _invalid(f"matmul of {a.shape} and {b.shape} to {out.shape}")
    if a.shape[-1] != b.shape[-2] or out.shape[-2:] != (a.shape[-2], b.shape[-1]):
        raise _invalid(f"matmul of {a.shape} and {b.shape} to {out.shape}")
    _store(out, np.matmul(_cast(a, row.inputs[0]), _cast(b, row.inputs[1])))


def _random(row: _Row, operands: list[_Operand]) -> None:
    _expect(operands, 14)
    out = operands[0].array
    scalars = [int(o.array[()]) for o in operands[2:]]
    values, consumed = _reference_random.draw(row.name, out, scalars)
    _store(out, values.reshape(out.shape))
    _store(operands[1].array, np.array(consumed))


def _expect(operands: list[_Operand], count: int) -> None:
    if len(operands) != count:
        raise _invalid(f"{len(operands)} operands, not {count}")


_REDUCTIONS = ("add", "multiply", "minimum", "maximum", "fmin", "fmax", "logical_and",
               "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor")  # fmt: skip
_ACCUMULATIONS = ("add", "multiply", "minimum", "maximum", "logical_and", "logical_or")


def _signatures(ufunc: np.ufunc) -> list[str]:
    known = set(CHARACTERS)
    # longlong is int64 under another name; some loops exist under that name only.
    unique: dict[str, str] = {}
    for loop in ufunc.types:
        unique.setdefault(loop.replace("q", "l").replace("Q", "L"), loop)
    return [loop for t, loop in unique.items() if set(t) - {"-", ">"} <= known]


def _table() -> list[_Row]:
    rows: list[_Row] = []
    ufuncs = {id(u): u for u in vars(np).values() if isinstance(u, np.ufunc) and not u.signature}
    for ufunc in ufuncs.values():
        rows += [_Row(ufunc.__name__, s, _elementwise, ufunc) for s in _signatures(ufunc)]
    for kinds, suffix, execute in (
        (_REDUCTIONS, "reduce", _reduce),
        (_ACCUMULATIONS, "accumulate", _accumulate),
    ):
        for name in kinds:
            ufunc = getattr(np, name)
            for s in _signatures(ufunc):
                if s[0] == s[1] == s[-1]:
                    rows.append(_Row(f"{name}.{suffix}", f"{s[0]}->{s[0]}", execute, ufunc))
    for c in CHARACTERS:
        rows.append(_Row("copyto", f"{c}->{c}", _copyto))
        rows.append(_Row("where", f"?{c}{c}->{c}", _where))
        rows.append(_Row("compress", f"{c}?->{c}l", _compress))
        rows.append(_Row("place", f"{c}?->{c}", _place))
        rows.append(_Row("take", f"{c}l->{c}", _take))
        rows.append(_Row("put", f"{c}l->{c}", _put))
        rows.append(_Row("argmax.reduce", f"{c}->l", _arg_reduce))
        rows.append(_Row("argmin.reduce", f"{c}->l", _arg_reduce))
        if c != "?":
            rows.append(_Row("arange", f"{c}{c}->{c}", _arange))
    rows += [
        _Row(f"power{n}", f"{c}->{c}", functools.partial(_power, exponent=n))
        for n in _POWERS
        for c in ("efd" if n != 0.5 else "fd")
    ]
    rows += [_Row("matmul", f"{c}{c}->{c}", _matmul) for c in "fdFD"]
    rows += [_Row(name, loop, execute) for name, loop, execute in _reference_linear.rows()]
    for name in _reference_random.GENERATORS:
        rows += [_Row(name, s, _random) for s in _reference_random.SIGNATURES]
    from maniple import _reference_sorting

    return rows + _reference_sorting.rows()


class ReferenceBackend:
    """The program format's meaning, in NumPy."""

    def __init__(self) -> None:
        self.limits = Limits()
        self._rows = _table()
        self._buffers: dict[int, np.ndarray] = {}
        self._reserved: dict[int, bytearray] = {}
        self._shared: dict[int, bytearray] = {}
        self._next_region = 0
        self._last = 0
        from maniple._warnings import Collector

        self._collector = Collector()

    def take_errors(self) -> list[tuple[int, str, str]]:
        return self._collector.take()

    def operations(self) -> dict[str, int]:
        table = {}
        for number, row in enumerate(self._rows, 1):
            signature = "".join(t.char for t in row.inputs) + "->"
            table[f"{row.name}:{signature}{''.join(t.char for t in row.outputs)}"] = number
        return table

    def upload(self, memory: np.ndarray) -> Placement:
        """Not needed: memory is shared."""
        raise NotImplementedError

    def reserve(self, nbytes: int) -> _Region:
        memory = bytearray(nbytes + 1)
        offset = self._next_region
        self._next_region += max(4096, nbytes)
        self._reserved[offset] = memory
        return _Region(_map(memory), (_SEGMENT, offset, nbytes))

    def close(self) -> None:
        self._buffers.clear()

    def submit(self, batch: Batch) -> list[bytes | np.ndarray]:
        self._verify(batch)
        self._last = batch.number
        for handle, nbytes, content, placement in batch.buffers:
            if placement is not None:
                self._shared[handle] = self._reserved.pop(placement[1])
                self._buffers[handle] = _map(self._shared[handle])
            elif content is not None:
                self._buffers[handle] = np.frombuffer(bytearray(content), np.uint8)
            else:
                # A pattern that makes reading of uninitialised memory visible.
                self._buffers[handle] = np.full(nbytes, 0xA5, np.uint8)
        position = 0
        for i, operation in enumerate(batch.operation):
            count = batch.operand_count[i]
            if operation == 0:
                handle = batch.operand_buffer[position]
                del self._buffers[handle]
                self._shared.pop(handle, None)
            else:
                self._execute(batch, i, self._rows[operation - 1], position, count)
            position += count
        return [self._observe(*observation) for observation in batch.observations]

    def _observe(self, handle: int, offset: int, length: int) -> bytes | np.ndarray:
        memory = self._buffers[handle]
        if length:
            return memory[offset : offset + length].tobytes()
        if handle not in self._shared:
            self._shared[handle] = bytearray(len(memory) + 1)
            shared = self._buffers[handle] = _map(self._shared[handle])
            shared[...] = memory
        return _map(self._shared[handle])

    def _execute(self, batch: Batch, i: int, row: _Row, position: int, count: int) -> None:
        operands = [self._operand(batch, p) for p in range(position, position + count)]
        try:
            source = batch.source[i]
            kinds = batch.reports[source - 1] if source and batch.reports else 0
            with self._collector.watch(
                row.name, batch.sources[source - 1] if source else "", kinds
            ):
                row.execute(row, operands)
        except Exception as error:
            source = batch.source[i]
            where = batch.sources[source - 1] if source else ""
            status = getattr(error, "status", _backend.INTERNAL)
            if status in _backend.REFUSALS:
                status = _backend.INTERNAL  # too late: a part of the batch is executed
            message = f"{row.name}: {error}"
            if status == _backend.NUMERICAL_FAILURE:
                message = str(error)
            raise BackendError(status, message, where) from error

    def _operand(self, batch: Batch, position: int) -> _Operand:
        handle = batch.operand_buffer[position]
        layout = batch.operand_layout[position]
        if handle == 0:
            data_type, low, high = batch.scalars[layout]
            raw = low.to_bytes(8, "little") + high.to_bytes(8, "little")
            return _Operand(np.frombuffer(raw, DTYPE[data_type], 1).reshape(()), True)
        data_type, shape, strides = batch.layouts[layout]
        offset = batch.operand_offset[position]
        array = np.ndarray(shape, DTYPE[data_type], self._buffers[handle], offset, strides)
        return _Operand(array, False)

    # -- verification --------------------------------------------------------------------------

    def _verify(self, batch: Batch) -> None:
        if batch.number <= self._last:
            raise _invalid(f"batch {batch.number} after batch {self._last}")
        if len(batch.operation) > self.limits.batch_instructions:
            raise BackendError(_backend.LIMIT_EXCEEDED, f"{len(batch.operation)} instructions")
        if not len(batch.operation) == len(batch.operand_count) == len(batch.source):
            raise _invalid("columns of instructions differ in length")
        operands = sum(batch.operand_count)
        if not (
            operands
            == len(batch.operand_buffer)
            == len(batch.operand_layout)
            == len(batch.operand_offset)
        ):
            raise _invalid("columns of operands differ in length")
        for data_type, shape, strides in batch.layouts:
            if not 1 <= data_type <= len(CODE):
                raise _invalid(f"data type {data_type}")
            if len(shape) != len(strides) or len(shape) > self.limits.dimensions:
                raise _invalid(f"layout {shape}, {strides}")
            if any(type(n) is not int or n < 0 for n in shape):
                raise _invalid(f"shape {shape}")
        if batch.source and not 0 <= min(batch.source) <= max(batch.source) <= len(batch.sources):
            raise _invalid("a source that is not in the batch")
        sizes = {handle: len(memory) for handle, memory in self._buffers.items()}
        self._verify_buffers(batch, sizes)
        self._verify_instructions(batch, sizes)
        for handle, offset, length in batch.observations:
            if handle not in sizes:
                raise BackendError(_backend.UNKNOWN_BUFFER, f"buffer {handle} is not known")
            if offset + length > sizes[handle] or length > self.limits.inline_bytes:
                raise _invalid(f"observation of {length} bytes at {offset} of buffer {handle}")

    def _verify_buffers(self, batch: Batch, sizes: dict[int, int]) -> None:
        for handle, nbytes, content, placement in batch.buffers:
            if handle in sizes or handle <= 0:
                raise _invalid(f"buffer {handle} exists")
            if content is not None and len(content) != nbytes:
                raise _invalid(f"{len(content)} bytes for buffer {handle} of {nbytes}")
            if content is not None and nbytes > self.limits.inline_bytes:
                raise BackendError(_backend.LIMIT_EXCEEDED, f"{nbytes} bytes inline")
            if placement is not None:
                region = self._reserved.get(placement[1])
                if placement[0] != _SEGMENT or region is None or len(region) != nbytes + 1:
                    raise _invalid(f"buffer {handle} is in no reserved region")
            sizes[handle] = nbytes

    def _verify_instructions(self, batch: Batch, sizes: dict[int, int]) -> None:
        position = 0
        for operation, count in zip(batch.operation, batch.operand_count, strict=True):
            if not 0 <= operation <= len(self._rows):
                raise _invalid(f"operation {operation}")
            handles = batch.operand_buffer[position : position + count]
            if operation == 0:
                if count != 1 or handles[0] not in sizes:
                    raise BackendError(_backend.UNKNOWN_BUFFER, f"free of buffer {handles}")
                del sizes[handles[0]]
            else:
                row = self._rows[operation - 1]
                if count < len(row.outputs) or 0 in handles[: len(row.outputs)]:
                    raise _invalid(f"{row.name} without a buffer for its result")
                for p in range(position, position + count):
                    self._verify_operand(batch, p, sizes)
            position += count

    def _verify_operand(self, batch: Batch, position: int, sizes: dict[int, int]) -> None:
        handle, layout = batch.operand_buffer[position], batch.operand_layout[position]
        if handle == 0:
            if not 0 <= layout < len(batch.scalars):
                raise _invalid(f"scalar {layout}")
            return
        if handle not in sizes:
            raise BackendError(_backend.UNKNOWN_BUFFER, f"buffer {handle} is not known")
        if not 0 <= layout < len(batch.layouts):
            raise _invalid(f"layout {layout}")
        data_type, shape, strides = batch.layouts[layout]
        if 0 in shape:
            return
        low = high = batch.operand_offset[position]
        for n, stride in zip(shape, strides, strict=True):
            if stride < 0:
                low += (n - 1) * stride
            else:
                high += (n - 1) * stride
        dtype = DTYPE[data_type]
        assert dtype is not None
        if low < 0 or high + dtype.itemsize > sizes[handle]:
            raise _invalid(
                f"a view of bytes {low} to {high + dtype.itemsize} of buffer {handle} "
                f"with {sizes[handle]}"
            )
