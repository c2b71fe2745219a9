package io.maniple.kernels.x86;

import io.maniple.kernels.ir.ElementType;

/**
 * How an instruction set holds BOOL values while it computes. A mask made of lanes of some bytes may have to be resized
 * before it meets lanes of others; {@code bytes} is the width in which the arguments are.
 */
interface Masks {
    static Masks of(InstructionSet set, Steps steps, LaneWidths widths) {
        return set.hasMaskRegisters() ? new MaskRegisters(steps) : new LaneMasks(steps, widths);
    }

    /** The width of a mask made of lanes of {@code bytes}; 0: it fits lanes of any width. */
    int width(int bytes);

    /** All lanes alike; fits any width. */
    int literal(boolean value);

    int resize(int mask, int from, int to, int lanes);

    // ---- comparisons

    /** With one of CMPPD's predicates. */
    int compare(boolean isDouble, int predicate, int x, int y, int lanes);

    int equal(int bytes, int x, int y, int lanes);

    /** Of signed integers. */
    int greater(int bytes, int x, int y, int lanes);

    // ---- logic

    int and(int x, int y, int bytes, int lanes);

    int or(int x, int y, int bytes, int lanes);

    int xor(int x, int y, int bytes, int lanes);

    /** not {@code x} and {@code y}. */
    int andNot(int x, int y, int bytes, int lanes);

    int not(int mask, int bytes, int lanes);

    int select(int mask, int yes, int no, int bytes, int lanes);

    // ---- with numbers

    int blend(int mask, int yes, int no, ElementType type, int lanes);

    /** The lanes' bits where the mask is true, zeros elsewhere. */
    int where(int mask, int value, int bytes, int lanes);

    int whereNot(int mask, int value, int bytes, int lanes);

    /** The mask as lanes of 0 and -1. */
    int lanes(int mask, int bytes, int lanes);
}
