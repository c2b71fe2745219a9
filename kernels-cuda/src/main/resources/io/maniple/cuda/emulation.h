// CUDA C++ for a C++ compiler: what generated kernels use of the language, run by one thread, block after block.
//
// The threads of a block that waits for one another are fibres with stacks of their own; without a barrier they are a
// loop. Blocks come in an order of their own each time, threads backwards every other time: what depends on the order
// gives other results.
#define MANIPLE_EMULATED 1
#define __global__
#define __device__ static
#define __shared__ static
#define __restrict__

struct maniple_dimensions {
    unsigned x, y, z;
};
static maniple_dimensions threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

extern "C" {
#define MANIPLE_UNARY(name) double name(double); float name##f(float);
MANIPLE_UNARY(sqrt) MANIPLE_UNARY(floor) MANIPLE_UNARY(ceil) MANIPLE_UNARY(trunc) MANIPLE_UNARY(rint)
MANIPLE_UNARY(fabs) MANIPLE_UNARY(exp) MANIPLE_UNARY(exp2) MANIPLE_UNARY(expm1) MANIPLE_UNARY(log)
MANIPLE_UNARY(log2) MANIPLE_UNARY(log10) MANIPLE_UNARY(log1p) MANIPLE_UNARY(sin) MANIPLE_UNARY(cos)
MANIPLE_UNARY(tan) MANIPLE_UNARY(asin) MANIPLE_UNARY(acos) MANIPLE_UNARY(atan) MANIPLE_UNARY(sinh)
MANIPLE_UNARY(cosh) MANIPLE_UNARY(tanh) MANIPLE_UNARY(asinh) MANIPLE_UNARY(acosh) MANIPLE_UNARY(atanh)
MANIPLE_UNARY(cbrt)
#define MANIPLE_BINARY(name) double name(double, double); float name##f(float, float);
MANIPLE_BINARY(pow) MANIPLE_BINARY(atan2) MANIPLE_BINARY(hypot) MANIPLE_BINARY(fmod) MANIPLE_BINARY(nextafter)
double fma(double, double, double);
float fmaf(float, float, float);
}

template <typename To, typename From> static inline To maniple_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "the same size");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}
static inline float __int_as_float(int bits) { return maniple_bits<float>(bits); }
static inline int __float_as_int(float value) { return maniple_bits<int>(value); }
static inline double __longlong_as_double(long long bits) { return maniple_bits<double>(bits); }
static inline long long __double_as_longlong(double value) { return maniple_bits<long long>(value); }
static inline float maniple_half_value(unsigned short bits) { return (float) maniple_bits<_Float16>(bits); }
static inline unsigned short maniple_half_bits(float value) { return maniple_bits<unsigned short>((_Float16) value); }

// One thread runs all: nothing comes between reading and writing.
template <typename T> static inline T atomicAdd(T* address, T value) { T old = *address; *address = old + value; return old; }
template <typename T> static inline T atomicOr(T* address, T value) { T old = *address; *address = old | value; return old; }
template <typename T> static inline T atomicAnd(T* address, T value) { T old = *address; *address = old & value; return old; }
template <typename T> static inline T atomicXor(T* address, T value) { T old = *address; *address = old ^ value; return old; }
template <typename T> static inline T atomicMin(T* address, T value) { T old = *address; if (value < old) *address = value; return old; }
template <typename T> static inline T atomicMax(T* address, T value) { T old = *address; if (old < value) *address = value; return old; }
template <typename T> static inline T atomicExch(T* address, T value) { T old = *address; *address = value; return old; }
template <typename T> static inline T atomicCAS(T* address, T expected, T value) {
    T old = *address;
    if (old == expected) *address = value;
    return old;
}
static inline void __threadfence() {}
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned) x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long) x) : 64; }
static inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned long long) ((unsigned __int128) x * y >> 64);
}

#ifdef MANIPLE_BARRIERS
#define MANIPLE_THREADS 1024
#define MANIPLE_STACK 65536

// Saves the callee's registers on the stack of one fibre and takes those of another.
extern "C" __attribute__((visibility("hidden"))) void maniple_switch(void** from, void* to);
asm(R"(
.text
.hidden maniple_switch
.globl maniple_switch
.type maniple_switch, @function
maniple_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size maniple_switch, .-maniple_switch
)");

extern "C" void* malloc(unsigned long);

static struct {
    void* stack;
    bool done;
    unsigned long long value;
} maniple_fibres[MANIPLE_THREADS];
static char* maniple_stacks;
static void* maniple_scheduler;
static unsigned maniple_current;
static void (*maniple_body)(const void*);
static const void* maniple_argument;

static void maniple_fibre() {
    maniple_body(maniple_argument);
    maniple_fibres[maniple_current].done = true;
    maniple_switch(&maniple_fibres[maniple_current].stack, maniple_scheduler);
    __builtin_trap();
}

// To the scheduler, which comes back when all others are here.
static inline void __syncthreads() {
    maniple_switch(&maniple_fibres[maniple_current].stack, maniple_scheduler);
}
static inline void __syncwarp(unsigned = 0xffffffffu) { __syncthreads(); }

