package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.ElementType.Kind;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import io.maniple.kernels.ir.Primitive;
import io.maniple.kernels.ir.Reduction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;

/** Executes a kernel one element at a time, straight from the words of the contract. Values are raw bits in a long. */
final class ReferenceInterpreter {
    /** Mathematical functions are left to the caller, who knows how exact they are to be. */
    interface Functions {
        double apply(Primitive function, boolean isDouble, double x, double y);
    }

    private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final Kernel kernel;
    private final Functions functions;
    private long arguments;

    ReferenceInterpreter(Kernel kernel, Functions functions) {
        this.kernel = kernel;
        this.functions = functions;
    }

    private long word(int index) {
        return MEMORY.get(ValueLayout.JAVA_LONG, arguments + 8L * index);
    }

    void run(long argumentBlock) {
        arguments = argumentBlock;
        List<Node> nodes = kernel.nodes();
        int partialCount = 64 / kernel.widestBytes();
        for (long i1 = 0; i1 < word(Kernel.Arguments.N1); i1++) {
            long[][] partials = new long[nodes.size()][];
            for (int k = 0; k < nodes.size(); k++) {
                if (nodes.get(k) instanceof Node.Reduce reduce) {
                    partials[k] = new long[partialCount];
                    long identity = reduce.reduction().identityBits(reduce.type());
                    Arrays.fill(partials[k], normal(reduce.type(), identity));
                }
            }
            long n0 = word(Kernel.Arguments.N0);
            long grouped = n0 - n0 % partialCount;
            for (long i0 = 0; i0 < grouped; i0++) {
                element(i0, i1, partials, (int) (i0 % partialCount));
            }
            combineNeighbours(partials);
            for (long i0 = grouped; i0 < n0; i0++) {
                element(i0, i1, partials, 0);
            }
            for (int k = 0; k < nodes.size(); k++) {
                if (nodes.get(k) instanceof Node.Reduce reduce) {
                    write(address(reduce.operand(), 0, i1), reduce.type(), partials[k][0]);
                }
            }
        }
    }

    private void combineNeighbours(long[][] partials) {
        for (int k = 0; k < partials.length; k++) {
            if (kernel.nodes().get(k) instanceof Node.Reduce reduce) {
                for (int distance = 1; distance < partials[k].length; distance *= 2) {
                    for (int l = 0; l < partials[k].length; l += 2 * distance) {
                        long next = partials[k][l + distance];
                        partials[k][l] = combine(reduce.reduction(), reduce.type(), partials[k][l], next);
                    }
                }
            }
        }
    }

    private long address(int operand, long i0, long i1) {
        int at = Kernel.Arguments.OPERANDS + Kernel.Arguments.WORDS_PER_OPERAND * operand;
        return word(at) + i0 * word(at + 1) + i1 * word(at + 2);
    }

    private void element(long i0, long i1, long[][] partials, int partial) {
        List<Node> nodes = kernel.nodes();
        long[] v = new long[nodes.size()];
        for (int k = 0; k < nodes.size(); k++) {
            switch (nodes.get(k)) {
                case Node.Load(int operand, ElementType storage) -> v[k] = read(address(operand, i0, i1), storage);
                case Node.Scalar(int slot, ElementType type) ->
                    v[k] = normal(type, word(Kernel.Arguments.scalars(kernel.operands()) + slot));
                case Node.Literal(ElementType type, long bits) -> v[k] = normal(type, bits);
                case Node.Index index ->
                    v[k] = word(Kernel.Arguments.INDEX_BASE)
                            + i0 * word(Kernel.Arguments.INDEX_STEP0)
                            + i1 * word(Kernel.Arguments.INDEX_STEP1);
                case Node.Apply(Primitive primitive, ElementType type, List<Integer> args) -> {
                    long x = v[args.get(0)];
                    long y = args.size() > 1 ? v[args.get(1)] : 0;
                    if (primitive == Primitive.SELECT) {
                        v[k] = x != 0 ? y : v[args.get(2)];
                    } else if (primitive == Primitive.FUSED_MULTIPLY_ADD) {
                        v[k] = fused(type, x, y, v[args.get(2)]);
                    } else {
                        v[k] = apply(primitive, type, x, y);
                    }
                }
                case Node.Cast(int value, ElementType from, ElementType type) -> v[k] = cast(v[value], from, type);
                case Node.Reinterpret(int value, ElementType from, ElementType type) -> v[k] = normal(type, v[value]);
                case Node.Store(int operand, ElementType storage, int value, int mask) -> {
                    if (mask < 0 || v[mask] != 0) {
                        write(address(operand, i0, i1), storage, v[value]);
                    }
                }
                case Node.Reduce(int operand, Reduction reduction, ElementType type, int value) ->
                    partials[k][partial] = combine(reduction, type, partials[k][partial], v[value]);
            }
        }
    }

