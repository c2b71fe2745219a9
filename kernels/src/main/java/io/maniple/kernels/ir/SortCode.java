package io.maniple.kernels.ir;

import io.maniple.kernels.ir.KernelCompiler.Executable;
import java.util.List;

/**
 * Code that sorts signed 64-bit keys where they lie, piece by piece.
 *
 * @param partition moves the keys below a pivot to the front and the others into a spare area, both in the order in which they
 *     stood
 * @param networks by the number of vectors, as a power of two from 2 on: sort up to 16, 32, … {@link #MOST} keys
 */
public record SortCode(Executable partition, List<Executable> networks) {
    /** Keys that the largest network sorts. */
    public static final int MOST = 128;

    /** Keys of a vector. */
    public static final int LANES = 8;

    public SortCode {
        networks = List.copyOf(networks);
    }

    /** Places in the block of arguments, in bytes; each holds eight bytes. */
    public static final class Arguments {
        /** The first key. */
        public static final int KEYS = 0;
        /** partition: room for as many keys, and a vector more. */
        public static final int SPARE = 8;
        /** partition: how many keys there are. */
        public static final int COUNT = 16;

        public static final int PIVOT = 24;
        /** partition: the lanes of the last, incomplete vector, a bit each; 0 if there is none. */
        public static final int MASK = 32;
        /** partition, on return: how many keys are below the pivot. */
        public static final int BELOW = 40;
        /** networks: the address of the lanes of each vector that are there, a bit each in eight bytes. */
        public static final int MASKS = 48;

        public static final int BYTES = 64;

        private Arguments() {}
    }
}