// All threads of a block have to come here together.
template <typename T> static inline T maniple_exchange(T value, unsigned from) {
    static_assert(sizeof(T) <= 8, "at most 8 bytes");
    __builtin_memcpy(&maniple_fibres[maniple_current].value, &value, sizeof value);
    __syncthreads();
    T got;
    __builtin_memcpy(&got, &maniple_fibres[from].value, sizeof got);
    __syncthreads();
    return got;
}
template <typename T> static inline T __shfl_down_sync(unsigned, T value, unsigned distance) {
    const unsigned lane = maniple_current % 32;
    return maniple_exchange(value, lane + distance < 32 ? maniple_current + distance : maniple_current);
}
template <typename T> static inline T __shfl_up_sync(unsigned, T value, unsigned distance) {
    return maniple_exchange(value, maniple_current % 32 >= distance ? maniple_current - distance : maniple_current);
}
template <typename T> static inline T __shfl_xor_sync(unsigned, T value, unsigned mask) {
    return maniple_exchange(value, maniple_current ^ mask);
}
template <typename T> static inline T __shfl_sync(unsigned, T value, unsigned lane) {
    return maniple_exchange(value, maniple_current / 32 * 32 + lane % 32);
}

static void maniple_place(unsigned thread) {
    maniple_current = thread;
    threadIdx.x = thread % blockDim.x;
    threadIdx.y = thread / blockDim.x;
}

// Whether some threads of the block wait while others have ended: on a device that would be undefined.
static int maniple_block(void (*body)(const void*), const void* argument, bool backwards) {
    const unsigned threads = blockDim.x * blockDim.y;
    if (threads > MANIPLE_THREADS) return 2;
    if (!maniple_stacks) maniple_stacks = (char*) malloc((unsigned long) MANIPLE_THREADS * MANIPLE_STACK + 64);
    maniple_body = body;
    maniple_argument = argument;
    for (unsigned thread = 0; thread < threads; thread++) {
        void** top = (void**) (((unsigned long) maniple_stacks & ~63UL) + 64 + (unsigned long) (thread + 1) * MANIPLE_STACK - 64);
        *--top = nullptr;  // where a call would have left its return address
        *--top = (void*) maniple_fibre;
        for (int pushed = 0; pushed < 6; pushed++) *--top = nullptr;
        maniple_fibres[thread].stack = top;
        maniple_fibres[thread].done = false;
    }
    for (unsigned left = threads; left > 0;) {
        unsigned waiting = 0;
        const unsigned before = left;
        for (unsigned turn = 0; turn < threads; turn++) {
            const unsigned thread = backwards ? threads - 1 - turn : turn;
            if (maniple_fibres[thread].done) continue;
            maniple_place(thread);
            maniple_switch(&maniple_scheduler, maniple_fibres[thread].stack);
            if (maniple_fibres[thread].done) left--;
            else waiting++;
        }
        if (waiting > 0 && (left != before || before != threads)) return 1;
    }
    return 0;
}
#else
static int maniple_block(void (*body)(const void*), const void* argument, bool backwards) {
    const unsigned threads = blockDim.x * blockDim.y;
    for (unsigned turn = 0; turn < threads; turn++) {
        const unsigned thread = backwards ? threads - 1 - turn : turn;
        threadIdx.x = thread % blockDim.x;
        threadIdx.y = thread / blockDim.x;
        body(argument);
    }
    return 0;
}
#endif

// What the emulated driver calls: 0, or what was wrong.
struct maniple_grid {
    unsigned blocksX, blocksY, threadsX, threadsY;
    unsigned long long seed;
};
static int maniple_run(void (*body)(const void*), const void* argument, const maniple_grid* grid) {
    gridDim.x = grid->blocksX;
    gridDim.y = grid->blocksY;
    blockDim.x = grid->threadsX;
    blockDim.y = grid->threadsY;
    gridDim.z = blockDim.z = 1;
    const unsigned long long blocks = (unsigned long long) grid->blocksX * grid->blocksY;
    // A step without a common divisor visits each block once.
    unsigned long long step = grid->seed % blocks | 1;
    for (;; step += 2) {
        unsigned long long a = step, b = blocks;
        while (b) {
            const unsigned long long rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) break;
    }
    unsigned long long block = grid->seed / 3 % blocks;
    for (unsigned long long turn = 0; turn < blocks; turn++) {
        blockIdx.x = (unsigned) (block % grid->blocksX);
        blockIdx.y = (unsigned) (block / grid->blocksX);
        const int status = maniple_block(body, argument, (grid->seed >> 7 & 1) != 0);
        if (status) return status;
        block = (block + step) % blocks;
    }
    return 0;
}
#define MANIPLE_ENTRY(kernel) \
    extern "C" __attribute__((visibility("default"))) int kernel##_run(const void* argument, const maniple_grid* grid) { \
        return maniple_run([](const void* box) { kernel(*(const kernel##_box*) box); }, argument, grid); \
    }
