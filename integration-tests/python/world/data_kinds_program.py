"""Structured, string, date and object arrays, masked arrays, files: the same with and without Maniple."""

import io
import os
import pathlib
import tempfile

import numpy as np
from shown import show

SIZE = int(os.environ.get("WORLD_SIZE", "40000"))


a = np.arange(SIZE) * 1.0
i = np.arange(SIZE) * 3 % 11
t = a > SIZE / 2
small = np.arange(6) * 2

# -- structured
point = np.dtype([("x", "f8"), ("y", "i4"), ("name", "U5")])
r = np.zeros(SIZE, point)
r["x"] = a * 2
r["y"] = i
r["name"][:3] = ["a", "b", "c"]
show("field", lambda: (r["x"] * a).sum())
show("field type", lambda: (r["x"] + 1)[:3])
show("field write", lambda: r["x"].__setitem__(slice(0, 3), a[:3] + 100))
show("record", lambda: (r[2], r[1]["x"], r.dtype.names))
show("mask", lambda: r[t][:2])
show("two fields", lambda: r[["x", "y"]][:2])
show("order", lambda: np.sort(r[:5], order=["y", "x"]))
show("argsort", lambda: np.argsort(r[:5], order="y"))
show("array of tuples", lambda: np.array([(1, 2.5), (3, 4.5)], dtype=[("a", int), ("b", float)])["b"] * 2)
show("view as", lambda: (a[:6] * 1).view([("re", "f8"), ("im", "f8")]))
show("view complex", lambda: (a[:6] * 1).view(complex))
show("view bytes", lambda: (a[:2] * 1).view(np.uint8))
show("view error", lambda: (a[:3] * 1).view(complex))
show("unstructured", lambda: np.lib.recfunctions.structured_to_unstructured(r[["x", "y"]])[:2])
show("rec", lambda: np.rec.fromarrays([a[:4] * 1, i[:4] * 1], names="u,v"))
show("rec fields", lambda: np.rec.fromarrays([a * 1, i * 1], names="u,v").u.mean())
show("compare", lambda: (r == r).all())
show("structured sum", lambda: r.sum())
show("assign struct", lambda: r.__setitem__(0, (1.0, 2, "zz")))
show("after", lambda: r[:2])

# -- strings
words = np.array(["alpha", "beta", "gamma", "delta"])
show("strings", lambda: (np.char.upper(words), np.strings.str_len(words), np.char.add(words, "!")))
show("string index", lambda: words[i[:6] % 4])
show("string mask", lambda: words[(np.arange(4) * 2) > 2])
show("string compare", lambda: (words == "beta", words < "c"))
show("string of numbers", lambda: (a[:3] * 2).astype(str))
show("string of ints", lambda: np.char.zfill((i[:5] * 1).astype("U"), 4))
show("to numbers", lambda: np.array(["1.5", "2.5"]).astype(float) * 2)
show("to numbers error", lambda: words.astype(float))
show("bytes", lambda: np.array([b"ab", b"c"]) + np.array([b"x", b"y"]))
show("stringdtype", lambda: np.array(["a", "bcd"], dtype=np.dtypes.StringDType()) + "z")
show("unique", lambda: np.unique(words[i % 4], return_counts=True))
show("where strings", lambda: np.where(t, "high", "low")[[0, -1]])
show("select strings", lambda: np.select([a < 10, a < 20], ["x", "y"], "z")[:25:6])
show("join", lambda: "-".join((i[:4] * 1).astype(str)))
show("multiply", lambda: np.strings.multiply(words, np.arange(4) * 1))
show("find", lambda: np.strings.find(words, "a"))
show("partition", lambda: np.strings.partition(words, "e"))

# -- dates
days = np.datetime64("2024-02-27") + np.arange(SIZE) * 1
show("days", lambda: days[:4])
show("days of deferred", lambda: (np.datetime64("2024-02-27") + (i * 1))[:3])
show("astype days", lambda: (i * 1).astype("timedelta64[D]")[:3])
show("difference", lambda: np.diff(days)[:3])
show("delta divided", lambda: ((days - days[0]) / np.timedelta64(1, "D"))[:4])
show("delta sum", lambda: ((days[1:] - days[:-1]).sum(), (i * 1).astype("m8[h]").max()))
show("delta times", lambda: (np.timedelta64(3, "h") * i)[:4])
show("delta times float", lambda: (np.timedelta64(3, "h") * a)[:4])
show("delta compare", lambda: (days > np.datetime64("2024-03-01"))[:6])
show("mask by dates", lambda: a[days < np.datetime64("2024-03-01")])
show("busday", lambda: np.busday_count("2024-01-01", days[:4]))
show("offset", lambda: np.busday_offset(days[:3], i[:3], roll="forward"))
show("nat", lambda: np.isnat(np.array(["NaT", "2024-01-01"], "M8[D]")))
show("arange", lambda: np.arange("2024-01", "2024-06", dtype="M8[M]"))
show("view int", lambda: days.view("i8")[:3] * 2)
show("date index", lambda: days[i][:3])
show("mixed error", lambda: days + days)
show("mixed error 2", lambda: days + a)
show("string", lambda: np.datetime_as_string(days[:2], unit="h"))
show("item", lambda: (days[:2].tolist(), days[0].item()))
show("searchsorted", lambda: np.searchsorted(days, np.datetime64("2024-03-10")))

