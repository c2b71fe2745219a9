package io.maniple.server.engine;

import io.maniple.bridge.program.Layout;
import io.maniple.bridge.program.Operand;
import io.maniple.bridge.proto.Status;
import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.KernelBuilder;
import io.maniple.kernels.ir.KernelCompiler.Executable;
import io.maniple.kernels.ir.Reduction;
import io.maniple.kernels.ops.Casts;
import io.maniple.kernels.ops.Operation;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.plan.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Cumulative operations, in place. A long line is cut into blocks of fixed size whose totals are taken first, so that
 * blocks run side by side and the result does not depend on the number of threads.
 */
final class Scans {
    /** Elements of a block of a long line. */
    static final long BLOCK = 65_536;

    private static final MemorySegment MEMORY = Scalars.MEMORY;

    private final Workers workers;
    private final Compilers compilers;

    Scans(Workers workers, Compilers compilers) {
        this.workers = workers;
        this.compilers = compilers;
    }

    /**
     * @param view C-contiguous
     * @param errors gets those of sums and products; null if nobody wants to know
     */
    void run(Reduction reduction, Operand.View view, long axis, Memory memory, @Nullable ErrorFlags errors) {
        Layout layout = view.layout();
        if (axis < 0 || axis >= layout.rank()) {
            throw new ManipleException(
                    Status.INVALID_PROGRAM, "axis " + axis + " of an array of " + layout.rank() + " dimensions", "");
        }
        if (layout.elements() == 0) {
            return;
        }
        ElementType storage = Casts.storage(layout.type());
        int parts = layout.type().isComplex() ? 2 : 1;
        long length = layout.size((int) axis);
        long inner = parts;
        for (int dimension = (int) axis + 1; dimension < layout.rank(); dimension++) {
            inner *= layout.size(dimension);
        }
        long outer = layout.elements() * parts / length / inner;
        long address = Routines.address(view, memory);
        if (inner <= 2) {
            lines(new Scan(reduction, storage, errors), address, outer, length, inner);
        } else {
            rows(new Scan(reduction, storage, errors), address, outer, length, inner);
        }
    }

    /** The axis is the innermost one (or holds pairs of a complex number's parts). */
    private void lines(Scan scan, long address, long outer, long length, long inner) {
        Reduction reduction = scan.reduction();
        ElementType type = scan.type();
        long step = inner * type.bytes();
        long blocks = (length + BLOCK - 1) / BLOCK;
        long lines = outer * inner;
        if (blocks == 1) {
            long grain = Math.max(1, BLOCK / length);
            workers.run(lines, grain, (worker, begin, end) -> {
                for (long line = begin; line < end; line++) {
                    long first = address + line / inner * length * step + line % inner * type.bytes();
                    scan.run(first, step, length, reduction.neutralBits(type));
                }
            });
            return;
        }
        for (long line = 0; line < lines; line++) {
            long first = address + line / inner * length * step + line % inner * type.bytes();
            try (Arena arena = Arena.ofShared()) {
                long totals = arena.allocate(8 * blocks, 8).address();
                Line blocked = new Line(scan, first, step, length);
                blocked.totals(totals, 0, blocks);
                blocked.finish(totals, 0, blocks);
            }
        }
    }

    /** A vector that is cut into blocks. */
    Line line(Plan.RoutineStep step, Memory memory, @Nullable ErrorFlags errors) {
        Operand.View view = step.instruction().view(0);
        if (!(step.operation().kind() instanceof Operation.Kind.Scan operation)) {
            throw new IllegalStateException(step.operation().name() + " is no scan");
        }
        ElementType type = Casts.storage(view.layout().type());
        return new Line(
                new Scan(operation.reduction(), type, errors),
                Routines.address(view, memory),
                type.bytes(),
                view.layout().elements());
    }

    /** A line that is cut into blocks. */
    final class Line {
        private final Scan scan;
        private final long first;
        private final long step;
        private final long length;

        private Line(Scan scan, long first, long step, long length) {
            this.scan = scan;
            this.first = first;
            this.step = step;
            this.length = length;
        }

        private long count(long block) {
            return Math.min(BLOCK, length - block * BLOCK);
        }

        /** Writes the total of each of some blocks, a word each; nobody asks for the line's last one. */
        void totals(long totals, long from, long to) {
            workers.run(to - from, 1, (worker, begin, end) -> {
                for (long block = from + begin; block < from + end; block++) {
                    boolean last = (block + 1) * BLOCK >= length;
                    long total = last
                            ? scan.reduction().neutralBits(scan.type())
                            : total(scan.reduction(), scan.type(), first + block * BLOCK * step, step, BLOCK);
                    MEMORY.set(ValueLayout.JAVA_LONG, totals + 8 * block, total);
                }
            });
        }

        /** Does some blocks, given everybody's totals. */
        void finish(long totals, long from, long to) {
            long[] before = new long[(int) (to - from)];
            long folded = scan.reduction().neutralBits(scan.type());
            for (long block = 0; block < to; block++) {
                if (block >= from) {
                    before[(int) (block - from)] = folded;
                }
                folded = Scalars.combine(
                        scan.reduction(), scan.type(), folded, MEMORY.get(ValueLayout.JAVA_LONG, totals + 8 * block));
            }
            workers.run(to - from, 1, (worker, begin, end) -> {
                for (long item = begin; item < end; item++) {
                    long block = from + item;
                    scan.run(first + block * BLOCK * step, step, count(block), before[(int) item]);
                }
            });
        }
    }

