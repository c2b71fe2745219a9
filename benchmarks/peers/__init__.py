"""The peers, and the one table that says which of them runs which workload, and how.

array: the program is written as operations on arrays, as with NumPy. loops: it was rewritten as loops over elements.
Nothing here needs a peer to be installed.
"""

from typing import NamedTuple


class Peer(NamedTuple):
    title: str
    module: str  # in this folder
    style: str
    package: str  # what must be installed; nothing for a program in C
    names: str

    @property
    def workloads(self) -> list[str]:
        return self.names.split()


REDUCTIONS = " ".join(
    f"{operation}_{place}_8000x4000"
    for operation in ("sum", "mean", "std", "var", "min", "max", "argmax")
    for place in ("all", "ax0", "ax1")
)

PEERS = {
    "numexpr": Peer(
        "NumExpr", "numexpr", "array", "numexpr",
        "black_scholes_10M axpy_30M add_30M horner6_20M chain_f64_20M chain_f32_20M exp_20M sin_20M tanh_20M log_20M "
        "power_10M where_20M mask_sum_20M mc_pi_20M small_100k_ops jacobi2d_4000_x50 heat3d_256_x20 "
        "cg_poisson_1000_x100 life_2000_x20 mandelbrot_1000_x50 nbody_2000_x10 sum_all_8000x4000 sum_ax0_8000x4000 "
        "sum_ax1_8000x4000 min_all_8000x4000 min_ax0_8000x4000 min_ax1_8000x4000 max_all_8000x4000 max_ax0_8000x4000 "
        "max_ax1_8000x4000 logsumexp_ax1_4000 softmax_4000 einsum_ij_ij_i_8000x4000 wave2d_2000_x10 where_chain_10M "
        "clean_20M moments_20M normalise_30M nearest_4000x2000 integer_division_20M complex_10M",
    ),
    "jax": Peer(
        "JAX jit", "jax", "array", "jax",
        "black_scholes_10M axpy_30M add_30M horner6_20M chain_f64_20M chain_f32_20M exp_20M sin_20M tanh_20M log_20M "
        "power_10M where_20M mask_sum_20M mc_pi_20M small_100k_ops jacobi2d_4000_x50 heat3d_256_x20 "
        "cg_poisson_1000_x100 life_2000_x20 mandelbrot_1000_x50 nbody_2000_x10 kmeans_1Mx16_k10_x10 "
        f"{REDUCTIONS} "
        "logsumexp_ax1_4000 softmax_4000 cumsum_30M gather_20M transpose_copy_5000 sort_10M argsort_5M "
        "histogram_20M_100 bincount_20M_1000 gemm_f64_2000 gemm_f32_2000 matvec_8000 bmm_500x100 "
        "einsum_bik_bkj_500x100 einsum_ij_ij_i_8000x4000 cholesky_2000 solve_2000 svd_500 fft_2^22 fdtd2d_1500_x10 "
        "horizontal_diffusion_256x256x80 advection2d_2000_x10 wave2d_2000_x10 tridiagonal_100x100k gemm_chain_1200 "
        "covariance_3000x1500 correlation_3000x1500 mvt_8000 atax_8000 bicg_8000 doitgen_160 perceptron_4000 "
        "threshold_u8_100M where_chain_10M outliers_20M clean_20M spectral_angle_500x500x100 moments_20M "
        "normalise_30M moving_average_20M cumsum_axes_4000 nearest_4000x2000 spectrum_filter_2000 blur_u8_4000 "
        "sobel_u8_4000 grey_u8_4000 equalise_u8_4000 scatter_10M scatter_add_10M permute_rows_1Mx16 searchsorted_2M "
        "float16_20M integer_division_20M saturate_u8_50M complex_10M bits_i32_30M",
    ),
    "dask": Peer(
        "Dask", "dask", "array", "dask",
        "black_scholes_10M axpy_30M add_30M horner6_20M chain_f64_20M chain_f32_20M exp_20M sin_20M tanh_20M log_20M "
        "power_10M where_20M mask_sum_20M mc_pi_20M small_100k_ops jacobi2d_4000_x50 heat3d_256_x20 "
        "mandelbrot_1000_x50 nbody_2000_x10 "
        f"{REDUCTIONS} "
        "logsumexp_ax1_4000 softmax_4000 cumsum_30M gather_20M transpose_copy_5000 histogram_20M_100 "
        "bincount_20M_1000 gemm_f64_2000 gemm_f32_2000 matvec_8000 bmm_500x100 einsum_bik_bkj_500x100 "
        "einsum_ij_ij_i_8000x4000 cholesky_2000 solve_2000 svd_500 fft_2^22 horizontal_diffusion_256x256x80 "
        "gemm_chain_1200 covariance_3000x1500 correlation_3000x1500 mvt_8000 atax_8000 bicg_8000 perceptron_4000 "
        "threshold_u8_100M where_chain_10M outliers_20M spectral_angle_500x500x100 moments_20M normalise_30M "
        "moving_average_20M cumsum_axes_4000 nearest_4000x2000 blur_u8_4000 sobel_u8_4000 grey_u8_4000 "
        "permute_rows_1Mx16 searchsorted_2M unique_5M float16_20M integer_division_20M saturate_u8_50M complex_10M "
        "bits_i32_30M",
    ),
    "torch": Peer(
        "PyTorch", "torch", "array", "torch",
        "black_scholes_10M axpy_30M add_30M horner6_20M chain_f64_20M chain_f32_20M exp_20M sin_20M tanh_20M log_20M "
        "power_10M where_20M mask_sum_20M mc_pi_20M small_100k_ops jacobi2d_4000_x50 heat3d_256_x20 "
        "cg_poisson_1000_x100 life_2000_x20 nbody_2000_x10 kmeans_1Mx16_k10_x10 "
        f"{REDUCTIONS} "
        "logsumexp_ax1_4000 softmax_4000 cumsum_30M gather_20M transpose_copy_5000 sort_10M argsort_5M "
        "histogram_20M_100 bincount_20M_1000 gemm_f64_2000 gemm_f32_2000 matvec_8000 bmm_500x100 "
        "einsum_bik_bkj_500x100 einsum_ij_ij_i_8000x4000 cholesky_2000 solve_2000 svd_500 fft_2^22 fdtd2d_1500_x10 "
        "horizontal_diffusion_256x256x80 advection2d_2000_x10 wave2d_2000_x10 red_black_2000_x5 tridiagonal_100x100k "
        "gemm_chain_1200 gramschmidt_600x400 covariance_3000x1500 correlation_3000x1500 mvt_8000 atax_8000 bicg_8000 "
        "doitgen_160 perceptron_4000 where_chain_10M outliers_20M clean_20M select_rows_5Mx4 azimuthal_1000_r100 "
        "spectral_angle_500x500x100 moments_20M normalise_30M moving_average_20M cumsum_axes_4000 nearest_4000x2000 "
        "spectrum_filter_2000 scatter_10M permute_rows_1Mx16 integer_division_20M complex_10M",
    ),
    "numba": Peer(
        "Numba", "numba_array", "array", "numba",
        "black_scholes_10M axpy_30M add_30M horner6_20M chain_f64_20M chain_f32_20M exp_20M sin_20M tanh_20M log_20M "
        "power_10M where_20M mask_sum_20M mc_pi_20M jacobi2d_4000_x50 heat3d_256_x20 sum_all_8000x4000 "
        "mean_all_8000x4000 std_all_8000x4000 var_all_8000x4000 min_all_8000x4000 max_all_8000x4000 "
        "argmax_all_8000x4000 cumsum_30M gather_20M transpose_copy_5000 sort_10M argsort_5M histogram_20M_100 "
        "bincount_20M_1000 gemm_f64_2000 gemm_f32_2000 matvec_8000 cholesky_2000 solve_2000 svd_500 wave2d_2000_x10 "
        "tridiagonal_100x100k gemm_chain_1200 mvt_8000 atax_8000 bicg_8000 where_chain_10M moments_20M normalise_30M "
        "searchsorted_2M integer_division_20M complex_10M",
    ),
    "numba-loops": Peer(
        "Numba loops", "numba_loops", "loops", "numba",
        "black_scholes_10M chain_f64_20M mask_sum_20M small_100k_ops jacobi2d_4000_x50 heat3d_256_x20 life_2000_x20 "
        "mandelbrot_1000_x50 nbody_2000_x10 kmeans_1Mx16_k10_x10 sum_ax0_8000x4000 sum_ax1_8000x4000 "
        "mean_ax0_8000x4000 mean_ax1_8000x4000 std_ax0_8000x4000 std_ax1_8000x4000 var_ax0_8000x4000 "
        "var_ax1_8000x4000 min_ax0_8000x4000 min_ax1_8000x4000 max_ax0_8000x4000 max_ax1_8000x4000 "
        "argmax_ax0_8000x4000 argmax_ax1_8000x4000 logsumexp_ax1_4000 softmax_4000 gather_20M histogram_20M_100 "
        "bmm_500x100 einsum_bik_bkj_500x100 einsum_ij_ij_i_8000x4000 fdtd2d_1500_x10 wave2d_2000_x10 outliers_20M "
        "azimuthal_1000_r100 nearest_4000x2000 blur_u8_4000 scatter_10M",
    ),
    "c": Peer(
        "C loops", "loops", "loops", "",
        "black_scholes_10M axpy_30M add_30M horner6_20M chain_f64_20M chain_f32_20M exp_20M sin_20M tanh_20M log_20M "
        "power_10M where_20M mask_sum_20M jacobi2d_4000_x50 heat3d_256_x20 cg_poisson_1000_x100 life_2000_x20 "
        "mandelbrot_1000_x50 nbody_2000_x10 kmeans_1Mx16_k10_x10 sum_all_8000x4000 sum_ax0_8000x4000 "
        "sum_ax1_8000x4000 mean_all_8000x4000 mean_ax0_8000x4000 mean_ax1_8000x4000 std_all_8000x4000 "
        "std_ax0_8000x4000 std_ax1_8000x4000 var_all_8000x4000 var_ax0_8000x4000 var_ax1_8000x4000 min_all_8000x4000 "
        "min_ax0_8000x4000 min_ax1_8000x4000 max_all_8000x4000 max_ax0_8000x4000 max_ax1_8000x4000 logsumexp_ax1_4000 "
        "softmax_4000 gather_20M transpose_copy_5000 bincount_20M_1000 einsum_ij_ij_i_8000x4000 fdtd2d_1500_x10 "
        "horizontal_diffusion_256x256x80 advection2d_2000_x10 wave2d_2000_x10 red_black_2000_x5 tridiagonal_100x100k "
        "threshold_u8_100M where_chain_10M outliers_20M clean_20M azimuthal_1000_r100 spectral_angle_500x500x100 "
        "moments_20M normalise_30M nearest_4000x2000 blur_u8_4000 sobel_u8_4000 grey_u8_4000 equalise_u8_4000 "
        "scatter_10M permute_rows_1Mx16 integer_division_20M saturate_u8_50M complex_10M bits_i32_30M",
    ),
}  # fmt: skip
