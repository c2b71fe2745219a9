package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.*;

/** Changes of lane width, and vectors in two halves. */
final class LaneWidths {
    private final InstructionSet set;
    private final Steps steps;

    LaneWidths(InstructionSet set, Steps steps) {
        this.set = set;
        this.steps = steps;
    }

    int extend(int value, int from, int to, boolean signed, int lanes) {
        if (from == to) {
            return value;
        }
        VectorOp op = switch (from * 10 + to) {
            case 12 -> signed ? PMOVSXBW : PMOVZXBW;
            case 14 -> signed ? PMOVSXBD : PMOVZXBD;
            case 18 -> signed ? PMOVSXBQ : PMOVZXBQ;
            case 24 -> signed ? PMOVSXWD : PMOVZXWD;
            case 28 -> signed ? PMOVSXWQ : PMOVZXWQ;
            case 48 -> signed ? PMOVSXDQ : PMOVZXDQ;
            default -> throw new IllegalArgumentException("extension of " + from + " bytes to " + to);
        };
        return steps.vector(op, Conversions.size(to, lanes), 0, value);
    }

    /** Keeps the low bytes of every lane. */
    int narrow(int value, int from, int to, int lanes) {
        if (from == to) {
            return value;
        }
        int size = Conversions.size(from, lanes);
        if (set == InstructionSet.AVX512) {
            VectorOp op = switch (from * 10 + to) {
                case 84 -> PMOVQD;
                case 82 -> PMOVQW;
                case 81 -> PMOVQB;
                case 42 -> PMOVDW;
                case 41 -> PMOVDB;
                case 21 -> PMOVWB;
                default -> throw new IllegalArgumentException(from + " bytes narrowed to " + to);
            };
            return steps.vector(op, size, 0, value);
        }
        if (size == 16) {
            long[] picks = picks(from, to, 0, 16 / from);
            return steps.vector(PSHUFB, 16, 0, value, steps.literal(picks[0], picks[1]));
        }
        if (from == 8 && to == 4) {
            long low = 0x0000000200000000L;
            long high = 0x0000000600000004L;
            int order = steps.literal(low, high);
            return steps.vector(PERMD, 32, 0, order, value);
        }
        // PSHUFB works within 128-bit halves: the upper half's lanes are put where they belong in the result, and the
        // halves are joined.
        int perHalf = 16 / from;
        long[] low = picks(from, to, 0, perHalf);
        long[] high = picks(from, to, perHalf * to, perHalf);
        int shuffled = steps.vector(PSHUFB, 32, 0, value, steps.literal(low[0], low[1], high[0], high[1]));
        return steps.vector(POR, 16, 0, shuffled, steps.vector(EXTRACT128, 32, 1, shuffled));
    }

    private static long[] picks(int from, int to, int begin, int lanes) {
        long[] words = {-1L, -1L};
        for (int lane = 0; lane < lanes; lane++) {
            for (int k = 0; k < to; k++) {
                int at = begin + lane * to + k;
                int shift = 8 * (at % 8);
                words[at / 8] = words[at / 8] & ~(0xFFL << shift) | (long) (lane * from + k) << shift;
            }
        }
        return words;
    }

    /** The upper half of {@code size} bytes; the lower one is the value itself. */
    int upperHalf(int value, int size) {
        return size == 64 ? steps.vector(EXTRACT256, 64, 1, value) : steps.vector(EXTRACT128, 32, 1, value);
    }

    /** Two halves as one value of {@code size} bytes. */
    int join(int low, int high, int size) {
        return steps.vector(size == 64 ? INSERT256 : INSERT128, size, 1, low, high);
    }
}
