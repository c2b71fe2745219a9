package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;

/** Masks as lanes of 0 and -1, which is what AVX2's comparisons give. */
final class LaneMasks implements Masks {
    static final VectorOp[] EQUAL = {PCMPEQB, PCMPEQW, PCMPEQD, PCMPEQQ};
    static final VectorOp[] GREATER = {PCMPGTB, PCMPGTW, PCMPGTD, PCMPGTQ};

    private final Steps steps;
    private final LaneWidths widths;

    LaneMasks(Steps steps, LaneWidths widths) {
        this.steps = steps;
        this.widths = widths;
    }

    /** Lanes that are all alike may be any number of bytes. */
    private static int size(int bytes, int lanes) {
        return bytes == 0 ? InstructionSet.AVX2.vectorBytes() : Conversions.size(bytes, lanes);
    }

    private int two(VectorOp op, int x, int y, int bytes, int lanes) {
        return steps.vector(op, size(bytes, lanes), 0, x, y);
    }

    @Override
    public int width(int bytes) {
        return bytes;
    }

    @Override
    public int literal(boolean value) {
        return steps.literal(value ? -1L : 0L, 8);
    }

    @Override
    public int resize(int mask, int from, int to, int lanes) {
        if (from == 0 || from == to) {
            return mask;
        }
        return from < to ? widths.extend(mask, from, to, true, lanes) : widths.narrow(mask, from, to, lanes);
    }

    @Override
    public int compare(boolean isDouble, int predicate, int x, int y, int lanes) {
        return steps.vector(isDouble ? CMPPD : CMPPS, size(isDouble ? 8 : 4, lanes), predicate, x, y);
    }

    @Override
    public int equal(int bytes, int x, int y, int lanes) {
        return two(EQUAL[Integers.log2(bytes)], x, y, bytes, lanes);
    }

    @Override
    public int greater(int bytes, int x, int y, int lanes) {
        return two(GREATER[Integers.log2(bytes)], x, y, bytes, lanes);
    }

    @Override
    public int and(int x, int y, int bytes, int lanes) {
        return two(PAND, x, y, bytes, lanes);
    }

    @Override
    public int or(int x, int y, int bytes, int lanes) {
        return two(POR, x, y, bytes, lanes);
    }

    @Override
    public int xor(int x, int y, int bytes, int lanes) {
        return two(PXOR, x, y, bytes, lanes);
    }

    @Override
    public int andNot(int x, int y, int bytes, int lanes) {
        return two(PANDN, x, y, bytes, lanes);
    }

    @Override
    public int not(int mask, int bytes, int lanes) {
        return two(PXOR, mask, steps.literal(-1L, 8), bytes, lanes);
    }

    @Override
    public int select(int mask, int yes, int no, int bytes, int lanes) {
        return steps.vector(PBLENDVB, size(bytes, lanes), 0, no, yes, mask);
    }

    @Override
    public int blend(int mask, int yes, int no, ElementType type, int lanes) {
        VectorOp op = switch (type) {
            case FLOAT32 -> BLENDVPS;
            case FLOAT64 -> BLENDVPD;
            default -> PBLENDVB;
        };
        return steps.vector(op, size(type.bytes(), lanes), 0, no, yes, mask);
    }

    @Override
    public int where(int mask, int value, int bytes, int lanes) {
        return two(PAND, mask, value, bytes, lanes);
    }

    @Override
    public int whereNot(int mask, int value, int bytes, int lanes) {
        return two(PANDN, mask, value, bytes, lanes);
    }

    @Override
    public int lanes(int mask, int bytes, int lanes) {
        return mask;
    }
}
