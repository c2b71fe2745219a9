package io.maniple.kernels.x86;

/** A memory operand: base + index * 2^scale + displacement, or an entry of the literal pool. */
sealed interface Memory {
    /** {@code index} is -1 where there is none. */
    record Based(int base, int index, int scale, int displacement) implements Memory {
        public Based {
            if (index == Gpr.RSP) {
                throw new IllegalArgumentException("rsp cannot be an index");
            }
        }
    }

    /** Bytes from the start of the literal pool, which lies behind the code. */
    record Pool(int offset) implements Memory {}

    static Memory at(int base, int displacement) {
        return new Based(base, -1, 0, displacement);
    }

    static Memory indexed(int base, int index, int scale, int displacement) {
        return new Based(base, index, scale, displacement);
    }

    /** The same operand some bytes further on. */
    default Memory plus(int bytes) {
        return switch (this) {
            case Based(int base, int index, int scale, int displacement) ->
                new Based(base, index, scale, displacement + bytes);
            case Pool(int offset) -> new Pool(offset + bytes);
        };
    }
}
