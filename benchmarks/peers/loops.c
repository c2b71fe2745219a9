// The workloads as loops written for them: about what this machine allows. Compiled by loops.py beside this file with
// -O3 -march=native -ffast-math -fopenmp. Arrays are contiguous; n rows of m elements.

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t I;
#define IN(type) const type *restrict
#define OUT(type) type *restrict
#define PARALLEL _Pragma("omp parallel for schedule(static)")
#define PARALLEL_SIMD _Pragma("omp parallel for simd schedule(static)")
#define SIMD _Pragma("omp simd")
#define BLOCK 1024

static inline I least(I a, I b) { return a < b ? a : b; }

// --- elementwise

static inline double cumulative(double d) {
  double k = 1.0 / (1.0 + 0.2316419 * fabs(d));
  double series = k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
  double tail = 0.3989422804014327 * exp(-0.5 * d * d) * series;
  return d > 0 ? 1.0 - tail : tail;
}

void black_scholes(I n, IN(double) spot, IN(double) strike, IN(double) years, OUT(double) call, OUT(double) put) {
  const double rate = 0.02, volatility = 0.30;
  PARALLEL_SIMD
  for (I i = 0; i < n; i++) {
    double deviation = volatility * sqrt(years[i]);
    double d1 = (log(spot[i] / strike[i]) + (rate + 0.5 * volatility * volatility) * years[i]) / deviation;
    double c1 = cumulative(d1), c2 = cumulative(d1 - deviation);
    double discounted = strike[i] * exp(-rate * years[i]);
    call[i] = spot[i] * c1 - discounted * c2;
    put[i] = discounted * (1.0 - c2) - spot[i] * (1.0 - c1);
  }
}

#define BINARY(name, type, expression)                                       \
  void name(I n, IN(type) x, IN(type) y, OUT(type) out) {                    \
    PARALLEL_SIMD for (I i = 0; i < n; i++) out[i] = expression;             \
  }
#define UNARY(name, type, expression)                                        \
  void name(I n, IN(type) X, OUT(type) out) {                                \
    PARALLEL_SIMD for (I i = 0; i < n; i++) {                                \
      type x = X[i];                                                         \
      out[i] = expression;                                                   \
    }                                                                        \
  }

BINARY(axpy, double, 2.5 * x[i] + y[i])
BINARY(add, double, x[i] + y[i])
BINARY(power, double, pow(x[i], y[i]))
BINARY(integer_division, I, x[i] / y[i] - (x[i] % y[i] < 0) + x[i] % y[i] + (x[i] % y[i] < 0 ? y[i] : 0))
UNARY(horner6, double, (((((0.5 * x + 1.0) * x - 2.0) * x + 0.25) * x - 1.5) * x + 3.0) * x - 0.125)
UNARY(exponential, double, exp(x))
UNARY(sine, double, sin(x))
UNARY(hyperbolic_tangent, double, tanh(x))
UNARY(logarithm, double, log(x))
UNARY(where, double, x > 0 ? x : 0.1 * x)
UNARY(where_chain, double, x < 0.25 ? 0.1 : x < 0.5 ? x * 2.0 : x < 0.75 ? 1.0 - x : x * x)
UNARY(threshold, uint8_t, x > 128 ? 255 : 0)
UNARY(bits, int32_t, ((x ^ (x >> 16) ^ (int32_t)((uint32_t)(x ^ (x >> 16)) << 5)) & 0xFFFF) | (x & 0x10000))

