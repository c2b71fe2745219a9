"""Linear algebra, products and Fourier transforms against NumPy.

Runs against the reference backend, or the server with MANIPLE_BACKEND=server.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import maniple as np

pytestmark = pytest.mark.usefixtures("defer_all")

Function = Callable[..., Any]

SIZES = (0, 1, 2, 3, 17, 64, 65)
STACKS: tuple[tuple[int, ...], ...] = ((), (3,), (2, 1, 2))

MATRICES: dict[str, Function] = {
    "inv": lambda m, a, h, p: m.linalg.inv(a),
    "det": lambda m, a, h, p: m.linalg.det(a),
    "slogdet": lambda m, a, h, p: m.linalg.slogdet(a),
    "solve": lambda m, a, h, p: m.linalg.solve(a, p[..., :2]),
    "solve vector": lambda m, a, h, p: m.linalg.solve(a, p[(0,) * (p.ndim - 1)]),
    "cholesky": lambda m, a, h, p: m.linalg.cholesky(p),
    "cholesky upper": lambda m, a, h, p: m.linalg.cholesky(p, upper=True),
    "qr": lambda m, a, h, p: m.linalg.qr(a),
    "qr complete": lambda m, a, h, p: m.linalg.qr(a[..., :2], "complete"),
    "qr r": lambda m, a, h, p: m.linalg.qr(a[..., :2, :], "r"),
    "qr raw": lambda m, a, h, p: m.linalg.qr(a, "raw"),
    "singular values": lambda m, a, h, p: m.linalg.svd(a, compute_uv=False),
    "svd": lambda m, a, h, p: _product_of_svd(m, a, True),
    "svd thin": lambda m, a, h, p: _product_of_svd(m, a[..., :2], False),
    "svd hermitian": lambda m, a, h, p: m.linalg.svd(h, hermitian=True, compute_uv=False),
    "eigvalsh": lambda m, a, h, p: m.linalg.eigvalsh(h),
    "eigvalsh upper": lambda m, a, h, p: m.linalg.eigvalsh(a, UPLO="U"),
    "eigh": lambda m, a, h, p: m.linalg.eigh(p)[0],
    "eigvals": lambda m, a, h, p: m.sort(m.abs(m.linalg.eigvals(a))),
    "eig": lambda m, a, h, p: m.sort(m.abs(m.linalg.eig(a)[0])),
    "eigenvectors": lambda m, a, h, p: _residual_of_eig(m, a),
    "pinv": lambda m, a, h, p: m.linalg.pinv(p),
    "matrix_rank": lambda m, a, h, p: m.linalg.matrix_rank(a),
    "matrix_power": lambda m, a, h, p: m.linalg.matrix_power(a, -3 if a.dtype.kind != "i" else 3),
    "cond": lambda m, a, h, p: m.linalg.cond(p),
    "norm": lambda m, a, h, p: m.linalg.norm(a),
    "norm nuclear": lambda m, a, h, p: m.linalg.norm(a, "nuc", axis=(-2, -1)),
    "matrix_norm": lambda m, a, h, p: m.linalg.matrix_norm(a, ord=1),
    "vector_norm": lambda m, a, h, p: m.linalg.vector_norm(a, axis=-1),
    "matmul": lambda m, a, h, p: a @ p,
    "matmul broadcast": lambda m, a, h, p: m.matmul(a, p[..., None, :, :2]),
    "matmul transposed": lambda m, a, h, p: m.matmul(m.swapaxes(a, -1, -2), p[..., ::-1]),
    "matmul vector": lambda m, a, h, p: m.matmul(p[(0,) * (p.ndim - 1)], a),
    "matvec": lambda m, a, h, p: m.matvec(a, p[..., 0]),
    "vecmat": lambda m, a, h, p: m.vecmat(p[..., 0], a),
    "vecdot": lambda m, a, h, p: m.vecdot(a, p),
    "dot": lambda m, a, h, p: m.dot(a, p),
    "inner": lambda m, a, h, p: m.inner(a, p),
    "tensordot": lambda m, a, h, p: m.tensordot(a, p, axes=([-1], [-1])),
    "trace": lambda m, a, h, p: m.linalg.trace(a),
    "einsum stack": lambda m, a, h, p: m.einsum("...ij,...jk->...ik", a, p),
    "einsum transposed": lambda m, a, h, p: m.einsum("ij,kj->ki", a, p) if a.ndim == 2 else a,
    "einsum rows": lambda m, a, h, p: m.einsum("ij,ij->i", a, p) if a.ndim == 2 else a,
    "einsum all": lambda m, a, h, p: m.einsum("ij,ji", a, p) if a.ndim == 2 else a,
    "einsum sum": lambda m, a, h, p: m.einsum("abij->ja", a) if a.ndim == 4 else a,
    "einsum path": lambda m, a, h, p: (
        m.einsum("ij,jk,kl->il", a, p, h, optimize="greedy") if a.ndim == 2 else a
    ),
    "lstsq": lambda m, a, h, p: m.linalg.lstsq(p, p[:, :2]) if a.ndim == 2 else a,
    "lstsq tall": lambda m, a, h, p: (
        m.linalg.lstsq(a[:, :2], p[:, 0], rcond=1e-9) if a.ndim == 2 else a
    ),
    "multi_dot": lambda m, a, h, p: m.linalg.multi_dot([a, p, a[:, :1]]) if a.ndim == 2 else a,
    "tensorsolve": lambda m, a, h, p: m.linalg.tensorsolve(p, p[0]) if a.ndim == 2 else a,
}


def _product_of_svd(m: Any, a: Any, full: bool) -> Any:
    """What the factors stand for; they themselves are not unique."""
    u, s, vt = m.linalg.svd(a, full_matrices=full)
    k = s.shape[-1]
    return (u[..., :k] * s[..., None, :]) @ vt[..., :k, :], u.shape, vt.shape


def _residual_of_eig(m: Any, a: Any) -> Any:
    values, vectors = m.linalg.eig(a)
    return m.abs(a @ vectors - vectors * values[..., None, :]) < 1e-3 * max(1, a.shape[-1])


def _outcome(run: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run()
        except Exception as error:
            return error


def compare(expected: Any, actual: Any, tolerance: float) -> None:
    if isinstance(expected, Exception):
        assert isinstance(actual, type(expected)), actual
        assert str(expected) in str(actual)
        return
    if isinstance(actual, Exception):
        raise actual
    if isinstance(expected, tuple):
        assert len(expected) == len(actual)
        for e, a in zip(expected, actual, strict=True):
            compare(e, a, tolerance)
        return
    expected, actual = numpy.asarray(expected), numpy.asarray(actual)
    assert expected.dtype == actual.dtype
    assert expected.shape == actual.shape
    finite = numpy.abs(expected[numpy.isfinite(expected)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    numpy.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * scale)


def _matrices(dtype: str, n: int, stack: tuple[int, ...]) -> tuple[numpy.ndarray, ...]:
    rng = numpy.random.default_rng(n)
    a = rng.standard_normal((*stack, n, n))
    if dtype in "FD":
        a = a + 1j * rng.standard_normal(a.shape)
    # Far from singular, so that two orders of summation agree.
    a = (
        a + 3 * numpy.sqrt(n) * numpy.eye(n)
        if dtype != "l"
        else numpy.round(a * 3 + 9 * numpy.eye(n))
    )
    h = a + a.conj().swapaxes(-1, -2)
    p = a @ a.conj().swapaxes(-1, -2) + n * numpy.eye(n)
    return a.astype(dtype), h.astype(dtype), p.astype(dtype)


@pytest.mark.parametrize("dtype", "fdFDl")
@pytest.mark.parametrize("name", MATRICES)
def test_matrices(name: str, dtype: str) -> None:
    for n in SIZES:
        for stack in STACKS:
            if stack and n > 17:
                continue
            arrays = _matrices(dtype, n, stack)
            expected = _outcome(lambda arrays=arrays: MATRICES[name](numpy, *arrays))
            ours = [np.array(x) for x in arrays]
            actual = _outcome(lambda ours=ours: MATRICES[name](np, *ours))
            compare(expected, actual, 2e-3 if dtype in "fF" else 1e-9)


@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize(
    ("name", "matrix", "message"),
    [
        ("inv", numpy.zeros((2, 2)), "Singular matrix"),
        ("cholesky", -numpy.eye(3), "Matrix is not positive definite"),
        ("svd", numpy.full((3, 3), numpy.nan), "SVD did not converge"),
        ("eig", numpy.full((3, 3), numpy.nan), "Array must not contain infs or NaNs"),
        ("inv", numpy.zeros((2, 3)), "Last 2 dimensions of the array must be square"),
    ],
)
def test_failures_come_at_the_call(
    name: str, matrix: numpy.ndarray, message: str, stack: tuple[int, ...]
) -> None:
    whole = numpy.broadcast_to(numpy.eye(*matrix.shape), (*stack, *matrix.shape)).copy()
    whole[(-1,) * len(stack)] = matrix
    a = np.array(whole)
    before = a + 1
    with pytest.raises(numpy.linalg.LinAlgError, match=message) as caught:
        getattr(np.linalg, name)(a)
    assert type(caught.value) is numpy.linalg.LinAlgError
    # Everything else goes on.
    numpy.testing.assert_array_equal(numpy.asarray(before), whole + 1)


def test_determinant_of_a_singular_matrix_is_zero() -> None:
    assert np.linalg.det(np.zeros((3, 3))) == 0
    sign, logarithm = np.linalg.slogdet(np.zeros((3, 3)))
    assert (sign, logarithm) == (0, -numpy.inf)


TRANSFORMS: dict[str, Function] = {
    "fft": lambda m, x: m.fft.fft(x),
    "fft ortho": lambda m, x: m.fft.fft(x, norm="ortho"),
    "fft forward": lambda m, x: m.fft.fft(x, norm="forward", axis=0),
    "fft longer": lambda m, x: m.fft.fft(x, x.shape[-1] + 3),
    "fft shorter": lambda m, x: m.fft.fft(x, max(1, x.shape[-1] - 2)),
    "fft strided": lambda m, x: m.fft.fft(x[..., ::-1]),
    "ifft": lambda m, x: m.fft.ifft(x),
    "ifft first axis": lambda m, x: m.fft.ifft(x, axis=0),
    "rfft": lambda m, x: m.fft.rfft(x),
    "rfft odd": lambda m, x: m.fft.rfft(x, x.shape[-1] + 1),
    "irfft": lambda m, x: m.fft.irfft(x),
    "irfft odd": lambda m, x: m.fft.irfft(x, 2 * x.shape[-1] + 1),
    "hfft": lambda m, x: m.fft.hfft(x),
    "ihfft": lambda m, x: m.fft.ihfft(x),
    "fft2": lambda m, x: m.fft.fft2(x),
    "ifft2": lambda m, x: m.fft.ifft2(x, s=(3, 4)),
    "fftn": lambda m, x: m.fft.fftn(x),
    "ifftn": lambda m, x: m.fft.ifftn(x, axes=(0,)),
    "rfftn": lambda m, x: m.fft.rfftn(x),
    "irfftn": lambda m, x: m.fft.irfftn(x),
    "rfft2": lambda m, x: m.fft.rfft2(x),
    "irfft2": lambda m, x: m.fft.irfft2(x),
    "out": lambda m, x: m.fft.fft(x, out=m.zeros(x.shape, m.result_type(x.dtype, 1j))),
    "in place": lambda m, x: (lambda y: m.fft.fft(y, out=y))(x + 0j),
    "wrong out": lambda m, x: m.fft.fft(x, out=m.zeros((1, 2, 3), complex)),
    "wrong n": lambda m, x: m.fft.fft(x, 0),
    "wrong norm": lambda m, x: m.fft.fft(x, norm="none"),
    "fftshift": lambda m, x: m.fft.fftshift(x),
    "ifftshift": lambda m, x: m.fft.ifftshift(x, axes=0),
}

SHAPES = ((1,), (2,), (3,), (5, 16), (17, 2), (2, 37), (64,), (3, 65), (2, 3, 74), (0, 3), (210,))


@pytest.mark.parametrize("dtype", "?bfdFD")
@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name: str, dtype: str) -> None:
    rng = numpy.random.default_rng(7)
    for shape in SHAPES:
        x = rng.standard_normal(shape) * 5
        if dtype in "FD":
            x = x + 1j * rng.standard_normal(shape)
        x = x.astype(dtype)
        expected = _outcome(lambda x=x: TRANSFORMS[name](numpy, x))
        ours = np.array(x)
        actual = _outcome(lambda ours=ours: TRANSFORMS[name](np, ours))
        compare(expected, actual, 1e-5 if dtype in "fF" else 1e-12)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -0.0])
def test_special_values_are_transformed_as_numpys(value: float) -> None:
    x = numpy.ones(16)
    x[3] = value
    with numpy.errstate(invalid="ignore"):
        expected = numpy.fft.fft(x)
    actual = numpy.asarray(np.fft.fft(np.array(x)))
    numpy.testing.assert_array_equal(numpy.isfinite(actual), numpy.isfinite(expected))


@pytest.mark.parametrize("character", "?bHiqefdFD")
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (0, 3)])
def test_dot_with_a_scalar(character: str, shape: tuple[int, ...]) -> None:
    scalars: list[Any] = [2, 2.5, 1j, numpy.float32(2), numpy.asarray(3, "i1"), 0]
    for scalar in scalars:
        ours, theirs = np.ones(shape, character), numpy.ones(shape, character)
        for a, b in ((ours, theirs), (ours.T, theirs.T), (ours[..., ::-1].T, theirs[..., ::-1].T)):
            for got, want in (
                (np.dot(a, scalar), numpy.dot(b, scalar)),
                (np.dot(scalar, a), numpy.dot(scalar, b)),
            ):
                assert (got.dtype, got.strides) == (want.dtype, want.strides), (character, scalar)
                numpy.testing.assert_array_equal(got, want)
