"""What linear algebra and Fourier transforms of the program format mean, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

from maniple import _backend
from maniple._backend import BackendError

_umath_linalg: Any = import_module("numpy.linalg._umath_linalg")
_pfu: Any = import_module("numpy.fft._pocketfft_umath")

_MESSAGES = {
    "solve": "Singular matrix",
    "inv": "Singular matrix",
    "cholesky": "Matrix is not positive definite",
    "qr": "Incorrect argument found while performing QR factorization",
    "q": "Incorrect argument found while performing QR factorization",
    "svd": "SVD did not converge",
    "svdvals": "SVD did not converge",
    "eig": "Eigenvalues did not converge",
    "eigvals": "Eigenvalues did not converge",
    "eigh": "Eigenvalues did not converge",
    "eigvalsh": "Eigenvalues did not converge",
    "lstsq": "SVD did not converge in Linear Least Squares",
}


def rows() -> Iterator[tuple[str, str, Callable[..., None]]]:
    """Yield name, signature and meaning: a function of the row and its operands' arrays."""
    for c in "dD":
        for name, types in (
            ("solve", f"{c}{c}->{c}"), ("inv", f"{c}->{c}"), ("det", f"{c}->{c}"),
            ("slogdet", f"{c}->{c}d"), ("cholesky", f"{c}->{c}"), ("qr", f"{c}->{c}{c}"),
            ("q", f"{c}{c}->{c}"), ("svd", f"{c}->{c}d{c}"), ("svdvals", f"{c}->d"),
            ("eig", f"{c}->DD"), ("eigvals", f"{c}->D"), ("eigh", f"{c}->d{c}"),
            ("eigvalsh", f"{c}->d"), ("lstsq", f"{c}{c}d->{c}did"),
        ):  # fmt: skip
            yield f"linalg.{name}", types, _linear
    for c, part in ("Dd", "Ff"):
        yield "fft.complex", f"{c}{part}->{c}", _fourier
        yield "fft.from_real", f"{part}{part}->{c}", _fourier
        yield "fft.to_real", f"{c}{part}->{part}", _fourier


def _linear(row: Any, operands: list[Any]) -> None:
    name = row.name.partition(".")[2]
    outputs = len(row.outputs)
    inputs = [o.array.astype(t) for o, t in zip(operands[outputs:], row.inputs, strict=False)]
    scalars = [int(o.array[()]) for o in operands[outputs + len(inputs) :]]
    message = _MESSAGES.get(name)

    def fail(*_: Any) -> None:
        raise BackendError(_backend.NUMERICAL_FAILURE, str(message))

    state: dict[str, Any] = {"call": fail, "invalid": "call"} if message else {}
    with np.errstate(all="ignore"), np.errstate(**state):
        results = _results(name, row.loop, inputs, operands, scalars)
    for o, result in zip(operands[:outputs], results, strict=True):
        o.array[...] = result


def _results(
    name: str, loop: str, inputs: list[Any], operands: list[Any], scalars: list[int]
) -> tuple[Any, ...]:
    a = inputs[0]
    if name == "qr":
        tau = _umath_linalg.qr_r_raw(a, signature=loop[:-1])
        return a, tau
    if name == "q":
        complete = operands[0].array.shape[-1] == a.shape[-2] > a.shape[-1]
        ufunc = _umath_linalg.qr_complete if complete else _umath_linalg.qr_reduced
        return (ufunc(*inputs, signature=loop),)
    if name == "svd":
        u, vt = operands[0].array, operands[2].array
        full = u.shape[-1] == u.shape[-2] and vt.shape[-1] == vt.shape[-2]
        # NumPy's results do not depend on which it is where both have the same shapes.
        ufunc = _umath_linalg.svd_f if full else _umath_linalg.svd_s
        return tuple(ufunc(a, signature=loop))
    if name == "svdvals":
        return (_umath_linalg.svd(a, signature=loop),)
    if name == "cholesky":
        name += "_up" if scalars[0] else "_lo"
    elif name in ("eigh", "eigvalsh"):
        name += "_lo" if scalars[0] else "_up"
    results = getattr(_umath_linalg, name)(*inputs, signature=loop)
    return results if type(results) is tuple else (results,)


def _fourier(row: Any, operands: list[Any]) -> None:
    out = operands[0].array
    a, factor = (o.array.astype(t) for o, t in zip(operands[1:3], row.inputs, strict=True))
    scalars = [int(o.array[()]) for o in operands[3:]]
    ufunc = {
        "fft.complex": (_pfu.fft, _pfu.ifft),
        "fft.from_real": (_pfu.rfft_n_even, _pfu.rfft_n_odd),
        "fft.to_real": (_pfu.irfft,),
    }[row.name][scalars[0] if scalars else 0]
    result = np.empty(out.shape, row.outputs[0])
    ufunc(a, factor.reshape(()), out=result)
    out[...] = result