# -- objects
o = np.array([1, "x", None, 2.5], dtype=object)
show("object", lambda: o * 2 if None not in o else o)
show("object add", lambda: np.array([1, 2.5, 3], dtype=object) + small[:3])
show("object of ours", lambda: (a[:3] * 2).astype(object))
show("object sum", lambda: (a * 1).astype(object).sum())
show("object array of arrays", lambda: np.array([small * 1, (small * 1)[:2]], dtype=object)[1])
show("ragged", lambda: np.array([small * 1, (small * 1)[:2]]))
show("empty object", lambda: fill_object())
show("object mul ours", lambda: a[:3] * np.array([2, 3.5, 10**20], dtype=object))
show("bigger ints", lambda: np.array([10**30, 1]) * 2)
show("frompyfunc", lambda: np.frompyfunc(lambda x, y: x + y, 2, 1)(small, small * 1))
show("fractions", lambda: fractions())


def fill_object():
    x = np.empty(2, object)
    x[0] = small * 3
    x[1] = [1, 2]
    return x[0].sum(), x


def fractions():
    from decimal import Decimal
    from fractions import Fraction

    return np.array([Fraction(1, 3), Fraction(2, 3)]).sum(), np.array([Decimal("1.1")]) * (small[2] * 1)


show("empty object", fill_object)
show("fractions", fractions)

# -- masked
x = np.ma.masked_array(a * 1, t)
show("ma", lambda: (x.sum(), x.mean(), x.count(), x.max()))
show("ma arithmetic", lambda: (x * 2 + a)[[0, 5, -1]])
show("ma left", lambda: (a + x)[[0, 5, -1]])
show("ma set", lambda: x.__setitem__(slice(0, 3), np.ma.masked))
show("ma after", lambda: (x.count(), x[:5]))
show("ma filled", lambda: x.filled(-1)[[0, -1]])
show("ma where", lambda: np.ma.masked_where(a > 3, a)[:6])
show("ma invalid", lambda: np.ma.masked_invalid(np.array([1.0, np.nan, np.inf]) * 1))
show("ma log", lambda: np.ma.log(a - 2)[:5])
show("ma divide", lambda: np.ma.array(small * 1.0) / (small - 2.0))
show("ma compressed", lambda: x.compressed()[:3])
show("ma average", lambda: np.ma.average(x, weights=a + 1))
show("ma median", lambda: np.ma.median(x))
show("ma cov", lambda: np.ma.cov(np.ma.array(np.arange(12.0).reshape(3, 4) * 1)))
show("ma mask", lambda: (type(x.mask).__name__, x.mask.sum(), x.data[:3]))
show("ma compare", lambda: (x > 5)[:8])
show("ma concatenate", lambda: np.ma.concatenate([x[:3], a[:3]]))
show("ma inplace", lambda: x.__iadd__(a)[:5])
show("ma ufunc", lambda: np.sqrt(x)[:6])
show("ma out", lambda: np.add(a, x, out=a * 1)[:6])
show("ma index ours", lambda: x[i][:5])
show("ma bool ours", lambda: x[a < 6])
show("ma stack", lambda: np.ma.vstack([x[:3], x[3:6]]))
show("ma hard", lambda: harden())


def harden():
    y = np.ma.array(a * 1, mask=i == 0, hard_mask=True)
    y[:] = 5
    return y[:12], y.sum()


show("ma hard", harden)

# -- matrix
q = np.matrix((np.arange(4.0) * 1).reshape(2, 2))
show("matrix", lambda: (q * q, q.T, q.I @ q, q.A1, q.sum(axis=0)))
show("matrix times ours", lambda: (np.asmatrix(np.ones((2, 2)) * 2) * np.array([[1.0], [2.0]]), q + small[:2]))

# -- files
folder = pathlib.Path(tempfile.mkdtemp())


