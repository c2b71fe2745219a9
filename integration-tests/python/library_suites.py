"""Runs other libraries' own tests with their test modules' arrays deferred, and compares with NumPy.

    python integration-tests/python/library_suites.py [--backend reference] [library or file …]

The test modules' `numpy` is Maniple, every array deferred (MANIPLE_DEFER_ALL=1): so the library is
given Maniple's arrays by its own tests, while its own code keeps NumPy's. What passes with NumPy
must pass with Maniple, but for the tests in `library_suites_known.json`, each with a category and
a reason. Without arguments: the files of `LIBRARIES`, a choice of those that take arrays from
outside, some twenty minutes; any other file of an installed package may be named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import suites

KNOWN = Path(__file__).resolve().parent / "library_suites_known.json"

# Matplotlib's wheel has its tests without the images that importing them asks for.
LIBRARIES = {
    "scipy": [
        "scipy/cluster/tests/test_vq.py",
        "scipy/fft/tests/test_basic.py",
        "scipy/integrate/tests/test__quad_vec.py",
        "scipy/integrate/tests/test_quadrature.py",
        "scipy/interpolate/tests/test_interpnd.py",
        "scipy/interpolate/tests/test_rgi.py",
        "scipy/linalg/tests/test_basic.py",
        "scipy/linalg/tests/test_decomp_cholesky.py",
        "scipy/ndimage/tests/test_measurements.py",
        "scipy/ndimage/tests/test_morphology.py",
        "scipy/optimize/tests/test_lsq_linear.py",
        "scipy/optimize/tests/test_minpack.py",
        "scipy/signal/tests/test_filter_design.py",
        "scipy/signal/tests/test_spectral.py",
        "scipy/sparse/tests/test_construct.py",
        "scipy/sparse/tests/test_csr.py",
        "scipy/spatial/tests/test_kdtree.py",
        "scipy/special/tests/test_logsumexp.py",
        "scipy/stats/tests/test_correlation.py",
        "scipy/stats/tests/test_entropy.py",
        "scipy/stats/tests/test_rank.py",
    ],
    "sklearn": [
        "sklearn/cluster/tests/test_k_means.py",
        "sklearn/decomposition/tests/test_pca.py",
        "sklearn/linear_model/tests/test_base.py",
        "sklearn/metrics/tests/test_regression.py",
        "sklearn/neighbors/tests/test_kd_tree.py",
        "sklearn/preprocessing/tests/test_label.py",
        "sklearn/utils/tests/test_extmath.py",
    ],
    "pandas": [
        "pandas/tests/arithmetic/test_numeric.py",
        "pandas/tests/arrays/numpy_/test_numpy.py",
        "pandas/tests/frame/indexing/test_indexing.py",
        "pandas/tests/frame/test_constructors.py",
        "pandas/tests/frame/test_npfuncs.py",
        "pandas/tests/frame/test_ufunc.py",
        "pandas/tests/reshape/test_cut.py",
        "pandas/tests/series/test_constructors.py",
        "pandas/tests/series/test_ufunc.py",
        "pandas/tests/test_algos.py",
    ],
    "xarray": ["xarray/tests/test_duck_array_ops.py", "xarray/tests/test_variable.py"],
    "networkx": [
        "networkx/linalg/tests/test_graphmatrix.py",
        "networkx/linalg/tests/test_laplacian.py",
        "networkx/tests/test_convert_numpy.py",
    ],
    "statsmodels": [
        "statsmodels/regression/tests/test_lme.py",
        "statsmodels/regression/tests/test_regression.py",
        "statsmodels/stats/tests/test_weightstats.py",
        "statsmodels/tools/tests/test_tools.py",
    ],
    "numba": ["numba/tests/test_array_methods.py", "numba/tests/test_dispatcher.py", "numba/tests/test_ufuncs.py"],
    "h5py": ["h5py/tests/test_dataset.py", "h5py/tests/test_slicing.py", "h5py/tests/test_selections.py"],
    "pyarrow": ["pyarrow/tests/test_array.py", "pyarrow/tests/test_pandas.py", "pyarrow/tests/test_tensor.py"],
    "numcodecs": ["numcodecs/tests/test_blosc.py", "numcodecs/tests/test_delta.py", "numcodecs/tests/test_zlib.py"],
}


def library(test: str) -> str:
    return test.split("/")[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="library of the choice, or a test file (all of the choice)")
    parser.add_argument("--backend", default="server", help="MANIPLE_BACKEND (server)")
    parser.add_argument("--minimum", type=float, default=97.0, help="least share in per cent (97)")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a file (600)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--update", action="store_true", help="rewrite the list of differences")
    arguments = parser.parse_args()

    names: list[str] = []
    for name in arguments.what or LIBRARIES:
        names += LIBRARIES.get(name, [name])
    how = suites.How(
        backend=arguments.backend,
        timeout=arguments.timeout,
        include="*.tests.*,test_*",
        options=("-m", "not slow and not network and not single_cpu", "-p", "no:randomly"),
    )
    comparison = suites.compare(suites.expand(names), how, arguments.jobs)
    print("\n" + comparison.summary(library))
    return suites.judge(comparison, KNOWN, update=arguments.update, minimum=arguments.minimum)


if __name__ == "__main__":
    sys.exit(main())
