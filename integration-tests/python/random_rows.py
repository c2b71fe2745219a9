"""What the statements of random programs look like: one row, one form.

A row is `tags | text`. The text is an expression, whose value gets a name, or after `!` a statement.
`{x}` and its like are filled in by `random_statements.Generator`, which knows all values, so that
what is drawn for an array fits it most of the time.

Tags choose the array `x`: `bool int float complex real small vector matrix square finite full`.
The others say what NumPy leaves open, so that only that is not compared:

    approx    the value is near NumPy's, not NumPy's to the bit (docs/operations.md)
    sums      so it is if the sum of `x` needs rounding: the order of the additions is open
    products  the same for products
    zeros     the sign of a zero that is the extreme of zeros of both signs, or where among equal
              ones it is sorted: NumPy's own choice depends on where in the vector registers, and so
              at which address, the zeros are. `+ 0` makes them one if `x` has both
    bits      the bits of a NaN: not done if `x` has one
"""

from __future__ import annotations

FAMILIES: dict[str, tuple[int, str]] = {}
"""Family to its weight and its rows."""


def _family(name: str, weight: int, rows: str) -> None:
    FAMILIES[name] = (weight, rows)


_family(
    "unary",
    10,
    """
    | np.negative({x})
    | np.absolute({x})
    | np.square({x})
    float real | np.sqrt({x})
    int | np.sqrt({x})
    | np.sign({x})
    | np.isnan({x})
    | np.conjugate({x})
    real | np.floor({x})
    real | np.{rounding}({x})
    | np.logical_not({x})
    int | ~{x}
    bool | ~{x}
    | np.isfinite({x})
    | +{x}
    | -{x}
    | abs({x})
    real | np.reciprocal({x})
    real bits | np.signbit({x} + 0.0)
    real float | np.modf({x})
    real float | np.frexp({x})
    real float finite | np.spacing({x})
    int | np.bitwise_count({x})
    approx real finite small | np.{function}({x} % 5)
    approx real finite | np.{function}({x} % 3 + 1)
    | np.round({x}, {k} - 3)
    | {x}.round({k} - 2)
    | np.isreal({x})
    | np.nan_to_num({x})
    | np.nan_to_num({x}, nan=2, posinf=3)
    | np.angle({x}.real)
    real | np.fix({x})
    | np.isneginf({x}.real)
    | {x}.conj()
    | np.isclose({x}, {v})
    | np.negative({x}, dtype={d}, casting='unsafe')
    | np.absolute({x}, where={w}, out=np.zeros({x}.shape, np.absolute({x}).dtype))
""",
)
_family(
    "binary",
    16,
    """
    | {x} {op} {v}
    | {x} {op} {v}
    | {x} {op} {v}
    | {v} {op} {x}
    | {x} {op} {e}
    | {e} {op} {x}
    | np.{binary}({x}, {v})
    | np.{binary}({x}, {v})
    zeros | np.{extreme}({x}, {v})
    zeros | np.{extreme}({e}, {x})
    int | np.{bitwise}({x}, {v})
    int | {x} << ({k} + 1)
    int | {x} >> {k}
    int | np.gcd({x}, {k} + 2)
    real | np.divmod({x}, {k} + 1)
    real | np.fmod({x}, {v})
    int | {x} ** {k}
    real float | {x} ** 2
    int | np.power({x}, 2)
    approx float finite | np.power({x}, 2)
    approx float finite | {x} ** 3
    approx float finite | np.power({x}, 4)
    approx finite | np.float_power(abs({x}), {k})
    real float bits | np.copysign({x}, {e})
    real float | np.heaviside({x}, 0.5)
    real float | np.nextafter({x}, {k})
    real float | np.ldexp({x}, {k})
    approx finite real | np.hypot({x}, {k})
    approx finite real | np.arctan2({x}, {k} + 1)
    approx finite real | np.logaddexp({x} % 4, {k})
    | np.add({x}, {v}, dtype={d}, casting='{casting}')
    | np.multiply({x}, {v}, casting='{casting}')
    | np.{outside}({x}, {v}, out={t})
    | np.{outside}({x}, {v}, out={t}, casting='unsafe')
    | np.{outside}({x}, {s}, out={s}, where={w})
    | np.{outside}({x}, {s}, out={x}, where={w}, casting='unsafe')
    ! np.{outside}({x}, {v}, out={t})
    | np.add({x}, {v}, order='F')
    | np.less({x}, {v}) | np.greater_equal({x}, {v})
    | np.logical_xor({x}, {v})
    | np.equal({x}, {v}).astype({d})
""",
)
_family(
    "view",
    10,
    """
    | {x}[{i}]
    | {x}[{i}]
    | {x}[{i}]
    | {x}[{i}]
    | {x}.T
    | {x}.reshape(-1)
    | {x}.ravel()
    | {x}.ravel('F')
    | {x}.ravel('K')
    | {x}.flatten()
    | {x}.real
    | {x}.imag
    | np.flip({x})
    | np.flip({x}, {axis})
    matrix | np.fliplr({x})
    matrix | np.rot90({x}, {k})
    | {x}.squeeze()
    | {x}[..., None]
    | {x}[None]
    | np.expand_dims({x}, {axis})
    | np.moveaxis({x}, 0, -1)
    | {x}.swapaxes(0, -1)
    | np.transpose({x})
    small | np.broadcast_to({x}, (2,) + {x}.shape)
    matrix | {x}.diagonal()
    matrix | np.diagonal({x}, 1)
    matrix | {x}.mT
    bits | {x}.view('u1')
    bits | {x}.copy().view({dview})
    | {x}.reshape(2, -1)
    | {x}.reshape({x}.shape[::-1])
    | {x}.reshape(-1, 1)
    | {x}.reshape({x}.shape, order='F')
    | {x}.copy()
    | {x}.copy('F')
    | np.ascontiguousarray({x})
    | np.asfortranarray({x})
    | {x}.astype({d})
    | {x}.astype({d}, order='F')
    | {x}.astype({d}, copy=False)
    | np.atleast_2d({x})
    | np.split({x}.ravel()[:6], 3)[1]
    | np.array_split({x}, 2)[0]
    vector full | np.lib.stride_tricks.sliding_window_view({x}, min(2, {x}.size))[:9]
    | np.array({x})
    | np.asarray({x}, {d})
    | np.resize({x}, 7)
""",
)
_family(
    "in_place",
    8,
    """
    ! {x} {iop}= {v}
    ! {x} {iop}= {e}
    ! {x}[{i}] {iop}= {e}
    ! {x}[{i}] {iop}= {v}
    ! {x}[{i}] = {v}
    ! {x}[{i}] = {e}
    ! {x}[{i}] = {e}
    ! {x}[{i}] = {x}[{i}].copy()
    ! {x}[...] = {v}
    ! {x}.fill({e})
    ! {x}[:] = {x}[::-1]
    ! {x}.T[...] = {v}
    ! {x}.real[...] = {e}
    ! {x}.imag[...] = {k}
    ! {x}.flat[{j0}] = {e}
    vector ! {x}[1:] += {x}[:-1]
    vector ! {x}[:-1] = {x}[1:]
    matrix ! {x}[0] = {x}[-1]
    matrix ! {x}[:, 0] *= 2
    ! np.copyto({x}, {v})
    ! np.copyto({x}, {v}, casting='unsafe')
    ! np.copyto({x}, {e}, where={w})
    matrix ! np.fill_diagonal({x}, {e})
    small ! {x} = {x} * {k}; {x} += 1
""",
)
_family(
    "mask",
    8,
    """
    | {x}[{w}]
    | {x}[{w}] * 2 + 1
    sums | {x}[{w}].sum()
    sums | {x}[{w}].mean()
    ! {x}[{w}] = {e}
    ! {x}[{w}] += {e}
    ! {x}[{w}] *= 2
    ! m = {w}; {x}[m] = {x}[m] + 1
    ! m = {w}; {x}[m] = np.arange(m.sum()) % 7
    ! m = {w}; {x}[~m] = {x}[~m][::-1]
    matrix ! {x}[{x}[:, 0] > 1] = {e}
    matrix ! {x}[:, {x}[0] > 1] += {e}
    matrix | {x}[{x}[:, 0] > 1]
    matrix | {x}[:, {x}[0] > {k}]
    matrix | {x}[{x}[:, 0] > 1, {j1}[0]]
    matrix full | {x}[{x}[:, 0] > 1][:, {j1}]
    | np.where({w}, {x}, {v})
    | np.where({w}, {e}, {x})
    | np.where({w}, {e}, {e})
    | np.stack(np.where({w}))
    | np.stack(np.nonzero({x}))
    | np.argwhere({w})
    | np.flatnonzero({x})
    | np.count_nonzero({w}, axis={axes})
    | np.count_nonzero({x})
    | np.extract({w}, {x})
    ! np.place({x}, {w}, [1, 2, 3])
    ! np.putmask({x}, {w}, {e})
    ! np.putmask({x}, {w}, [3, 4])
    | np.compress({x}.ravel()[:5] != 0, {x}, axis={axis})
    | np.select([{w}, {x} == 3], [{x}, {k}], {k})
    | np.choose(np.asarray({w}).astype(int), [{x}, {k}])
    | np.choose({jx} % 3, [1, 2, 3], mode='clip')
    | np.piecewise({x}, [{w}], [1, {k}])
    zeros | np.clip({x}, {k} - 2, {k})
    zeros | {x}.clip(max={k})
    zeros | np.clip({x}, None, {v})
    | {x}[{w}].size
    | np.any({w}, axis={axis})
    vector | {x}[{w}, None]
    matrix | {x}[{w}, ...]
""",
)
_family(
    "fancy",
    14,
    """
    full | {x}[{j0}]
    full | {x}[{fancy}]
    full | {x}[{fancy}]
    full | {x}[{fancy}]
    full | {x}[{fancy}]
    full ! {x}[{j0}] = {e}
    full ! {x}[{fancy}] = {e}
    full ! {x}[{fancy}] = {e}
    full ! {x}[{fancy}] += {e}
    full ! {x}[{fancy}] *= {x}[{fancy}]
    full ! {x}[{fancy}] = {x}[{fancy}]
    full ! {x}[{fancy}] = {v}
    full | {x}.take({jn})
    full | np.take({x}, {j0}, axis=0)
    full | np.take({x}, {j1}, axis=-1)
    full | np.take({x}, {jn}, mode='wrap')
    full | np.take({x}, {jn} + 3, mode='clip')
    full | {x}.take({j1}, -1, mode='{mode}')
    full ! np.put({x}, {jn}, {e})
    full ! {x}.put({jn}, [1, 2])
    full ! np.put({x}, {jn}, {v}, mode='{mode}')
    full matrix | {x}[np.ix_({j0}.ravel()[:4], {j1}.ravel()[:5])]
    full matrix ! {x}[np.ix_({j0}.ravel()[:4], {j1}.ravel()[:5])] = {e}
    full matrix ! {x}[np.ix_({j0}.ravel()[:4], {j1}.ravel()[:5])] += {e}
    full | np.take_along_axis({x}, np.argsort({x}, axis={axis}, kind='stable'), axis=0)
    full | np.take_along_axis({x}, np.argmax({x}, axis=-1, keepdims=True), axis=-1)
    full ! np.put_along_axis({x}, np.argmin({x}, axis=-1, keepdims=True), {k}, axis=-1)
    full ! np.put_along_axis({x}, np.argmax({x}, axis=0, keepdims=True), {k}, axis=0)
    full | {x}.flat[{jn}.ravel()[:4]]
    full | {x}.flat[1:5]
    full | np.delete({x}, {j0}.ravel()[:2], axis=0)
    full | np.insert({x}, 1, {k}, axis={axis})
    full | {x}[tuple(np.argwhere({x})[:3].T)]
    full | {x}[np.unravel_index({jn} % {x}.size, {x}.shape)]
    full | np.ravel_multi_index(np.nonzero({x}), {x}.shape)
    full | {x}[np.array([], int)]
    | {x}[()]
    | {x}[100]
    | {x}[[0, 100]]
    | {x}[[]]
    | {x}[0.5]
    | {x}[True]
    full | {x}.item(0)
    full | {x}[(0,) * {x}.ndim]
    full | {x}.tolist()[:2]
""",
)
_family(
    "reduce",
    14,
    """
    sums | {x}.sum({axes_})
    sums | np.sum({x}, axis={axes}, keepdims={flag})
    sums | np.sum({x}, axis={axes}, where={w})
    sums | np.sum({x}, axis={axes}, initial={k})
    sums | np.sum({x}, axis={axes}, dtype={dwide})
    sums | np.sum({x}, axis={axis}, out=np.zeros(np.sum({x}, axis={axis}).shape, np.sum({x}).dtype))
    products | {x}.prod({axes_})
    products | np.prod({x}, axis={axes}, where={w}, initial=2)
    zeros | {x}.max({axes_})
    zeros | {x}.min({axes_})
    zeros | np.max({x}, axis={axes}, keepdims={flag})
    zeros | np.min({x}, axis={axes}, initial={k})
    zeros | np.max({x}, axis={axes}, initial=-{k}, where={w})
    zeros | np.ptp({x}, axis={axis})
    | {x}.any({axes_})
    | {x}.all({axes_})
    | np.any({x}, axis={axes}, keepdims={flag})
    | np.all({x}, axis={axes}, where={w})
    sums | {x}.mean({axes_})
    sums | np.mean({x}, axis={axes}, keepdims={flag})
    sums | np.mean({x}, axis={axes}, where={w})
    sums | np.average({x}, axis={axis})
    approx finite | {x}.std({axes_})
    approx finite | np.var({x}, axis={axes}, ddof=1)
    approx finite | np.std({x}, axis={axes}, keepdims={flag})
    full | {x}.argmax({axis_})
    full | {x}.argmin({axis_})
    full | np.argmax({x}, axis={axis}, keepdims=True)
    real | np.nanargmax({x}, axis={axis})
    sums | np.nansum({x}, axis={axes})
    sums | np.nanmean({x}, axis={axes})
    zeros real | np.nanmax({x}, axis={axes})
    zeros real | np.nanmin({x}, axis={axes})
    zeros real | np.nanmedian({x}, axis={axis})
    approx finite | np.nanstd({x}, axis={axes})
    zeros real | np.median({x}, axis={axis})
    zeros real | np.percentile({x}, [10, 50], axis={axis})
    zeros real | np.quantile({x}, 0.3, method='{quantile}')
    sums | np.cumsum({x}, axis={axis})
    sums | {x}.cumsum()
    products | np.cumprod({x}, axis={axis})
    sums | np.nancumsum({x})
    sums | np.add.reduce({x}, axis={axes})
    sums | np.add.accumulate({x}, axis={axis})
    zeros | np.maximum.accumulate({x}, axis={axis})
    zeros | np.minimum.reduce({x}, axis={axes})
    | np.logical_and.reduce({x}, axis={axes})
    | np.logical_or.accumulate({x}, axis={axis})
    int | np.bitwise_xor.reduce({x}, axis={axis})
    int | np.bitwise_or.reduce({x}, axis={axes}, initial=1)
    full zeros | np.maximum.reduceat({x}, [0, 1, 0])
    full sums | np.add.reduceat({x}, {j0}, axis=0)
    small | np.subtract.outer({x}, {x}.ravel()[:3])
    small | np.multiply.outer({x}.ravel()[:4], {x})
    small zeros | np.maximum.outer({x}.ravel()[:4], {x})
    sums real | np.trapezoid({x}, axis={axis})
    matrix sums | np.trace({x})
    matrix sums | {x}.trace(1)
    | np.subtract.reduce({x}.ravel()[:3])
    sums | np.linalg.norm({x}, 1) if {x}.ndim == 1 else {x}.sum()
    approx finite | np.linalg.norm({x})
    approx finite matrix | np.linalg.norm({x}, axis={axis})
""",
)
_family(
    "order",
    10,
    """
    zeros | np.sort({x}, axis={axis})
    zeros | np.sort({x}, axis=None)
    zeros ! {x}.sort({axis_})
    | np.argsort({x}, axis={axis}, kind='stable')
    | {x}.argsort(kind='stable')
    zeros full | np.sort(np.partition({x}, 0, axis={axis}), axis={axis})
    zeros full | np.partition({x}, {x}.shape[-1] // 2)[..., {x}.shape[-1] // 2]
    | np.searchsorted(np.sort({y}, axis=None), {x}, side='{side}')
    full | np.searchsorted(np.sort({x}, axis=None), {k}, '{side}')
    zeros | np.unique({x})
    | np.unique({x}, return_inverse=True)[1]
    | np.unique({x}, return_counts=True)[1]
    | np.unique({x}, return_index=True)[1]
    zeros small matrix | np.unique({x}, axis=0)
    int | np.bincount(abs({x}.ravel() % 50))
    sums real | np.bincount(np.arange({x}.size) % 4, {x}.ravel())
    real finite | np.histogram({x}, 5, range=(-3, 9))[0]
    real finite | np.histogram({x}, [0, 2, 3, 8])[0]
    real finite full small | np.histogram({x}, bins=4)
    | np.lexsort(({x}.ravel(), {x}.ravel() > 2))
    full | np.repeat({x}, np.arange({x}.shape[0]) % 3, axis=0)
    full ! np.add.at({x}, {j0}, {e})
    full ! np.subtract.at({x}, {j0}.ravel(), {k})
    full zeros ! np.maximum.at({x}, {j0}, {k})
    int small | np.packbits({x} > 1, axis={axis})
    | np.packbits({w})
    real | np.packbits({x})
    bits int | np.unpackbits({x}.view('u1'))
    real | np.digitize({x}, [0, 2, 5])
    real | np.digitize({x}, [5, 2, 0], right=True)
    real vector | np.interp({x}, [-2, 0, 5], [1, 3, 2])
    zeros | np.union1d({x}, {y})
    zeros | np.intersect1d({x}, {y})
    zeros | np.setdiff1d({x}, {y})
    zeros | np.setxor1d({x}, {y})
    | np.isin({x}, [0, 1, 3])
    | np.isin({x}, {y}, invert=True)
    zeros | np.sort_complex({x})
    zeros | np.unique_counts({x})
    real full | np.argpartition({x}, 0, axis=-1)[..., 0].shape
    | np.sort({x}, axis=0)[::-1].argsort(axis=0, kind='stable')
    int | np.sort({x} % 3, kind='stable')
""",
)
_family(
    "join",
    8,
    """
    | np.concatenate(({x}, {s}))
    | np.concatenate(({x}, {y}), axis={axis})
    | np.concatenate(({x}, {s}), axis=None, dtype={d}, casting='unsafe')
    | np.stack(({x}, {s}), axis={axis})
    | np.stack(({x}, {x}), axis=-1)
    | np.hstack(({x}, {y}))
    | np.vstack(({x}, {y}))
    | np.dstack(({x}, {s}))
    | np.column_stack(({x}, {s}))
    | np.append({x}, {y})
    | np.append({x}, {s}, axis=0)
    | np.roll({x}, {k})
    | np.roll({x}, -{k}, axis={axis})
    matrix | np.roll({x}, (1, 2), axis=(0, 1))
    | np.tile({x}, 2)
    | np.tile({x}, (2, 1))
    | np.repeat({x}, 2)
    | np.repeat({x}, 3, axis={axis})
    | np.diff({x})
    | np.diff({x}, n=2, axis={axis})
    | np.diff({x}, prepend=0, append=1)
    | np.ediff1d({x})
    real float | np.gradient({x})
    real float | np.gradient({x}, 2, axis={axis})
    | np.pad({x}, 1)
    zeros sums | np.pad({x}, ((2, 1),) * {x}.ndim, '{pad}')
    | np.pad({x}, 2, 'constant', constant_values={k})
    finite sums | np.convolve({x}.ravel(), [1, 2, 1], '{convolve}')
    finite sums | np.correlate({x}.ravel(), [1, 0, -1], '{convolve}')
    approx finite matrix small | np.cov({x}.reshape({x}.shape[0], -1)[:5])
    approx finite vector | np.cov({x})
    approx finite small matrix | np.corrcoef({x}.reshape({x}.shape[0], -1)[:5])
    matrix | np.triu({x})
    matrix | np.tril({x}, -1)
    small vector | np.diag({x})
    small vector | np.diagflat({x}, 1)
    small vector | np.meshgrid({x}, {x}[:3])[1]
    small | np.kron({x}, [1, 2])
    small vector | np.vander({x}[:5].real, 3)
    vector | np.trim_zeros({x})
    | np.array([{x}, {s}])
    | np.block([[{x}], [{s}]])
    | np.broadcast_arrays({x}, {y})[0]
    | np.append({x}.ravel()[:5], {e})
    finite real | np.ediff1d({x}, to_begin=1)
    approx vector | np.unwrap({x}[:1000].real)
    | np.polyval([1, -2], {x})
    | np.r_[{x}.ravel()[:3], 7, {x}.ravel()[-2:]]
    vector | np.c_[{x}, {x}]
    | np.zeros_like({x}) + {k}
    | np.full_like({x}, {e})
    | np.ones_like({x}, {d})
""",
)
_family(
    "linear",
    4,
    """
    approx small finite matrix | {x} @ {x}.mT
    approx finite | {x} @ np.ones({x}.shape[-1:], {x}.dtype)
    approx finite | np.dot({x}, np.arange({x}.shape[-1]))
    approx small finite | np.outer({x}.ravel()[:30], {x}.ravel()[:20])
    approx small finite | {x} @ {y}
    approx small finite | np.dot({x}, {y})
    approx small finite | np.inner({x}, {s})
    approx finite | np.vdot({x}, {x})
    approx small finite | np.tensordot({x}, {x}, axes={x}.ndim)
    approx small finite | np.matmul({x}[..., None], {x}[..., None, :])
    approx finite vector | np.einsum('i,i', {x}, {x})
    approx finite matrix | np.einsum('ij->j', {x}.reshape({x}.shape[0], -1))
    approx finite matrix small | np.einsum('ij,kj->ik', {x}.reshape({x}.shape[0], -1), {x}.reshape({x}.shape[0], -1))
    approx finite | np.einsum('i,i->i', {x}.ravel(), {x}.ravel())
    approx finite full | np.linalg.inv({sq})
    approx finite full | np.linalg.solve({sq}, np.arange({n}.0))
    approx finite full | np.linalg.solve({sq}, {sq}[:, :2])
    approx finite full | np.linalg.det({sq})
    approx finite full | np.linalg.slogdet({sq})
    approx finite full | np.linalg.cholesky({sq} @ {sq}.T)
    approx finite full | np.linalg.svd({sq}, compute_uv=False)
    approx finite full | np.linalg.eigvalsh({sq} + {sq}.T)
    approx finite full | np.linalg.qr({sq})
    approx finite full | abs(np.linalg.qr({sq}, 'r'))
    approx finite full | np.linalg.lstsq({sq}, np.ones({n}), rcond=None)[0]
    approx finite full | np.linalg.pinv({sq})
    approx finite full | np.linalg.matrix_power({sq} / 50, 3)
    approx finite full | np.linalg.cond({sq})
    approx finite full | np.linalg.multi_dot([{sq}, {sq}, {sq}]) / 1e4
    finite full | np.linalg.matrix_rank({sq})
    approx finite full | np.linalg.inv(np.stack([{sq}, {sq} + 1]))
    approx small finite | np.linalg.inv({x})
    small finite vector | np.cross({x}[:3], {x}[-3:])
    approx finite matrix | np.linalg.norm({sq}, '{norm}')
""",
)
_family(
    "fourier",
    2,
    """
    approx finite | np.fft.fft({x}, axis={axis})
    approx finite full | np.fft.ifft({x}, 5)
    approx finite real | np.fft.rfft({x}, axis={axis})
    approx finite full | np.fft.irfft({x}, 7, norm='ortho')
    approx finite matrix | np.fft.fft2({x})
    approx finite | np.fft.fftn({x}, norm='forward')
    approx finite real matrix | np.fft.rfft2({x})
    approx finite full | np.fft.hfft({x}, 6)
    | np.fft.fftshift({x})
    | np.fft.ifftshift({x}, axes={axis})
""",
)
_family(
    "draw",
    5,
    """
    | g.random({shape})
    | g.random({shape}, 'f4')
    | g.integers(-3, 100, {shape}, 'i1')
    | g.integers(0, 3 << 61, {shape})
    | g.integers(9, size={shape}, dtype='u4')
    | g.integers({k} + 1, size={shape}, endpoint=True)
    | g.integers(0, abs({jx}) + 1)
    | g.uniform(-1, 2, {shape})
    | g.normal(1, 2, {shape})
    finite real | g.normal({x}, 1)
    | g.standard_normal({shape}, 'f4')
    | g.standard_exponential({shape}, method='inv')
    | g.{distribution}
    | g.{distribution}
    | g.{distribution}
    full | g.permutation({x})
    full | g.permuted({x}, axis={axis})
    full ! g.shuffle({x})
    full ! g.shuffle({x}, axis=-1)
    full | g.choice({x}, 5)
    full | g.choice({x}, 2, axis=0, replace=True, shuffle=False)
    | g.choice(10, {shape}, p=np.arange(10) / 45)
    ! g.random(out={float64})
    | g.bytes(5)
    ! g = np.random.Generator(np.random.{bits}({k}))
    | np.random.RandomState({k}).{legacy}
    | np.random.default_rng({k}).{distribution}
""",
)
_family(
    "flow",
    4,
    """
    ! if {x}.any():\\n    {new} = {x} + 1\\nelse:\\n    {new} = {x} * 2
    ! if {x}.size and {x}.flat[0] > 1:\\n    {x} += 1\\nelse:\\n    {x} -= 1
    ! t = 0\\nfor r in {x}[:5]:\\n    t = t + r\\n{new} = t
    ! for r in {x}[:4]:\\n    r *= 2
    ! for i in range(min(4, len({x}))):\\n    {x}[i] = {x}[-i - 1] + i
    ! c = 0\\nwhile c < 4 and (abs({x}) > 2).any():\\n    {x} //= 2\\n    c += 1\\n{new} = np.asarray(c)
    ! {new} = [v for v in {x}.ravel()[:4]]
    ! {new} = np.array([v + 1 for v in {x}.ravel()[:6].tolist()])
    ! {new} = {x}; {x} = {x} + 1; {new}[...] = {k}
    ! for i, v in enumerate({x}.ravel()[:4]):\\n    if v > 1:\\n        {x}.flat[i] = 0
    ! {new} = np.asarray(sum({x}.ravel()[:5].tolist()))
    ! {new} = np.array(max({x}.ravel()[:5], key=abs))
    full ! {new} = {x}[int(abs({x}.ravel()[0].real)) % len({x})] if {x}.flat[0] == {x}.flat[0] else {x}
    full ! {new} = np.asarray(float({x}.ravel()[0].real) + 1)
    ! try:\\n    {x}[{i}] = [0, 1, 2, 3, 4]\\nexcept ValueError:\\n    {x} += 1
    ! {new} = np.apply_along_axis(lambda r: r[::-1], -1, {x})
    ! {new} = np.vectorize(lambda v: v * 2)({x}.ravel()[:4])
    ! {new} = np.fromiter((v for v in {x}.ravel()[:4].real), float)
    ! def f(p, q=1):\\n    return p * 2 - q\\n{new} = f({x}, {v})
    ! {new} = [a.shape for a in np.array_split({x}, 3)]
    ! with np.errstate(all='ignore'):\\n    {new} = {x} / {k}
""",
)
_family(
    "look",
    4,
    """
    | str({x})
    | repr({x})
    | bool({x}.any())
    ! r = numpy.asarray({x})
    ! del {x}
    ! r = numpy.asarray({x}); {x} += 1
    | {x}.shape, {x}.dtype, {x}.ndim, {x}.size, {x}.nbytes, {x}.itemsize
    | {x}.flags.writeable, {x}.flags.c_contiguous, {x}.flags.f_contiguous
    bits | {x}.tobytes()[:64]
    | {x}.tolist()
    | np.array_equal({x}, {s})
    | np.array_equal({x}, {x}, equal_nan={x}.dtype != bool)
    | np.allclose({x}, {s})
    | np.shares_memory({x}, {y})
    | np.may_share_memory({x}, {y})
    | len({x})
    | {k} in {x}
    | np.result_type({x}, {y}, {k})
    | np.can_cast({x}.dtype, {d})
    | np.iinfo({x}.dtype).max if {x}.dtype.kind in 'iu' else 0
    | np.iscomplexobj({x}), np.isscalar({x}), np.ndim({x}), np.size({x})
    | memoryview(np.ascontiguousarray({x})).nbytes
    small | __import__('pickle').loads(__import__('pickle').dumps({x}))
    small | __import__('copy').deepcopy({x})
    ! {x}.setflags(write=False)
    ! {x}.setflags(write=True)
    ! {x}.shape = {x}.shape[::-1]
    small | {x}.astype(object)
    small | {x}.astype(str)
    small finite real | ({x}.astype('i8') + np.datetime64('2020-01-01'))
    small finite real | np.array([(1, 2.5)] * 3, 'i4,f8')['f1'] + {x}.ravel()[:1]
    small | np.array([1, None, 'x'], object)[{j3}]
    small | (np.array([2, 3], object) * {x}.ravel()[:2])
    small | {x} == None
    small | {x} == 'x'
    small | {x} + 'x'
    small | {x} + None
    small | np.ma.masked_array({x}, {w}).filled(7)
    small | np.array([{x}.ravel()[:2].tolist(), {x}.ravel()[:2].tolist()])
    small | np.longdouble(2) * {x}
    small | ({x} + np.float128(1)).astype('f8')
    small | {x} + np.array([True, False, True])
    small | np.matrix({x}.ravel()[:3]) + 1
""",
)
_family(
    "errors",
    2,
    """
    | {x}.reshape(7, 11)
    | {x}.reshape(-1, -1)
    | {x} + np.ones((5, 7))
    | np.concatenate(({x}, np.ones((1, 1, 1, 1, 1))))
    | {x}.sum(axis=9)
    | np.add({x}, {x}, out=np.ones(3))
    | np.add({x}, 1, out=1)
    | np.add({x})
    | {x}.max(axis='x')
    | np.sqrt({x}, dtype='i4')
    | {x}[1, 2, 3, 4, 5, 6, 7]
    | {x}['a']
    | {x}[{x}.shape]
    ! {x}[100] = 1
    ! {x}[...] = np.ones((9, 9))
    ! {x}[0] = 'abc'
    ! {x}[...] = 10 ** 400
    | {x} + 10 ** 30
    | {x} @ np.ones((3, 3, 7, 5))
    | {x}.transpose(0, 0)
    | {x}.swapaxes(0, 7)
    | {x}.astype('nonsense')
    | {x}.take(1000)
    | {x}.item(1000)
    | np.take({x}, [0, 99999999])
    | np.split({x}, 7)
    | np.stack([{x}, np.ones((3, 5))])
    | bool({x})
    | int({x})
    | float({x})
    | {x}.__index__()
    | np.linalg.inv(np.zeros((3, 3)) + np.zeros_like({x}.ravel()[:1], float))
    | np.linalg.inv({x})
    | np.linalg.cholesky(-np.eye(3) * (1 + 0 * {x}.ravel()[:1].real))
    | np.clip({x})
    | np.bincount({x})
    | np.bincount(-abs({x}.ravel()) - 1)
    | np.fft.fft({x}, 0)
    | np.searchsorted({x}, 1)
    | np.argmax({x}[:0])
    | {x}[:0].max()
    | np.max({x}, axis=(0, 0))
    | np.repeat({x}, [1, 2, 3, 4, 5, 6, 7, 8, 9])
    | np.unravel_index(100000, {x}.shape[:2])
    | np.choose([9], [{x}, {x}])
    | {x} << 1.5
    | {x} & 1.0
    int | np.power({x}, -1)
    approx float finite | np.power({x}, -1)
    | np.add({x}, {x}, casting='no', dtype='f2')
    | np.moveaxis({x}, 0, 9)
    | np.expand_dims({x}, 9)
    | np.broadcast_to({x}, (2, 2))
    | np.einsum('ij,jk', {x}, np.ones((7, 7)))
    | np.partition({x}, 100000)
    | np.histogram({x}, -1)
    | np.histogram({x}, [3, 1])
    | np.percentile({x}, 101)
    | np.interp({x}, [1, 2], [1])
    | np.diff({x}, n=-1)
    | np.add.reduce({x}, axis=8)
    | np.add.reduceat({x}, [1000000])
    ! np.add.at({x}, [1000000], 1)
    | np.random.default_rng(1).choice({x}, 3, p=[0.5])
    | np.tile({x}, -1)
    | {x}.view('u2,u3')
    | np.nonsense({x})
    | {x}.nonsense
""",
)