    /**
     * One line, or a block of one.
     *
     * @param errors gets those of the elements that are not finite; null if nobody wants to know
     */
    private record Scan(
            Reduction reduction, ElementType type, @Nullable ErrorFlags errors) {
        void run(long first, long step, long count, long before) {
            long end = first + count * step;
            if (reduction == Reduction.SUM && type == ElementType.FLOAT64) {
                double sum = Double.longBitsToDouble(before);
                for (long at = first; at < end; at += step) {
                    double term = MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
                    double last = sum;
                    sum += term;
                    if (!Double.isFinite(sum) && errors != null) {
                        errors.note(last, term, sum);
                    }
                    MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at, sum);
                }
            } else if (reduction == Reduction.SUM && type == ElementType.INT64) {
                long sum = before;
                for (long at = first; at < end; at += step) {
                    sum += MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
                    MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, at, sum);
                }
            } else if (reduction == Reduction.SUM && type == ElementType.FLOAT32) {
                float sum = Float.intBitsToFloat((int) before);
                for (long at = first; at < end; at += step) {
                    float term = MEMORY.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
                    float last = sum;
                    sum += term;
                    if (!Float.isFinite(sum) && errors != null) {
                        errors.note(last, term, sum);
                    }
                    MEMORY.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, sum);
                }
            } else {
                general(first, step, end, before);
            }
        }

        private void general(long first, long step, long end, long before) {
            boolean watched = errors != null && (reduction == Reduction.SUM || reduction == Reduction.PRODUCT);
            long folded = before;
            for (long at = first; at < end; at += step) {
                long term = Scalars.read(type, at);
                long last = folded;
                folded = Scalars.combine(reduction, type, folded, term);
                Scalars.write(type, at, folded);
                // What is kept is what was stored, rounded to float16 where that is the type.
                folded = type == ElementType.FLOAT16 ? Scalars.read(type, at) : folded;
                if (watched && errors != null) {
                    errors.note(type, last, term, folded);
                }
            }
        }
    }

    private static long total(Reduction reduction, ElementType type, long first, long step, long count) {
        long end = first + count * step;
        if (reduction == Reduction.SUM && type == ElementType.FLOAT64) {
            double sum = -0.0;
            for (long at = first; at < end; at += step) {
                sum += MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
            }
            return Double.doubleToRawLongBits(sum);
        }
        if (reduction == Reduction.SUM && type == ElementType.INT64) {
            long sum = 0;
            for (long at = first; at < end; at += step) {
                sum += MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            }
            return sum;
        }
        long folded = reduction.neutralBits(type);
        for (long at = first; at < end; at += step) {
            folded = Scalars.combine(reduction, type, folded, Scalars.read(type, at));
        }
        return folded;
    }

    /** Whole rows are added to the row behind them, many columns at a time. */
    private void rows(Scan scan, long address, long outer, long length, long inner) {
        ElementType type = scan.type();
        ErrorFlags errors = scan.errors();
        Executable executable = accumulate(scan.reduction(), type);
        long chunk = Math.min(inner, 4_096);
        long chunks = (inner + chunk - 1) / chunk;
        long rowBytes = inner * type.bytes();
        workers.run(outer * chunks, Math.max(1, BLOCK / (length * chunk)), (worker, begin, end) -> {
            try (Arena arena = Arena.ofConfined()) {
                long block =
                        arena.allocate(8L * Kernel.Arguments.scalars(2), 64).address();
                for (long item = begin; item < end; item++) {
                    long column = item % chunks * chunk;
                    long first = address + item / chunks * length * rowBytes + column * type.bytes();
                    for (long row = 1; row < length; row++) {
                        long current = first + row * rowBytes;
                        arguments(block, Math.min(chunk, inner - column), current, current - rowBytes, type.bytes());
                        int flags = executable.run(block);
                        if (flags != 0 && errors != null) {
                            errors.addFlags(flags);
                        }
                    }
                }
            }
        });
    }

    private static void arguments(long block, long count, long current, long before, long step) {
        long[] words = {count, 1, 0, 0, 0, current, step, 0, before, step, 0};
        for (int word = 0; word < words.length; word++) {
            MEMORY.set(ValueLayout.JAVA_LONG, block + 8L * word, words[word]);
        }
    }

    private Executable accumulate(Reduction reduction, ElementType type) {
        KernelBuilder builder = new KernelBuilder();
        int current = builder.newOperand();
        int before = builder.newOperand();
        int sum = builder.apply(reduction.primitive(), builder.load(before, type), builder.load(current, type));
        builder.store(current, type, sum, -1);
        List<Kernel.Access> accesses = new ArrayList<>();
        accesses.add(Kernel.Access.CONTIGUOUS);
        accesses.add(Kernel.Access.CONTIGUOUS);
        return compilers.compile(builder.build(), accesses, false);
    }
}