    private long combine(Reduction reduction, ElementType type, long x, long y) {
        return apply(reduction.primitive(), type, x, y);
    }

    // ---- memory

    static long read(long address, ElementType storage) {
        return switch (storage) {
            case BOOL -> MEMORY.get(ValueLayout.JAVA_BYTE, address) != 0 ? 1 : 0;
            case INT8, UINT8 -> normal(storage, MEMORY.get(ValueLayout.JAVA_BYTE, address));
            case INT16, UINT16 -> normal(storage, MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address));
            case INT32, UINT32, FLOAT32 -> normal(storage, MEMORY.get(ValueLayout.JAVA_INT_UNALIGNED, address));
            case INT64, UINT64, FLOAT64 -> MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address);
            case FLOAT16 -> single(Float.float16ToFloat(MEMORY.get(ValueLayout.JAVA_SHORT_UNALIGNED, address)));
        };
    }

    static void write(long address, ElementType storage, long bits) {
        switch (storage) {
            case BOOL, INT8, UINT8 -> MEMORY.set(ValueLayout.JAVA_BYTE, address, (byte) bits);
            case INT16, UINT16 -> MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, (short) bits);
            case INT32, UINT32, FLOAT32 -> MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, address, (int) bits);
            case INT64, UINT64, FLOAT64 -> MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, bits);
            case FLOAT16 -> MEMORY.set(ValueLayout.JAVA_SHORT_UNALIGNED, address, Float.floatToFloat16(asFloat(bits)));
        }
    }

    /** Sign- or zero-extended to 64 bits as the type has it. */
    static long normal(ElementType type, long bits) {
        return switch (type) {
            case BOOL -> bits & 1;
            case INT8 -> (byte) bits;
            case UINT8 -> bits & 0xFF;
            case INT16 -> (short) bits;
            case UINT16, FLOAT16 -> bits & 0xFFFF;
            case INT32 -> (int) bits;
            case UINT32, FLOAT32 -> bits & 0xFFFFFFFFL;
            case INT64, UINT64, FLOAT64 -> bits;
        };
    }

    private static float asFloat(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static double asDouble(long bits) {
        return Double.longBitsToDouble(bits);
    }

    private static long single(float value) {
        return Float.floatToRawIntBits(value) & 0xFFFFFFFFL;
    }

    private static long bits(boolean isDouble, double value) {
        return isDouble ? Double.doubleToRawLongBits(value) : single((float) value);
    }

    // ---- operations

    private long apply(Primitive primitive, ElementType type, long x, long y) {
        if (type == ElementType.BOOL) {
            return bool(primitive, x != 0, y != 0) ? 1 : 0;
        }
        return type.isFloating() ? floating(primitive, type, x, y) : integer(primitive, type, x, y);
    }

    private static boolean bool(Primitive primitive, boolean x, boolean y) {
        return switch (primitive) {
            case AND, MINIMUM, MULTIPLY -> x && y;
            case OR, MAXIMUM, ADD -> x || y;
            case XOR, NOT_EQUAL -> x != y;
            case NOT -> !x;
            case EQUAL -> x == y;
            case LESS -> !x && y;
            case LESS_EQUAL -> !x || y;
            default -> throw new IllegalArgumentException(primitive + " of BOOL");
        };
    }

    private long floating(Primitive primitive, ElementType type, long xBits, long yBits) {
        boolean isDouble = type == ElementType.FLOAT64;
        double x = isDouble ? asDouble(xBits) : asFloat(xBits);
        double y = isDouble ? asDouble(yBits) : asFloat(yBits);
        return switch (primitive) {
            case NEGATE -> xBits ^ (isDouble ? Long.MIN_VALUE : 0x80000000L);
            case ABSOLUTE -> xBits & (isDouble ? Long.MAX_VALUE : 0x7FFFFFFFL);
            case MINIMUM -> Double.isNaN(x) ? xBits : Double.isNaN(y) ? yBits : y < x ? yBits : xBits;
            case MAXIMUM -> Double.isNaN(x) ? xBits : Double.isNaN(y) ? yBits : y > x ? yBits : xBits;
            case LESS -> x < y ? 1 : 0;
            case LESS_EQUAL -> x <= y ? 1 : 0;
            case EQUAL -> x == y ? 1 : 0;
            case NOT_EQUAL -> x != y ? 1 : 0;
            // in double, then rounded: exact for + - * / sqrt of floats
            case ADD -> bits(isDouble, x + y);
            case SUBTRACT -> bits(isDouble, x - y);
            case MULTIPLY -> bits(isDouble, x * y);
            case DIVIDE -> bits(isDouble, x / y);
            case SQRT -> bits(isDouble, Math.sqrt(x));
            case FLOOR -> bits(isDouble, Math.floor(x));
            case CEIL -> bits(isDouble, Math.ceil(x));
            case TRUNC -> bits(isDouble, x < 0 || 1 / x < 0 ? Math.ceil(x) : Math.floor(x));
            case RINT -> bits(isDouble, Math.rint(x));
            case ROUND_TO_HALF -> single(Float.float16ToFloat(Float.floatToFloat16((float) x)));
            default -> bits(isDouble, functions.apply(primitive, isDouble, x, y));
        };
    }

    private static long fused(ElementType type, long x, long y, long z) {
        return type == ElementType.FLOAT64
                ? bits(true, Math.fma(asDouble(x), asDouble(y), asDouble(z)))
                : single(Math.fma(asFloat(x), asFloat(y), asFloat(z)));
    }

    private static BigInteger big(ElementType type, long bits) {
        return type == ElementType.UINT64 ? new BigInteger(Long.toUnsignedString(bits)) : BigInteger.valueOf(bits);
    }

    /** Arguments are extended to 64 bits as their type has it, so 64-bit arithmetic is right for every width. */
    private static long integer(Primitive primitive, ElementType type, long x, long y) {
        boolean signed = type.kind() == Kind.SIGNED;
        int order = signed ? Long.compare(x, y) : Long.compareUnsigned(x, y);
        boolean outside = y < 0 || y >= 8L * type.bytes();
        long result = switch (primitive) {
            case ADD -> x + y;
            case SUBTRACT -> x - y;
            case MULTIPLY -> x * y;
            case MINIMUM -> order <= 0 ? x : y;
            case MAXIMUM -> order >= 0 ? x : y;
            case NEGATE -> -x;
            case ABSOLUTE -> signed && x < 0 ? -x : x;
            case AND -> x & y;
            case OR -> x | y;
            case XOR -> x ^ y;
            case NOT -> ~x;
            case SHIFT_LEFT -> outside ? 0 : x << y;
            case SHIFT_RIGHT -> outside ? (signed && x < 0 ? -1 : 0) : signed ? x >> y : x >>> y;
            case LESS -> order < 0 ? 1 : 0;
            case LESS_EQUAL -> order <= 0 ? 1 : 0;
            case EQUAL -> x == y ? 1 : 0;
            case NOT_EQUAL -> x != y ? 1 : 0;
            case QUOTIENT -> y == 0 ? 0 : signed ? x / y : Long.divideUnsigned(x, y);
            case REMAINDER -> y == 0 ? 0 : signed ? x % y : Long.remainderUnsigned(x, y);
            case INTEGER_POWER -> power(x, y);
            default -> throw new IllegalArgumentException(primitive + " of " + type);
        };
        return normal(type, result);
    }

    private static long power(long x, long y) {
        long result = 1;
        for (int bit = 63; bit >= 0; bit--) {
            result *= result;
            result *= (y >>> bit & 1) == 1 ? x : 1;
        }
        return result;
    }

    static long cast(long bits, ElementType from, ElementType to) {
        if (from.isFloating()) {
            double x = from == ElementType.FLOAT64 ? asDouble(bits) : asFloat(bits);
            return switch (to) {
                case FLOAT64 -> Double.doubleToRawLongBits(x);
                case FLOAT32 -> from == ElementType.FLOAT32 ? bits : single((float) x);
                case BOOL -> x != 0 ? 1 : 0;
                case INT8, UINT8, INT16, UINT16, INT32 -> normal(to, truncate(x, 0x1p31, Integer.MIN_VALUE));
                case UINT32, INT64 -> normal(to, truncate(x, 0x1p63, Long.MIN_VALUE));
                case UINT64 ->
                    x >= 0x1p63
                            ? truncate(x - 0x1p63, 0x1p63, Long.MIN_VALUE) ^ Long.MIN_VALUE
                            : truncate(x, 0x1p63, Long.MIN_VALUE);
                case FLOAT16 -> throw new IllegalArgumentException("FLOAT16 is no computed type");
            };
        }
        return switch (to) {
            case BOOL -> bits != 0 ? 1 : 0;
            case FLOAT64 -> Double.doubleToRawLongBits(big(from, bits).doubleValue());
            case FLOAT32 -> single(big(from, bits).floatValue());
            default -> normal(to, bits);
        };
    }

    /** cvttsd2si: outside the range, and for a NaN, the smallest integer. */
    private static long truncate(double x, double limit, long indefinite) {
        double whole = x < 0 ? Math.ceil(x) : Math.floor(x);
        return whole >= -limit && whole < limit ? (long) whole : indefinite;
    }
}