// Sine and cosine in loops of their own: together the compiler makes one call of them that has no vector form.
#define CHAIN(name, type, sin, cos, sqrt, exp, fabs)                                                               \
  static __attribute__((noinline)) void name##_sine(I n, IN(type) x, OUT(type) t) {                                \
    SIMD for (I i = 0; i < n; i++) {                                                                               \
      type s = sin(x[i]);                                                                                          \
      t[i] = s * s;                                                                                                \
    }                                                                                                              \
  }                                                                                                                \
  static __attribute__((noinline)) void name##_rest(I n, IN(type) x, IN(type) t, OUT(type) out) {                  \
    SIMD for (I i = 0; i < n; i++) {                                                                               \
      type c = cos(x[i]);                                                                                          \
      out[i] = sqrt(t[i] + c * c) + exp(-x[i] * x[i]) / (1 + fabs(x[i]));                                          \
    }                                                                                                              \
  }                                                                                                                \
  void name(I n, IN(type) x, OUT(type) out) {                                                                      \
    PARALLEL for (I b = 0; b < n; b += BLOCK) {                                                                    \
      type t[BLOCK];                                                                                               \
      I count = least(BLOCK, n - b);                                                                               \
      name##_sine(count, x + b, t);                                                                                \
      name##_rest(count, x + b, t, out + b);                                                                       \
    }                                                                                                              \
  }
CHAIN(chain_f64, double, sin, cos, sqrt, exp, fabs)
CHAIN(chain_f32, float, sinf, cosf, sqrtf, expf, fabsf)

void clean(I n, IN(double) x, OUT(double) out) {
  PARALLEL_SIMD
  for (I i = 0; i < n; i++) {
    double y = x[i] < -1.0 ? -1.0 : x[i];
    y = y > 2.0 ? 2.0 : y;
    out[i] = y > 0.0 && y < 0.1 ? y * 10.0 : y;
  }
}

void saturate(I n, IN(uint8_t) a, IN(uint8_t) b, OUT(uint8_t) out) {
  PARALLEL_SIMD
  for (I i = 0; i < n; i++) {
    uint16_t sum = (uint16_t)a[i] + b[i];
    out[i] = sum > 255 ? 255 : sum;
  }
}

void complex_arithmetic(I n, IN(double) z, OUT(double) out) {
  PARALLEL_SIMD
  for (I i = 0; i < n; i++) {
    double re = z[2 * i], im = z[2 * i + 1];
    double a = re * re - im * im + 0.3, b = 2.0 * re * im - 0.5;
    double c = a * a + b * b + re;
    out[i] = sqrt(c * c + im * im);
  }
}

// --- reductions

double mask_sum(I n, IN(double) x) {
  double sum = 0;
  _Pragma("omp parallel for simd reduction(+ : sum) schedule(static)")
  for (I i = 0; i < n; i++) sum += x[i] > 0 ? x[i] : 0.0;
  return sum;
}

double sum_all(I n, IN(double) x) {
  double sum = 0;
  _Pragma("omp parallel for simd reduction(+ : sum) schedule(static)")
  for (I i = 0; i < n; i++) sum += x[i];
  return sum;
}

