package io.maniple.cuda;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import java.util.Arrays;

/**
 * Writes kernels that map elements (loads, values, stores; no reductions) in CUDA C++. What stands before them, once, is
 * {@link #PRELUDE}. It needs no header, so that NVRTC alone can compile it; to be compiled with {@code --fmad=false},
 * since every operation is rounded as on the processor.
 *
 * <p>A kernel takes one argument, the structure {@code <name>_box}: n0 and n1, the index's base and steps, then of every
 * operand the address, the inner and the outer stride in bytes, then the scalars' bits: the words of
 * {@link Kernel.Arguments}. Any grid will do: threads take elements in turns.
 */
public final class CudaSource {
    public static final String PRELUDE = CudaExpressions.PRELUDE + """
            #ifndef MANIPLE_EMULATED
            __device__ inline float maniple_half_value(unsigned short bits) {
                float value;
                asm("{cvt.f32.f16 %0, %1;}" : "=f"(value) : "h"(bits));
                return value;
            }
            __device__ inline unsigned short maniple_half_bits(float value) {
                unsigned short bits;
                asm("{cvt.rn.f16.f32 %0, %1;}" : "=h"(bits) : "f"(value));
                return bits;
            }
            #endif
            __device__ inline float maniple_round_to_half(float value) {
                return maniple_half_value(maniple_half_bits(value));
            }
            // The bits to report of a step of a fold.
            template <typename F> __device__ inline unsigned long long maniple_fold_errors(
                F left, F right, F result, unsigned long long overflow, unsigned long long invalid) {
                if (result - result == 0) return 0;
                if (result != result) return left == left && right == right ? invalid : 0;
                return left - left == 0 && right - right == 0 ? overflow : 0;
            }
            // What one instruction loads or stores.
            template <int BYTES> struct alignas(BYTES) maniple_pack {
                char bytes[BYTES];
            };
            // Out of range x86-64 gives the smallest number.
            template <typename F> __device__ inline int maniple_to_int(F x) {
                return x >= (F) -2147483648.0 && x < (F) 2147483648.0 ? (int) x : (int) 0x80000000;
            }
            template <typename F> __device__ inline long long maniple_to_long(F x) {
                return x >= (F) -9223372036854775808.0 && x < (F) 9223372036854775808.0
                    ? (long long) x : (long long) 0x8000000000000000ULL;
            }
            template <typename F> __device__ inline unsigned long long maniple_to_unsigned(F x) {
                return x >= (F) 9223372036854775808.0
                    ? (unsigned long long) maniple_to_long(x - (F) 9223372036854775808.0) ^ 0x8000000000000000ULL
                    : (unsigned long long) maniple_to_long(x);
            }
            """;

    private final Kernel kernel;
    private final StringBuilder text = new StringBuilder();

    private CudaSource(Kernel kernel) {
        if (kernel.reduces()) {
            throw new IllegalArgumentException("the kernel reduces: " + kernel);
        }
        this.kernel = kernel;
    }

    /**
     * @param name of the function, and part of the name of its structure
     * @throws IllegalArgumentException if the kernel reduces
     */
    public static String map(Kernel kernel, String name) {
        return new CudaSource(kernel).write(name);
    }

    /**
     * The same for one row of contiguous operands, each aligned to 16 bytes, and a length that {@link #pack} divides: a
     * thread takes so many elements at a time, by wide loads and stores.
     *
     * @param name of the function; its structure is that of {@link #map} of the same name, which stands before it
     */
    public static String flat(Kernel kernel, String name) {
        return new CudaSource(kernel).writeFlat(name);
    }

    /** How many elements a thread of {@link #flat} takes: 16 bytes of the widest operand. */
    public static int pack(Kernel kernel) {
        return 16
                / Arrays.stream(storages(kernel))
                        .mapToInt(ElementType::bytes)
                        .max()
                        .orElse(16);
    }

    /** The types of the operands in memory. */
    static ElementType[] storages(Kernel kernel) {
        ElementType[] storages = new ElementType[kernel.operands()];
        Arrays.fill(storages, ElementType.BOOL);
        for (Node node : kernel.nodes()) {
            switch (node) {
                case Node.Load load -> storages[load.operand()] = load.storage();
                case Node.Store store -> storages[store.operand()] = store.storage();
                case Node.Scalar _,
                        Node.Literal _,
                        Node.Index _,
                        Node.Apply _,
                        Node.Cast _,
                        Node.Reinterpret _,
                        Node.Reduce _ -> {}
            }
        }
        return storages;
    }

    private String writeFlat(String name) {
        int pack = pack(kernel);
        ElementType[] storages = storages(kernel);
        boolean[] loaded = new boolean[storages.length];
        boolean[] stored = new boolean[storages.length];
        for (Node node : kernel.nodes()) {
            if (node instanceof Node.Load load) {
                loaded[load.operand()] = true;
            } else if (node instanceof Node.Store store) {
                stored[store.operand()] = true;
                // What is not written must stay.
                loaded[store.operand()] |= store.mask() >= 0;
            }
        }
        line("extern \"C\" __global__ void " + name + "_flat(const " + name + "_box box) {");
        line("    const long long count = box.n0 / " + pack + ", turn = (long long) gridDim.x * blockDim.x;");
        line("    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < count; t += turn) {");
        for (int operand = 0; operand < storages.length; operand++) {
            String type = packed(storages[operand], pack);
            line("        " + type + " a" + operand
                    + (loaded[operand] ? " = ((const " + type + "*) box.operands[" + operand + "].address)[t];" : ";"));
        }
        line("        #pragma unroll");
        line("        for (int k = 0; k < " + pack + "; k++) {");
        line("        const long long i0 = t * " + pack + " + k, i1 = 0;");
        for (int operand = 0; operand < storages.length; operand++) {
            line("        char* const p" + operand + " = a" + operand + ".bytes + k * " + storages[operand].bytes()
                    + ";");
        }
        nodes();
        line("        }");
        for (int operand = 0; operand < storages.length; operand++) {
            if (stored[operand]) {
                String type = packed(storages[operand], pack);
                line("        ((" + type + "*) box.operands[" + operand + "].address)[t] = a" + operand + ";");
            }
        }
        line("    }");
        line("}");
        return text.toString();
    }

    private static String packed(ElementType type, int pack) {
        return "maniple_pack<" + pack * type.bytes() + ">";
    }

    private String write(String name) {
        line("struct " + name + "_box {");
        line("    long long n0, n1, base, step0, step1;");
        line("    struct { char* address; long long step0, step1; } operands[" + kernel.operands() + "];");
        if (kernel.scalars() > 0) {
            line("    unsigned long long scalars[" + kernel.scalars() + "];");
        }
        line("};");
        line("extern \"C\" __global__ void " + name + "(const " + name + "_box box) {");
        line("    const long long count = box.n0 * box.n1, turn = (long long) gridDim.x * blockDim.x;");
        line("    for (long long t = (long long) blockIdx.x * blockDim.x + threadIdx.x; t < count; t += turn) {");
        line("        const long long i1 = box.n1 == 1 ? 0 : t / box.n0, i0 = t - i1 * box.n0;");
        for (int operand = 0; operand < kernel.operands(); operand++) {
            String own = "box.operands[" + operand + "]";
            line("        char* const p" + operand + " = " + own + ".address + i0 * " + own + ".step0 + i1 * " + own
                    + ".step1;");
        }
        nodes();
        line("    }");
        line("}");
        return text.toString();
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    private void nodes() {
        text.append(CudaBody.of(kernel, () -> "box.base + i0 * box.step0 + i1 * box.step1"));
    }
}