def files():
    np.save(folder / "a.npy", a * 2)
    np.save(folder / "f.npy", np.asfortranarray((a * 2).reshape(2, -1)))
    with open(folder / "a2.npy", "wb") as f:
        np.save(f, a * 3)
        np.save(f, i)
    with open(folder / "a2.npy", "rb") as f:
        first, second = np.load(f), np.load(f)
    np.savez(folder / "z.npz", a=a * 1, t=t, r=r)
    np.savez_compressed(folder / "zc.npz", a * 1)
    z = np.load(folder / "z.npz")
    return (
        np.load(folder / "a.npy").sum(),
        np.load(folder / "f.npy").flags.f_contiguous,
        first.sum(),
        second.sum(),
        z.files,
        z["a"].sum(),
        z["t"].sum(),
        z["r"]["x"].sum(),
        np.load(folder / "zc.npz")["arr_0"].sum(),
    )


show("save", files)


def text():
    np.savetxt(folder / "t.txt", (a[:12] * 1.5).reshape(4, 3), fmt="%.2f", header="h", delimiter=",")
    s = io.StringIO()
    np.savetxt(s, i[:5] * 2, fmt="%d")
    back = np.loadtxt(folder / "t.txt", delimiter=",")
    g = np.genfromtxt(io.StringIO("1,2\n3,\n5,6"), delimiter=",", filling_values=-1)
    return (folder / "t.txt").read_text(), s.getvalue(), back.sum(axis=0), g * 2


show("savetxt", text)


def raw():
    (a * 1).tofile(folder / "raw.bin")
    with open(folder / "raw2.bin", "wb") as f:
        (a[::2] * 1).tofile(f)
        f.write((small * 1).tobytes())
    (small * 1).tofile(folder / "raw.txt", sep=" ", format="%d")
    back = np.fromfile(folder / "raw.bin")
    back *= 2
    b = np.frombuffer((a * 1).tobytes())
    try:
        b[0] = 1
    except ValueError as error:
        print(error)
    return (
        back.sum(),
        (folder / "raw2.bin").stat().st_size,
        (folder / "raw.txt").read_text(),
        b.sum(),
        np.fromfile(folder / "raw.bin", np.float64, 5, offset=80),
        np.fromstring("1 2 3", sep=" ") * 2,
        np.fromiter((k * k for k in range(5)), float) + 1,
        np.frombuffer(bytearray(b"\x01\x02"), np.uint8) * 3,
    )


show("raw", raw)


def mapped():
    m = np.memmap(folder / "m.bin", np.float64, "w+", shape=(SIZE,))
    m[:] = a * 2
    m += a
    m[i == 3] = -1
    m.flush()
    n = np.memmap(folder / "m.bin", np.float64, "r")
    k = np.load(folder / "a.npy", mmap_mode="r")
    o = np.lib.format.open_memmap(folder / "o.npy", "w+", np.float64, (SIZE,))
    o[:] = k + n
    return type(m).__name__, n.sum(), (k + a).sum(), (n * k).sum(), type(n + a).__name__, type(a + n).__name__, o.sum()


show("memmap", mapped)


def mapped_error():
    k = np.load(folder / "a.npy", mmap_mode="r")
    k += a


show("memmap error", mapped_error)
show("tobytes", lambda: ((small * 1).tobytes(), len((a * 1).tobytes("F"))))
show("tostring", lambda: np.array2string(small * 1, separator="|"))
show("dump", lambda: len((a * 1).dumps()) > 8 * SIZE)
show("load error", lambda: np.load(io.BytesIO(b"nothing at all")))
show("loadtxt error", lambda: np.loadtxt(io.StringIO("1 2\n3 x")))
show("fromfile error", lambda: np.fromfile("/nonexistent/x"))


def printing():
    with np.printoptions(precision=3, suppress=True, threshold=20, edgeitems=2, linewidth=60):
        print(a * 1.23456789, (a * 1e-9)[:4], (a * 1).reshape(-1, 8)[:4])
    with np.printoptions(formatter={"float_kind": lambda v: f"<{v:.1f}>"}):
        print(a[:4] * 2, repr(a[:2] * 2))
    with np.printoptions(legacy="1.13"):
        print(repr(a[:4] * 2), a[3] * 2)
    with np.printoptions(sign="+", floatmode="fixed"):
        print(a[:4] * 2.5)
    print(repr(small * 1), repr(t & t), str((a * 1j)[:3]), repr((i * 1).astype(np.int8)), repr(a[:0] * 1))
    print(np.array_repr(small * 2), np.array_str(small * 2, max_line_width=8), np.format_float_positional(a[3] * 1))
    return np.get_printoptions()["precision"]


show("printing", printing)