double variance_all(I n, IN(double) x) {
  double mean = sum_all(n, x) / n, sum = 0;
  _Pragma("omp parallel for simd reduction(+ : sum) schedule(static)")
  for (I i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return sum / n;
}

double largest_all(I n, IN(double) x) {
  double found = x[0];
  _Pragma("omp parallel for simd reduction(max : found) schedule(static)")
  for (I i = 0; i < n; i++) found = x[i] > found ? x[i] : found;
  return found;
}

double smallest_all(I n, IN(double) x) {
  double found = x[0];
  _Pragma("omp parallel for simd reduction(min : found) schedule(static)")
  for (I i = 0; i < n; i++) found = x[i] < found ? x[i] : found;
  return found;
}

#define ROWS(name, kind, start, update, finish)                              \
  void name(I n, I m, IN(double) x, OUT(double) out) {                       \
    PARALLEL for (I i = 0; i < n; i++) {                                     \
      IN(double) row = x + i * m;                                            \
      double s = start;                                                      \
      _Pragma(kind) for (I j = 0; j < m; j++) update;                        \
      out[i] = finish;                                                       \
    }                                                                        \
  }
ROWS(sum_rows, "omp simd reduction(+ : s)", 0, s += row[j], s)
ROWS(square_rows, "omp simd reduction(+ : s)", 0, s += row[j] * row[j], s)
ROWS(largest_rows, "omp simd reduction(max : s)", row[0], s = row[j] > s ? row[j] : s, s)
ROWS(smallest_rows, "omp simd reduction(min : s)", row[0], s = row[j] < s ? row[j] : s, s)

void variance_rows(I n, I m, IN(double) x, OUT(double) out) {
  PARALLEL
  for (I i = 0; i < n; i++) {
    IN(double) row = x + i * m;
    double s = 0, q = 0;
    _Pragma("omp simd reduction(+ : s)") for (I j = 0; j < m; j++) s += row[j];
    s /= m;
    _Pragma("omp simd reduction(+ : q)") for (I j = 0; j < m; j++) q += (row[j] - s) * (row[j] - s);
    out[i] = q / m;
  }
}

// Every thread takes rows and has sums of its own.
#define COLUMNS(name, start, update, combine)                                \
  static void name(I n, I m, IN(double) x, IN(double) mean, OUT(double) out) { \
    int threads = omp_get_max_threads();                                     \
    double *partial = malloc(threads * m * sizeof(double));                  \
    _Pragma("omp parallel") {                                                \
      OUT(double) p = partial + omp_get_thread_num() * m;                    \
      for (I j = 0; j < m; j++) p[j] = start;                                \
      _Pragma("omp for schedule(static)") for (I i = 0; i < n; i++) {        \
        IN(double) row = x + i * m;                                          \
        SIMD for (I j = 0; j < m; j++) update;                               \
      }                                                                      \
    }                                                                        \
    for (I j = 0; j < m; j++) {                                              \
      double s = partial[j];                                                 \
      for (int t = 1; t < threads; t++) {                                    \
        double other = partial[t * m + j];                                   \
        s = combine;                                                         \
      }                                                                      \
      out[j] = s;                                                            \
    }                                                                        \
    free(partial);                                                           \
  }
COLUMNS(column_sums, 0, p[j] += row[j], s + other)
COLUMNS(column_squares, 0, p[j] += (row[j] - mean[j]) * (row[j] - mean[j]), s + other)
COLUMNS(column_largest, x[j], p[j] = row[j] > p[j] ? row[j] : p[j], other > s ? other : s)
COLUMNS(column_smallest, x[j], p[j] = row[j] < p[j] ? row[j] : p[j], other < s ? other : s)

void sum_columns(I n, I m, IN(double) x, OUT(double) out) { column_sums(n, m, x, x, out); }
void largest_columns(I n, I m, IN(double) x, OUT(double) out) { column_largest(n, m, x, x, out); }
void smallest_columns(I n, I m, IN(double) x, OUT(double) out) { column_smallest(n, m, x, x, out); }
void variance_columns(I n, I m, IN(double) x, OUT(double) out) {
  double *mean = malloc(m * sizeof(double));
  column_sums(n, m, x, x, mean);
  for (I j = 0; j < m; j++) mean[j] /= n;
  column_squares(n, m, x, mean, out);
  for (I j = 0; j < m; j++) out[j] /= n;
  free(mean);
}

void softmax(I n, I m, IN(double) x, OUT(double) out) {
  PARALLEL
  for (I i = 0; i < n; i++) {
    IN(double) row = x + i * m;
    OUT(double) e = out + i * m;
    double largest = row[0], sum = 0;
    _Pragma("omp simd reduction(max : largest)") for (I j = 0; j < m; j++) largest = row[j] > largest ? row[j] : largest;
    _Pragma("omp simd reduction(+ : sum)") for (I j = 0; j < m; j++) {
      e[j] = exp(row[j] - largest);
      sum += e[j];
    }
    SIMD for (I j = 0; j < m; j++) e[j] /= sum;
  }
}

void logsumexp(I n, I m, IN(double) x, OUT(double) out) {
  PARALLEL
  for (I i = 0; i < n; i++) {
    IN(double) row = x + i * m;
    double largest = row[0], sum = 0;
    _Pragma("omp simd reduction(max : largest)") for (I j = 0; j < m; j++) largest = row[j] > largest ? row[j] : largest;
    _Pragma("omp simd reduction(+ : sum)") for (I j = 0; j < m; j++) sum += exp(row[j] - largest);
    out[i] = log(sum) + largest;
  }
}

void normalise(I n, IN(double) x, OUT(double) out) {
  double low = x[0], high = x[0];
  _Pragma("omp parallel for simd reduction(min : low) reduction(max : high) schedule(static)")
  for (I i = 0; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
  }
  double factor = 1.0 / (high - low);
  PARALLEL_SIMD for (I i = 0; i < n; i++) out[i] = (x[i] - low) * factor;
}

void moments(I n, IN(double) x, OUT(double) out) {
  double mean = sum_all(n, x) / n, s2 = 0, s3 = 0, s4 = 0;
  _Pragma("omp parallel for simd reduction(+ : s2, s3, s4) schedule(static)")
  for (I i = 0; i < n; i++) {
    double d = x[i] - mean, q = d * d;
    s2 += q;
    s3 += q * d;
    s4 += q * q;
  }
  out[0] = mean;
  out[1] = s2 / n;
  out[2] = s3 / n / pow(s2 / n, 1.5);
  out[3] = s4 / n / (s2 / n) / (s2 / n);
}

void spectral_angle(I n, I m, IN(double) cube, IN(double) sample, OUT(double) out) {
  double length = 0;
  for (I j = 0; j < m; j++) length += sample[j] * sample[j];
  PARALLEL
  for (I i = 0; i < n; i++) {
    double product = 0, square = 0;
    _Pragma("omp simd reduction(+ : product, square)") for (I j = 0; j < m; j++) {
      double value = cube[i * m + j];
      product += value * sample[j];
      square += value * value;
    }
    out[i] = acos(product / (sqrt(square) * sqrt(length)));
  }
}

void nearest(I n, I m, IN(double) a, IN(double) b, OUT(I) out) {
  double *x = malloc(3 * m * sizeof(double));
  for (I j = 0; j < m; j++)
    for (I k = 0; k < 3; k++) x[k * m + j] = b[3 * j + k];
  PARALLEL
  for (I i = 0; i < n; i++) {
    double square[BLOCK], best = 1e300;
    for (I start = 0; start < m; start += BLOCK) {
      I count = least(BLOCK, m - start);
      IN(double) p = x + start;
      SIMD for (I j = 0; j < count; j++) {
        double dx = a[3 * i] - p[j], dy = a[3 * i + 1] - p[m + j], dz = a[3 * i + 2] - p[2 * m + j];
        square[j] = dx * dx + dy * dy + dz * dz;
      }
      double least = square[0];
      _Pragma("omp simd reduction(min : least)") for (I j = 0; j < count; j++) least = square[j] < least ? square[j] : least;
      if (least < best) {
        best = least;
        I j = 0;
        while (square[j] != least) j++;
        out[i] = start + j;
      }
    }
  }
  free(x);
}

// Mean and standard deviation of what lies within two standard deviations of all.
void outliers(I n, IN(double) x, OUT(double) out) {
  double mean = sum_all(n, x) / n, limit = 2.0 * sqrt(variance_all(n, x)), count = 0, sum = 0, square = 0;
  _Pragma("omp parallel for simd reduction(+ : count, sum, square) schedule(static)")
  for (I i = 0; i < n; i++) {
    double d = x[i] - mean, kept = fabs(d) < limit ? 1.0 : 0.0;
    count += kept;
    sum += kept * d;
    square += kept * d * d;
  }
  out[0] = mean + sum / count;
  out[1] = sqrt(square / count - (sum / count) * (sum / count));
}

void azimuthal(I n, I m, I rings, IN(double) picture, OUT(double) out) {
  double *sums = calloc(2 * rings, sizeof(double)), *counts = sums + rings;
  _Pragma("omp parallel for reduction(+ : sums[ : 2 * rings]) schedule(static)")
  for (I i = 0; i < n; i++)
    for (I j = 0; j < m; j++) {
      double y = i - 0.5 * n, x = j - 0.5 * n;
      I ring = (I)(sqrt(x * x + y * y) / 5);
      if (ring < rings) {
        sums[ring] += picture[i * m + j];
        sums[rings + ring] += 1.0;
      }
    }
  for (I r = 0; r < rings; r++) out[r] = sums[r] / counts[r];
  free(sums);
}

#define COUNTS(name, type)                                                   \
  void name(I n, I classes, IN(type) x, OUT(I) out) {                        \
    memset(out, 0, classes * sizeof(I));                                     \
    _Pragma("omp parallel for reduction(+ : out[ : classes]) schedule(static)") \
    for (I i = 0; i < n; i++) out[x[i]]++;                                   \
  }
COUNTS(bincount, I)
COUNTS(bincount_u8, uint8_t)

void look_up(I n, IN(uint8_t) x, IN(uint8_t) levels, OUT(uint8_t) out) {
  PARALLEL for (I i = 0; i < n; i++) out[i] = levels[x[i]];
}

// One step: the new centres from the old ones.
void kmeans(I n, I width, I k, IN(double) points, OUT(double) centres) {
  I size = k * width + k;
  double *sums = calloc(size, sizeof(double)), *old = malloc(k * width * sizeof(double));
  memcpy(old, centres, k * width * sizeof(double));
  _Pragma("omp parallel for reduction(+ : sums[ : size]) schedule(static)")
  for (I i = 0; i < n; i++) {
    IN(double) p = points + i * width;
    double least = 1e300;
    I best = 0;
    for (I j = 0; j < k; j++) {
      double square = 0;
      _Pragma("omp simd reduction(+ : square)") for (I q = 0; q < width; q++) {
        double d = p[q] - old[j * width + q];
        square += d * d;
      }
      if (square < least) {
        least = square;
        best = j;
      }
    }
    for (I q = 0; q < width; q++) sums[best * width + q] += p[q];
    sums[k * width + best] += 1.0;
  }
  for (I j = 0; j < k; j++)
    for (I q = 0; q < width; q++) centres[j * width + q] = sums[j * width + q] / sums[k * width + j];
  free(sums);
  free(old);
}

// --- grids: the result is in a after an even number of steps, in b after an odd one

void jacobi2d(I n, I m, I steps, double *a, double *b) {
  for (I t = 0; t < steps; t++) {
    PARALLEL
    for (I i = 1; i < n - 1; i++) {
      IN(double) u = a + (i - 1) * m, *restrict c = a + i * m, *restrict d = a + (i + 1) * m;
      OUT(double) o = b + i * m;
      SIMD for (I j = 1; j < m - 1; j++) o[j] = 0.2 * (c[j] + u[j] + d[j] + c[j - 1] + c[j + 1]);
    }
    double *swapped = a;
    a = b;
    b = swapped;
  }
}

void heat3d(I n, I steps, double *a, double *b) {
  I s = n * n;
  for (I t = 0; t < steps; t++) {
    PARALLEL
    for (I i = 1; i < n - 1; i++)
      for (I j = 1; j < n - 1; j++) {
        IN(double) c = a + i * s + j * n;
        OUT(double) o = b + i * s + j * n;
        SIMD for (I k = 1; k < n - 1; k++)
          o[k] = c[k] + 0.1 * (c[k + s] + c[k - s] + c[k + n] + c[k - n] + c[k + 1] + c[k - 1] - 6.0 * c[k]);
      }
    double *swapped = a;
    a = b;
    b = swapped;
  }
}

void life(I n, I steps, I *a, I *b) {
  for (I t = 0; t < steps; t++) {
    PARALLEL
    for (I i = 0; i < n; i++) {
      OUT(I) o = b + i * n;
      if (i == 0 || i == n - 1) {
        memset(o, 0, n * sizeof(I));
        continue;
      }
      IN(I) u = a + (i - 1) * n, *restrict c = a + i * n, *restrict d = a + (i + 1) * n;
      o[0] = o[n - 1] = 0;
      SIMD for (I j = 1; j < n - 1; j++) {
        I around = u[j - 1] + u[j] + u[j + 1] + c[j - 1] + c[j + 1] + d[j - 1] + d[j] + d[j + 1];
        o[j] = (around == 3) | ((around == 2) & (c[j] == 1));
      }
    }
    I *swapped = a;
    a = b;
    b = swapped;
  }
}

void wave2d(I n, I steps, double *before, double *now) {
  for (I t = 0; t < steps; t++) {
    PARALLEL
    for (I i = 1; i < n - 1; i++) {
      IN(double) c = now + i * n;
      double *o = before + i * n;
      SIMD for (I j = 1; j < n - 1; j++)
        o[j] = 2.0 * c[j] - o[j] + 0.25 * (c[j - n] + c[j + n] + c[j - 1] + c[j + 1] - 4.0 * c[j]);
    }
    double *swapped = before;
    before = now;
    now = swapped;
  }
}

void fdtd2d(I n, I steps, OUT(double) ex, OUT(double) ey, OUT(double) hz) {
  for (I t = 0; t < steps; t++) {
    for (I j = 0; j < n; j++) ey[j] = 0.1 * t;
    PARALLEL
    for (I i = 0; i < n; i++) {
      I r = i * n;
      if (i > 0) {
        SIMD for (I j = 0; j < n; j++) ey[r + j] -= 0.5 * (hz[r + j] - hz[r - n + j]);
      }
      SIMD for (I j = 1; j < n; j++) ex[r + j] -= 0.5 * (hz[r + j] - hz[r + j - 1]);
    }
    PARALLEL
    for (I i = 0; i < n - 1; i++) {
      I r = i * n;
      SIMD for (I j = 0; j < n - 1; j++)
        hz[r + j] -= 0.7 * (ex[r + j + 1] - ex[r + j] + ey[r + n + j] - ey[r + j]);
    }
  }
}

// The new density of a cell depends on old ones above and to the left only, so that two planes take turns.
void advection2d(I n, I steps, double *a, double *b, IN(double) u, IN(double) v) {
  for (I t = 0; t < steps; t++) {
    memcpy(b, a, n * sizeof(double));
    PARALLEL
    for (I i = 1; i < n; i++) {
      I r = i * n;
      IN(double) c = a;
      OUT(double) o = b;
      o[r] = c[r];
      SIMD for (I j = r + 1; j < r + n; j++)
        o[j] = c[j] - (0.2 * (u[j] * c[j] - u[j - n] * c[j - n]) + 0.2 * (v[j] * c[j] - v[j - 1] * c[j - 1]));
    }
    double *swapped = a;
    a = b;
    b = swapped;
  }
}

// A field of (n + 4) x (n + 4) columns of m levels.
void horizontal_diffusion(I n, I m, IN(double) field, IN(double) coefficient, OUT(double) out) {
  I row = (n + 4) * m;
  PARALLEL
  for (I i = 0; i < n; i++)
    for (I j = 0; j < n; j++) {
      IN(double) f = field + (i + 2) * row + (j + 2) * m;
      IN(double) c = coefficient + (i * n + j) * m;
      OUT(double) o = out + (i * n + j) * m;
#define LAPLACIAN(p) (4.0 * (p)[0] - ((p)[row] + (p)[-row] + (p)[m] + (p)[-m]))
      SIMD for (I k = 0; k < m; k++) {
        const double *p = f + k;
        double middle = LAPLACIAN(p);
        double below = LAPLACIAN(p + row) - middle, above = middle - LAPLACIAN(p - row);
        double right = LAPLACIAN(p + m) - middle, left = middle - LAPLACIAN(p - m);
        below = below * (p[row] - p[0]) > 0 ? 0.0 : below;
        above = above * (p[0] - p[-row]) > 0 ? 0.0 : above;
        right = right * (p[m] - p[0]) > 0 ? 0.0 : right;
        left = left * (p[0] - p[-m]) > 0 ? 0.0 : left;
        o[k] = p[0] - c[k] * (below - above + right - left);
      }
    }
}

void red_black(I n, I steps, double *u) {
  const I starts[4][2] = {{1, 1}, {2, 2}, {1, 2}, {2, 1}};
  for (I t = 0; t < steps; t++)
    for (I colour = 0; colour < 4; colour++) {
      PARALLEL
      for (I i = starts[colour][0]; i < n - 1; i += 2) {
        double *row = u + i * n;
        SIMD for (I j = starts[colour][1]; j < n - 1; j += 2)
          row[j] = 0.25 * (row[j - n] + row[j + n] + row[j - 1] + row[j + 1]);
      }
    }
}

// Every thread takes columns, all levels of a block of them.
void tridiagonal(I levels, I n, IN(double) below, IN(double) above, IN(double) right, OUT(double) c, OUT(double) d) {
  PARALLEL
  for (I b = 0; b < n; b += BLOCK) {
    I end = least(n, b + BLOCK);
    SIMD for (I j = b; j < end; j++) {
      c[j] = above[j] / 3.0;
      d[j] = right[j] / 3.0;
    }
    for (I k = 1; k < levels; k++) {
      SIMD for (I j = k * n + b; j < k * n + end; j++) {
        double pivot = 1.0 / (3.0 - below[j] * c[j - n]);
        c[j] = above[j] * pivot;
        d[j] = (right[j] - below[j] * d[j - n]) * pivot;
      }
    }
    for (I k = levels - 2; k >= 0; k--) {
      SIMD for (I j = k * n + b; j < k * n + end; j++) d[j] -= c[j] * d[j + n];
    }
  }
}

static inline double poisson_at(I n, I i, I j, IN(double) p) {
  I k = i * n + j;
  return 4.0 * p[k] - (i > 0 ? p[k - n] : 0.0) - (i < n - 1 ? p[k + n] : 0.0) - (j > 0 ? p[k - 1] : 0.0)
      - (j < n - 1 ? p[k + 1] : 0.0);
}

void conjugate_gradient(I n, I steps, OUT(double) x, OUT(double) residual, OUT(double) direction) {
  double *restrict moved = malloc(n * n * sizeof(double)), squared = 0;
  _Pragma("omp parallel for simd reduction(+ : squared) schedule(static)")
  for (I k = 0; k < n * n; k++) squared += residual[k] * residual[k];
  for (I t = 0; t < steps; t++) {
    double along = 0, new = 0;
    _Pragma("omp parallel for reduction(+ : along) schedule(static)")
    for (I i = 0; i < n; i++) {
      I r = i * n;
      if (i == 0 || i == n - 1) {
        for (I j = 0; j < n; j++) moved[r + j] = poisson_at(n, i, j, direction);
      } else {
        moved[r] = poisson_at(n, i, 0, direction);
        moved[r + n - 1] = poisson_at(n, i, n - 1, direction);
        IN(double) p = direction;
        SIMD for (I k = r + 1; k < r + n - 1; k++) moved[k] = 4.0 * p[k] - p[k - n] - p[k + n] - p[k - 1] - p[k + 1];
      }
      _Pragma("omp simd reduction(+ : along)") for (I k = r; k < r + n; k++) along += direction[k] * moved[k];
    }
    double length = squared / along;
    _Pragma("omp parallel for simd reduction(+ : new) schedule(static)")
    for (I k = 0; k < n * n; k++) {
      x[k] += length * direction[k];
      residual[k] -= length * moved[k];
      new += residual[k] * residual[k];
    }
    double turn = new / squared;
    PARALLEL_SIMD for (I k = 0; k < n * n; k++) direction[k] = residual[k] + turn * direction[k];
    squared = new;
  }
  free(moved);
}

void acceleration(I n, IN(double) position, IN(double) mass, OUT(double) out) {
  double *x = malloc(3 * n * sizeof(double));
  for (I i = 0; i < n; i++)
    for (I k = 0; k < 3; k++) x[k * n + i] = position[3 * i + k];
  PARALLEL
  for (I i = 0; i < n; i++) {
    double ax = 0, ay = 0, az = 0;
    _Pragma("omp simd reduction(+ : ax, ay, az)") for (I j = 0; j < n; j++) {
      double dx = x[j] - x[i], dy = x[n + j] - x[n + i], dz = x[2 * n + j] - x[2 * n + i];
      double square = dx * dx + dy * dy + dz * dz + 1e-2;
      double weight = mass[j] / (square * sqrt(square));
      ax += dx * weight;
      ay += dy * weight;
      az += dz * weight;
    }
    out[3 * i] = ax;
    out[3 * i + 1] = ay;
    out[3 * i + 2] = az;
  }
  free(x);
}

void mandelbrot(I n, I steps, IN(double) c, OUT(I) count) {
  _Pragma("omp parallel for schedule(dynamic, 16)")
  for (I i = 0; i < n; i++)
    for (I j = 0; j < n; j++) {
      double re = 0, im = 0, cr = c[2 * (i * n + j)], ci = c[2 * (i * n + j) + 1];
      I k = 0;
      while (k < steps && re * re + im * im <= 4.0) {
        double next = re * re - im * im + cr;
        im = 2.0 * re * im + ci;
        re = next;
        k++;
      }
      count[i * n + j] = k;
    }
}

// --- moving

void gather(I n, IN(double) x, IN(I) index, OUT(double) out) {
  PARALLEL_SIMD for (I i = 0; i < n; i++) out[i] = x[index[i]];
}

void scatter(I n, IN(I) index, IN(double) values, OUT(double) out) {
  PARALLEL for (I i = 0; i < n; i++) out[index[i]] = values[i];
}

void transpose(I n, IN(double) x, OUT(double) out) {
  _Pragma("omp parallel for collapse(2) schedule(static)")
  for (I ib = 0; ib < n; ib += 32)
    for (I jb = 0; jb < n; jb += 32)
      for (I i = ib; i < least(n, ib + 32); i++)
        for (I j = jb; j < least(n, jb + 32); j++) out[i * n + j] = x[j * n + i];
}

void permute_rows(I n, I m, IN(double) rows, IN(I) order, OUT(double) out) {
  PARALLEL for (I i = 0; i < n; i++) memcpy(out + i * m, rows + order[i] * m, m * sizeof(double));
}

// --- images of bytes, n x n

void blur(I n, IN(uint8_t) p, OUT(uint8_t) out) {
  PARALLEL
  for (I i = 0; i < n - 2; i++) {
    IN(uint8_t) a = p + i * n, *restrict b = a + n, *restrict c = b + n;
    OUT(uint8_t) o = out + i * (n - 2);
    SIMD for (I j = 0; j < n - 2; j++) {
      uint16_t left = a[j] + 2 * b[j] + c[j], middle = a[j + 1] + 2 * b[j + 1] + c[j + 1];
      uint16_t right = a[j + 2] + 2 * b[j + 2] + c[j + 2];
      o[j] = (uint16_t)(left + 2 * middle + right + 8) >> 4;
    }
  }
}

void sobel(I n, IN(uint8_t) p, OUT(uint8_t) out) {
  PARALLEL
  for (I i = 0; i < n - 2; i++) {
    IN(uint8_t) a = p + i * n, *restrict b = a + n, *restrict c = b + n;
    OUT(uint8_t) o = out + i * (n - 2);
    SIMD for (I j = 0; j < n - 2; j++) {
      int16_t across = a[j + 2] - a[j] + 2 * (b[j + 2] - b[j]) + c[j + 2] - c[j];
      int16_t along = c[j] - a[j] + 2 * (c[j + 1] - a[j + 1]) + c[j + 2] - a[j + 2];
      int16_t sum = (across < 0 ? -across : across) + (along < 0 ? -along : along);
      o[j] = sum > 255 ? 255 : sum;
    }
  }
}

void grey(I n, IN(uint8_t) colours, OUT(uint8_t) out) {
  PARALLEL_SIMD
  for (I i = 0; i < n; i++)
    out[i] = (uint16_t)(77 * colours[3 * i] + 150 * colours[3 * i + 1] + 29 * colours[3 * i + 2]) >> 8;
}
