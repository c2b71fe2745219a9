// A cuBLAS that works on the host's memory: columns are contiguous, as cuBLAS has it. Says what it was told in its results.
#include <complex>
#include <cstdlib>

namespace {
long stream_of = 0;

template <class T>
int multiply(long handle, int turned_a, int turned_b, int m, int n, int k, const T* alpha, const T* a, int lda,
             long step_a, const T* b, int ldb, long step_b, const T* beta, T* c, int ldc, long step_c, int count) {
    if (handle != 4711 || stream_of != 815) return 1;
    if (m < 0 || n < 0 || k < 0 || lda < (turned_a ? k : m) || ldb < (turned_b ? n : k) || ldc < m) return 7;
    if (std::getenv("FAKE_CUBLAS_STATUS")) return std::atoi(std::getenv("FAKE_CUBLAS_STATUS"));
    for (int number = 0; number < count; number++, a += step_a, b += step_b, c += step_c) {
        for (int column = 0; column < n; column++) {
            for (int row = 0; row < m; row++) {
                T sum = T(0);
                for (int place = 0; place < k; place++) {
                    sum += (turned_a ? a[place + (long)row * lda] : a[row + (long)place * lda]) *
                           (turned_b ? b[column + (long)place * ldb] : b[place + (long)column * ldb]);
                }
                T* result = c + row + (long)column * ldc;
                *result = *alpha * sum + (*beta == T(0) ? T(0) : *beta * *result);
            }
        }
    }
    return 0;
}
}  // namespace

#define GEMM(NAME, T)                                                                                                \
    extern "C" int NAME(long handle, int ta, int tb, int m, int n, int k, const T* alpha, const T* a, int lda,       \
                        long long step_a, const T* b, int ldb, long long step_b, const T* beta, T* c, int ldc,       \
                        long long step_c, int count) {                                                               \
        return multiply<T>(handle, ta, tb, m, n, k, alpha, a, lda, step_a, b, ldb, step_b, beta, c, ldc, step_c,     \
                           count);                                                                                   \
    }
GEMM(cublasSgemmStridedBatched, float)
GEMM(cublasDgemmStridedBatched, double)
GEMM(cublasCgemmStridedBatched, std::complex<float>)
GEMM(cublasZgemmStridedBatched, std::complex<double>)

extern "C" int cublasCreate_v2(long* handle) {
    *handle = 4711;
    return 0;
}
extern "C" int cublasDestroy_v2(long handle) { return handle == 4711 ? 0 : 1; }
extern "C" int cublasSetStream_v2(long handle, long stream) {
    stream_of = stream;
    return handle == 4711 ? 0 : 1;
}
