"""numpy.fft: NumPy's own Python code on Maniple's arrays, with the transforms at the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.fft import _helper, _pocketfft

from maniple import _profile, _ufuncs
from maniple._array import ndarray
from maniple._dtypes import INTP
from maniple._linalg import handler, implementations
from maniple._pace import TRANSFORM
from maniple._recorder import stream
from maniple._ufuncs import HOST, Instruction, errors_matter, operand, prepare_outputs, scalar_key

_pfu: Any = vars(_pocketfft)["pfu"]

_ROUTINES: dict[np.ufunc, tuple[str, tuple[int, ...]]] = {
    _pfu.fft: ("fft.complex", (0,)),
    _pfu.ifft: ("fft.complex", (1,)),
    _pfu.rfft_n_even: ("fft.from_real", (0,)),
    _pfu.rfft_n_odd: ("fft.from_real", (1,)),
    _pfu.irfft: ("fft.to_real", ()),
}
"""Each of NumPy's ufuncs as a routine and its scalars."""


def _roll(x: Any, shift: Any, axis: Any) -> Any:
    return np.roll(
        x,
        tuple(shift) if type(shift) is list else shift,
        tuple(axis) if type(axis) is list else axis,
    )


def handlers() -> dict[Any, Callable[..., Any]]:
    """Return NumPy's functions and what handles them."""
    transforms = implementations(_pocketfft)
    shifts = implementations(_helper, roll=_roll)
    found = {}
    for implementation, names in (
        (transforms, _pocketfft.__all__),
        (shifts, ("fftshift", "ifftshift")),
    ):
        for name in names:
            function = getattr(np.fft, name)
            found[function] = handler(implementation(function))
    return found


def _types(name: str, a: np.dtype, out: np.dtype) -> str | None:
    """Return the signature by which NumPy computes; None if that is not clear."""
    if a.char == "e" or (name == "fft.from_real" and a.kind == "c"):
        return None
    if name == "fft.to_real":
        if out != np.result_type(a.type(0).real.dtype, 1.0):
            return None
        return {"d": "Dd->d", "f": "Ff->f"}.get(out.char)
    if out != np.result_type(a, 1j):
        return None
    single = out.char == "F"
    if not single and out.char != "D":
        return None
    if name == "fft.complex":
        return "Ff->F" if single else "Dd->D"
    return "ff->F" if single else "dd->D"


def _transform(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name, scalars = _ROUTINES[ufunc]
    out: Any = kwargs.get("out")
    axes: Any = kwargs.get("axes")
    if kwargs.keys() != {"out", "axes"} or errors_matter() or not stream.enabled:
        return HOST
    if type(out) is tuple:
        (out,) = out
    a, factor = operand(inputs[0]), inputs[1]
    if type(a) not in (ndarray, np.ndarray) or type(out) is not ndarray or np.ndim(factor):
        return HOST
    (axis,), _, (own,) = axes
    rank = len(a.shape)
    if axis != own or len(out._shape) != rank or not (a.size and out._size):
        return HOST
    if not -rank <= axis < rank:
        return HOST
    types = _types(name, a.dtype, out._dtype)
    number = stream.operations.get(f"{name}:{types}")
    if types is None or number is None:
        return HOST
    target: Any = out
    a, target = np.moveaxis(a, axis, -1), np.moveaxis(target, axis, -1)
    if a.shape[:-1] != target.shape[:-1]:
        return HOST
    with stream.lock:
        if not prepare_outputs([out]):
            return HOST
        instruction = Instruction()
        instruction.output(target)
        instruction.input(a)
        instruction.input(np.asarray(factor, types[1]))
        for value in scalars:
            instruction.scalar(scalar_key(value, INTP))
        instruction.emit(number, max(a.size, out._size) * TRANSFORM, True)
    if _profile.active:
        _profile.count(ufunc.__name__, "deferred", "", max(a.size, out._size))
    return out


_ufuncs.GENERALIZED.update(dict.fromkeys(_ROUTINES, _transform))
