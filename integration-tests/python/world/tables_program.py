"""pandas, xarray, PyArrow, statsmodels on arrays of the user's."""

import os
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import statsmodels.api as sm
import xarray as xr
from statsmodels.tsa.stattools import acf

warnings.simplefilter("ignore", FutureWarning)
SIZE = int(os.environ["WORLD_SIZE"])
a = np.arange(SIZE) * 0.5
k = np.arange(SIZE) % 5
t = np.sin(a) > 0
rng = np.random.default_rng(2)
y = 3 * a / SIZE + rng.normal(size=SIZE)


def show(name, *values):
    for v in values:
        print(name, type(v).__name__, np.round(v, 6) if isinstance(v, (float, np.ndarray)) else v)


df = pd.DataFrame({"a": a * 1, "k": k, "t": t, "y": y})
show("frame", df.dtypes, df.head(), df.describe().round(5), df.memory_usage(index=False).sum())
show("series", pd.Series(a * 2).iloc[-1], pd.Series(a, index=k * 1).loc[2].iloc[0], pd.Series(t)[:3].tolist())
show("group", df.groupby("k").a.sum(), df.groupby(k).y.mean().round(6), df.groupby("t").size())
show(
    "mixed",
    (df["a"] + a).iloc[-1],
    (a + df["a"]).iloc[-1],
    type(a + df["a"]),
    (a * df[["a", "y"]].T).shape,
    (a > df["a"]).any(),
)
show(
    "mask",
    df[t].shape,
    df.loc[a > 100].shape,
    df.a[a < 3].tolist(),
    df.a.where(t, -1)[:3].tolist(),
    df.a.isin(a[:3]).sum(),
)
df["new"] = a**2
df.loc[t, "new"] = np.ones(int(t.sum())) * -1
df.loc[:, "k2"] = k * 2
show("assign", df.new.sum().round(6), df.k2.sum(), df.assign(z=a - 1).z.iloc[1])
show(
    "ufunc",
    type(np.sqrt(df.a)),
    np.sqrt(df.a).sum().round(5),
    np.where(df.a > 2, a, 0)[:8],
    np.add(df.a, a).iloc[-1],
    np.maximum(a, df.y).sum().round(5),
)
show("inplace", type((lambda c: c.__iadd__(df.a))(a.copy())))
show(
    "cut",
    pd.cut(a, 3).value_counts(),
    pd.qcut(y, 4).codes[:6],
    pd.factorize(k)[1],
    pd.unique(k),
    pd.Series(k).value_counts().sort_index(),
)
show("pivot", df.pivot_table(values="a", index="k", columns="t", aggfunc="sum").round(3), pd.crosstab(k, t))
show("merge", df[["k", "a"]].head(20).merge(pd.DataFrame({"k": np.arange(5) * 1, "w": np.arange(5) * 10.0})).w.sum())
show(
    "rolling",
    pd.Series(a).rolling(5).mean().iloc[-1],
    pd.Series(y).ewm(span=3).mean().iloc[-1].round(6),
    pd.Series(a).shift(1).iloc[1],
)
show(
    "sort",
    df.sort_values("y").index[:5].tolist(),
    pd.Series(y).rank().iloc[:3].tolist(),
    pd.Series(y).quantile([0.1, 0.9]).round(6).tolist(),
)
index = pd.date_range("2024-01-01", periods=SIZE, freq="min")
ts = pd.Series(a, index=index)
show(
    "dates",
    ts.resample("D").sum().iloc[0],
    pd.to_datetime(k, unit="D")[:3],
    pd.to_timedelta(k[:3] * 1, unit="h"),
    index[t][0],
    index[k][:2],
)
show(
    "index",
    pd.Index(a)[2],
    pd.Index(k).unique(),
    pd.MultiIndex.from_arrays([k, k * 2])[1],
    pd.RangeIndex(SIZE)[np.arange(3) * 2],
    df.take(k[:3]).shape,
)
show(
    "to",
    df.to_numpy().dtype,
    df[["a", "y"]].to_numpy().sum().round(5),
    (df.a.to_numpy() * a).sum().round(5),
    (df.a.values + a)[-1],
    np.asarray(df.a)[:2],
)
show(
    "apply",
    df.a.head(4).apply(lambda v: v * 2).tolist(),
    df[["a", "y"]].head(3).apply(np.sum, axis=1).round(6).tolist(),
    df.a.map(float).iloc[3],
    df.agg({"a": np.sum}).a,
)
show(
    "categorical",
    pd.Categorical.from_codes(k, list("abcde")).value_counts(),
    pd.get_dummies(pd.Series(k)).sum().tolist(),
    pd.arrays.IntegerArray(k * 1, ~t)[:3],
)
show(
    "csv",
    df.head(3).to_csv(float_format="%.3f"),
    df.head(2).to_json(double_precision=3),
    df.head(3).to_dict("list")["a"],
)
show(
    "concat",
    pd.concat([df, df]).shape,
    pd.DataFrame(np.ones((3, 2)) * 2, columns=["p", "q"]),
    pd.DataFrame((np.arange(SIZE) * 1.0).reshape(-1, 4)).sum().tolist(),
)
show(
    "interpolate",
    pd.Series(np.where(t, np.nan, a)).interpolate().iloc[:4].round(6).tolist(),
    pd.isna(np.where(t, np.nan, a)).sum(),
    pd.Series(np.where(t, np.nan, a)).fillna(0).sum().round(5),
)
show(
    "eval",
    df.eval("a + y").iloc[3].round(6),
    df.query("a < 2").shape,
    df.corr(numeric_only=True).round(5).iloc[0].tolist(),
)

