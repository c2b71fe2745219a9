package io.maniple.kernels.x86;

import static io.maniple.kernels.x86.VectorOp.*;

import io.maniple.kernels.ir.ElementType;

/**
 * Masks in AVX-512's mask registers, a bit a lane, whatever the lanes' width. Bits beyond the lanes may be anything.
 */
final class MaskRegisters implements Masks {
    private static final VectorOp[] EQUAL = LaneMasks.EQUAL;
    private static final VectorOp[] GREATER = LaneMasks.GREATER;
    private static final VectorOp[] BLEND = {BLENDMB, BLENDMW, BLENDMD, BLENDMQ};
    private static final VectorOp[] WHERE = {MOVDQU8_LOAD, MOVDQU16_LOAD, MOVDQU32_LOAD, MOVDQU64_LOAD};
    private static final VectorOp[] LANES = {PMOVM2B, PMOVM2W, PMOVM2D, PMOVM2Q};
    /** Of the operations on masks themselves. */
    private static final int REGISTER = 8;

    private final Steps steps;

    MaskRegisters(Steps steps) {
        this.steps = steps;
    }

    @Override
    public int width(int bytes) {
        return 0;
    }

    @Override
    public int literal(boolean value) {
        return steps.maskLiteral(value ? -1L : 0L);
    }

    @Override
    public int resize(int mask, int from, int to, int lanes) {
        return mask;
    }

    @Override
    public int compare(boolean isDouble, int predicate, int x, int y, int lanes) {
        return steps.mask(isDouble ? CMPPD : CMPPS, Conversions.size(isDouble ? 8 : 4, lanes), predicate, x, y);
    }

    @Override
    public int equal(int bytes, int x, int y, int lanes) {
        return steps.mask(EQUAL[Integers.log2(bytes)], Conversions.size(bytes, lanes), 0, x, y);
    }

    @Override
    public int greater(int bytes, int x, int y, int lanes) {
        return steps.mask(GREATER[Integers.log2(bytes)], Conversions.size(bytes, lanes), 0, x, y);
    }

    @Override
    public int and(int x, int y, int bytes, int lanes) {
        return steps.mask(KAND, REGISTER, 0, x, y);
    }

    @Override
    public int or(int x, int y, int bytes, int lanes) {
        return steps.mask(KOR, REGISTER, 0, x, y);
    }

    @Override
    public int xor(int x, int y, int bytes, int lanes) {
        return steps.mask(KXOR, REGISTER, 0, x, y);
    }

    @Override
    public int andNot(int x, int y, int bytes, int lanes) {
        return steps.mask(KANDN, REGISTER, 0, x, y);
    }

    @Override
    public int not(int mask, int bytes, int lanes) {
        return xor(mask, literal(true), bytes, lanes);
    }

    @Override
    public int select(int mask, int yes, int no, int bytes, int lanes) {
        return or(and(mask, yes, bytes, lanes), andNot(mask, no, bytes, lanes), bytes, lanes);
    }

    @Override
    public int blend(int mask, int yes, int no, ElementType type, int lanes) {
        VectorOp op = BLEND[Integers.log2(type.bytes())];
        return steps.vector(op, Conversions.size(type.bytes(), lanes), 0, no, yes, mask);
    }

    @Override
    public int where(int mask, int value, int bytes, int lanes) {
        return steps.vector(WHERE[Integers.log2(bytes)], Conversions.size(bytes, lanes), 0, value, mask);
    }

    @Override
    public int whereNot(int mask, int value, int bytes, int lanes) {
        VectorOp op = BLEND[Integers.log2(bytes)];
        return steps.vector(op, Conversions.size(bytes, lanes), 0, value, steps.literal(0, 8), mask);
    }

    @Override
    public int lanes(int mask, int bytes, int lanes) {
        return steps.vector(LANES[Integers.log2(bytes)], Conversions.size(bytes, lanes), 0, mask);
    }
}