SHAPES = (
    "()", "(6,)", "(4, 6)", "(3, 4, 6)", "(1, 6)", "(4, 1)", "(0, 6)", "(1,)", "(12,)", "(6, 4)",
    "(2, 3, 4)", "(24,)", "(3, 3)", "(2, 2, 3, 2)", "(0,)", "(5, 5)",
)  # fmt: skip
LARGE = (
    "(1000,)", "(4095,)", "(4096,)", "(4097,)", "(8191,)", "(8193,)", "(12289,)", "(32767,)",
    "(32768,)", "(32769,)", "(65537,)", "(100000,)", "(64, 64)", "(65, 63)", "(3, 1365)",
    "(1365, 3)", "(4097, 2)", "(2, 4097)", "(1, 4096)", "(257, 129)", "(16, 4096)", "(300, 333)",
    "(17, 16, 15)", "(2, 64, 65)", "(5, 1, 1000)", "(33, 1025)", "(8, 31, 33)",
)  # fmt: skip
DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
          "float16", "float32", "float64", "complex64", "complex128")  # fmt: skip
WORDS: dict[str, tuple[str, ...]] = {
    "op": ("+", "-", "*", "<", ">=", "==", "&", "|", "^", "//", "%", "/", "!=", ">"),
    "iop": ("+", "-", "*", "&", "|", "//", "%", "^", "/"),
    "binary": ("add", "subtract", "multiply", "true_divide", "less", "equal", "greater_equal",
               "not_equal", "logical_and", "logical_or", "bitwise_and", "bitwise_xor",
               "floor_divide", "remainder"),
    "outside": ("add", "subtract", "multiply", "less", "true_divide", "logical_and", "bitwise_or"),
    "extreme": ("maximum", "minimum", "fmax", "fmin"),
    "bitwise": ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"),
    "rounding": ("rint", "ceil", "trunc", "floor"),
    "function": ("exp", "log1p", "sin", "cos", "tan", "arctan", "sinh", "tanh", "expm1", "cbrt",
                 "exp2", "arcsinh", "degrees", "radians"),
    "casting": ("same_kind", "unsafe", "safe"),
    "mode": ("raise", "wrap", "clip"),
    "side": ("left", "right"),
    "pad": ("edge", "constant", "wrap", "reflect", "symmetric", "maximum", "mean"),
    "convolve": ("full", "same", "valid"),
    "quantile": ("linear", "lower", "higher", "nearest", "midpoint", "median_unbiased", "weibull"),
    "norm": ("fro", "nuc"),
    "bits": ("PCG64", "PCG64DXSM", "Philox", "MT19937", "SFC64"),
    "flag": ("True", "False"),
    "e": ("0", "1", "2", "-1", "3", "0.5", "1e3", "True", "1j", "np.float32(2)", "np.int8(3)",
          "float('nan')", "300", "np.float64(-0.0)", "np.uint8(200)", "np.float16(1.5)", "-7",
          "float('inf')", "np.array(2)", "np.array(1.5, 'f4')", "np.int64(5)", "np.bool_(True)"),
    "k": ("0", "1", "2", "3"),
    "dview": ("'i1'", "'u2'", "'i4'", "'i8'", "'u8'", "'V4'", "'>i4'"),
    "dwide": ("'f8'", "'i8'", "None", "'c16'"),
    "distribution": (
        "standard_normal({shape})", "exponential(2.0, {shape})", "gamma(2.5, 1.5, {shape})",
        "beta(2, 3, {shape})", "binomial(10, 0.3, {shape})", "poisson(3.5, {shape})",
        "geometric(0.3, {shape})", "hypergeometric(8, 7, 5, {shape})", "chisquare(3, {shape})",
        "multinomial(9, [0.2, 0.3, 0.5], 4)", "dirichlet([1, 2, 3], 4)", "f(2, 5, {shape})",
        "laplace(1, 2, {shape})", "logistic(size={shape})", "lognormal(0, 0.5, {shape})",
        "rayleigh(2, {shape})", "triangular(-1, 0, 2, {shape})", "vonmises(0, 2, {shape})",
        "wald(1, 2, {shape})", "weibull(2, {shape})", "zipf(2.5, {shape})",
        "standard_cauchy({shape})", "standard_t(4, {shape})", "negative_binomial(4, 0.4, {shape})",
        "noncentral_chisquare(3, 1, {shape})", "logseries(0.6, {shape})", "power(3, {shape})",
        "gumbel(1, 2, {shape})", "pareto(3, {shape})", "permutation(9)", "uniform(size={shape})",
        "multivariate_normal([0, 1], np.eye(2), 3)", "integers(-5, 5, {shape})",
        "multivariate_hypergeometric([3, 4, 5], 6, 3)", "standard_gamma(1.5, {shape})",
    ),
    "legacy": (
        "rand(3, 4)", "randn(5)", "randint(0, 9, {shape})", "random_sample({shape})",
        "choice(5, 7)", "permutation(8)", "normal(1, 2, {shape})", "standard_normal({shape})",
        "poisson(2, {shape})", "exponential(size={shape})", "randint(0, 200, {shape}, 'u1')",
        "uniform(-1, 1, {shape})", "binomial(5, 0.5, {shape})", "gamma(2, size={shape})",
    ),
}  # fmt: skip
"""What a word in braces may become."""
