package io.maniple.server.engine;

import io.maniple.bridge.program.Instruction;
import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Scalar;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.DeviceProperties;
import io.maniple.cuda.driver.Driver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToLongFunction;

/** What routines of a device have in common: how many threads they take, what they tell kernels and of buffers. */
record DeviceGrids(DeviceProperties properties) {
    private static final int BLOCKS_A_PROCESSOR = 16;
    /** Dimensions that arrays of indices may be for. */
    private static final int MOST_INDICES = 8;

    /** A thread an item, or in turns. */
    Driver.Grid grid(long threads) {
        int block = properties.blockThreads();
        return blocks((threads + block - 1) / block);
    }

    /** A block of threads an item, or in turns. */
    Driver.Grid blocks(long blocks) {
        long most = (long) properties.multiprocessors() * BLOCKS_A_PROCESSOR;
        return new Driver.Grid((int) Math.clamp(blocks, 1, most), 1, properties.blockThreads(), 1);
    }

    /** The structure a kernel takes. */
    static byte[] words(long... words) {
        ByteBuffer buffer = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long word : words) {
            buffer.putLong(word);
        }
        return buffer.array();
    }

    static long bytes(Layout layout) {
        return layout.elements() * layout.type().bytes();
    }

    static DeviceMemory.Use reads(Operand.View view) {
        return new DeviceMemory.Use(view.buffer(), true, false, 0);
    }

    /** All of a view is written. */
    static DeviceMemory.Use writes(Operand.View view) {
        return new DeviceMemory.Use(view.buffer(), false, true, bytes(view.layout()));
    }

    /** What is not written of a view stays. */
    static DeviceMemory.Use updates(Operand.View view) {
        return new DeviceMemory.Use(view.buffer(), true, true, 0);
    }

    static long address(Operand.View view, IntToLongFunction addresses) {
        return addresses.applyAsLong(view.buffer()) + view.offset();
    }

    static long scalar(Instruction instruction, int operand, List<Scalar> scalars) {
        return Scalars.integer(
                scalars.get(((Operand.ScalarOperand) instruction.operands().get(operand)).position()));
    }

    /** A word of device memory that is 0. */
    static long clearWord(DeviceStep.Surroundings device) throws DeviceException {
        long word = device.scratch(Long.BYTES);
        device.zero(word, Long.BYTES);
        return word;
    }

    /** What runs a routine. */
    @FunctionalInterface
    interface Body {
        boolean run(DeviceStep.Surroundings device, IntToLongFunction addresses, List<Scalar> scalars, long report)
                throws DeviceException;
    }

    record Made(List<KernelText> texts, List<DeviceMemory.Use> uses, Body body) implements DeviceRoutine {
        @Override
        public boolean run(
                DeviceStep.Surroundings device, IntToLongFunction addresses, List<Scalar> scalars, long report)
                throws DeviceException {
            return body.run(device, addresses, scalars, report);
        }
    }

    /**
     * Where arrays of indices lead in a contiguous array.
     *
     * @param unitBytes 1, 2, 4 or 8
     * @param run units of what an item selects
     * @param sizes of the dimensions that have indices
     * @param steps places from one index to the next
     * @param indices the arrays of indices, one a dimension
     */
    record Indexed(int unitBytes, long run, long[] sizes, long[] steps, List<Operand.View> indices) {
        static boolean suits(Instruction instruction, Layout indexed) {
            int dimensions = instruction.operands().size() - 2;
            return dimensions >= 1 && dimensions <= Math.min(MOST_INDICES, indexed.rank());
        }

        /** Operands: out, in, index…. */
        static Indexed of(Instruction instruction, Operand.View indexed) {
            Layout layout = indexed.layout();
            int dimensions = instruction.operands().size() - 2;
            long run = layout.type().bytes();
            for (int dimension = layout.rank() - 1; dimension >= dimensions; dimension--) {
                run *= layout.size(dimension);
            }
            int unit =
                    unit(run, instruction.view(0).offset(), instruction.view(1).offset());
            long[] sizes = new long[dimensions];
            long[] steps = new long[dimensions];
            long step = 1;
            for (int dimension = dimensions - 1; dimension >= 0; dimension--) {
                sizes[dimension] = layout.size(dimension);
                steps[dimension] = step;
                step *= layout.size(dimension);
            }
            List<Operand.View> indices = new ArrayList<>();
            for (int dimension = 0; dimension < dimensions; dimension++) {
                indices.add(instruction.view(2 + dimension));
            }
            return new Indexed(unit, run / unit, sizes, steps, indices);
        }

        /** All places. */
        long places() {
            return sizes[0] * steps[0];
        }

        int dimensions() {
            return sizes.length;
        }

        List<DeviceMemory.Use> uses() {
            return indices.stream().map(DeviceGrids::reads).toList();
        }

        /**
         * Writes the end of what a kernel takes: addresses of the indices, sizes, steps.
         *
         * @param at the first of its words
         * @param factor of the steps
         */
        void describe(long[] words, int at, long factor, IntToLongFunction addresses) {
            int dimensions = dimensions();
            for (int dimension = 0; dimension < dimensions; dimension++) {
                words[at + dimension] = address(indices.get(dimension), addresses);
                words[at + dimensions + dimension] = sizes[dimension];
                words[at + 2 * dimensions + dimension] = factor * steps[dimension];
            }
        }
    }

    /** The largest number of bytes, up to 8, that divides all of these. */
    static int unit(long... bytes) {
        int unit = 8;
        for (long one : bytes) {
            while (one % unit != 0) {
                unit /= 2;
            }
        }
        return unit;
    }
}