grid = (np.arange(SIZE // 10 * 10) * 1.0).reshape(10, -1)
da = xr.DataArray(
    grid * 1, dims=("time", "x"), coords={"time": np.arange(10) * 2, "x": np.arange(grid.shape[1]) * 0.5}, name="v"
)
show(
    "xarray",
    da.shape,
    da.dtype,
    float(da.sum()),
    da.mean("time").values[:3],
    da.sel(time=4).values[:2],
    da.isel(x=np.arange(3) * 2).values[0],
)
show(
    "xarray 2",
    float((da + grid).max()),
    float((da * 2 - da).min()),
    type(da.values).__name__,
    da.where(da > 5, 0).values[0, :7],
    np.sqrt(da).values[0, :3],
)
show(
    "xarray 3",
    da.groupby("time").mean().dims,
    da.rolling(time=3).mean().values[-1, :2],
    da.interp(time=3.0).values[:2],
    da.cumsum("time").values[-1, 0],
    da.argmax().item(),
)
ds = xr.Dataset({"a": ("t", a * 1), "b": ("t", y)}, coords={"t": np.arange(SIZE) * 1})
show(
    "dataset",
    list(ds),
    float(ds.a.std()),
    ds.to_dataframe().shape,
    float(ds.a.dot(ds.b).round(4)),
    float(xr.where(ds.a > 1, ds.b, 0).sum().round(5)),
    ds.isel(t=k[:4]).a.values,
)
show(
    "xarray concat",
    xr.concat([da, da], "time").shape,
    float(xr.apply_ufunc(np.square, da).sum()),
    da.transpose("x", "time").values.flags.c_contiguous,
    xr.full_like(da, 3).values[0, 0],
    da.equals(da * 1),
)
print(da[:2, :3])

table = pa.table({"a": pa.array(a), "k": pa.array(k), "t": pa.array(t)})
show(
    "arrow",
    table.num_rows,
    table.schema,
    pc.sum(table["a"]).as_py(),
    pa.array(a * 2)[3],
    pa.array(a, mask=t).null_count,
    table["k"].to_numpy()[:3],
)
show(
    "arrow 2",
    (table["a"].to_numpy() * a).sum().round(4),
    table.filter(pa.array(a > 10)).num_rows,
    table.group_by("k").aggregate([("a", "sum")]).sort_by("k").to_pydict(),
)
show(
    "arrow 3",
    pa.py_buffer(a.tobytes()).size,
    table.to_pandas().a.iloc[-1],
    pa.Table.from_pandas(df.head(3)).num_columns,
    pa.FixedSizeListArray.from_arrays(pa.array(a[:6]), 2)[1],
)

X = sm.add_constant(np.column_stack([a / SIZE, k * 1.0]))
ols = sm.OLS(y, X).fit()
show("statsmodels", ols.params, ols.rsquared, ols.bse, ols.predict(X)[:2], type(ols.resid).__name__, acf(y, nlags=3))
show(
    "statsmodels 2",
    sm.WLS(y, X, weights=a + 1).fit().params,
    sm.GLM((y > 1) * 1.0, X, family=sm.families.Binomial()).fit().params.round(4),
    sm.robust.mad(y),
)
show(
    "statsmodels 3",
    sm.nonparametric.lowess(y[:200], a[:200])[:2],
    sm.stats.durbin_watson(ols.resid),
    sm.tsa.AutoReg(y[:3000], 2).fit().params,
)
