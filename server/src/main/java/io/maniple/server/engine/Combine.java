package io.maniple.server.engine;

import io.maniple.kernels.ir.ElementType;
import io.maniple.kernels.ir.Reduction;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Combines the partial results of folds pairwise, in an order given by their number alone, and writes the results:
 * of p partials the last p/2 are added to the first ones until one is left, so errors grow with log p.
 */
final class Combine {
    private final Launch.Partials partials;
    private final @Nullable ErrorFlags errors;

    private Combine(Launch.Partials partials, @Nullable ErrorFlags errors) {
        this.partials = partials;
        this.errors = errors;
    }

    /** @param inspector is told of the errors of sums and products; null if nobody wants to know */
    static void run(Launch.Partials partials, long address, long destination, @Nullable Inspector inspector) {
        ErrorFlags errors = inspector == null ? null : new ErrorFlags();
        Combine combine = new Combine(partials, errors);
        if (partials.resultStep() < partials.partialStep()) {
            combine.byRows(address);
        } else {
            combine.byResult(address);
        }
        combine.write(address, destination);
        if (inspector != null && errors != null && errors.kinds() != 0) {
            inspector.combined(partials.fold(), errors.kinds());
        }
    }

    private void byRows(long address) {
        long count = partials.perResult();
        while (count > 1) {
            long half = (count + 1) / 2;
            for (long row = half; row < count; row++) {
                long right = address + row * partials.partialStep();
                addRow(address + (row - half) * partials.partialStep(), right);
            }
            count = half;
        }
    }

    private void addRow(long left, long right) {
        ElementType type = partials.accumulator();
        Reduction reduction = partials.fold().reduction();
        if (type == ElementType.FLOAT64 && reduction == Reduction.SUM && errors == null) {
            for (long offset = 0; offset < 8 * partials.results(); offset += 8) {
                double sum = Scalars.MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, left + offset)
                        + Scalars.MEMORY.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, right + offset);
                Scalars.MEMORY.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, left + offset, sum);
            }
            return;
        }
        for (long result = 0; result < partials.results(); result++) {
            long offset = result * partials.resultStep();
            combine(left + offset, right + offset);
        }
    }

    private void byResult(long address) {
        for (long result = 0; result < partials.results(); result++) {
            long base = address + result * partials.resultStep();
            long count = partials.perResult();
            while (count > 1) {
                long half = (count + 1) / 2;
                for (long part = half; part < count; part++) {
                    combine(base + (part - half) * partials.partialStep(), base + part * partials.partialStep());
                }
                count = half;
            }
        }
    }

    private void combine(long left, long right) {
        ElementType type = partials.accumulator();
        Reduction reduction = partials.fold().reduction();
        long first = Scalars.read(type, left);
        long second = Scalars.read(type, right);
        long combined = Scalars.combine(reduction, type, first, second);
        if (errors != null && (reduction == Reduction.SUM || reduction == Reduction.PRODUCT)) {
            errors.note(type, first, second, combined);
        }
        Scalars.write(type, left, combined);
    }

    private void write(long address, long destination) {
        ElementType from = partials.accumulator();
        ElementType to = partials.fold().type();
        eachDestination(partials, destination, (result, target) -> {
            long bits = Scalars.read(from, address + result * partials.resultStep());
            Scalars.write(to, target, Scalars.convert(from, to, bits));
            if (errors != null && to.isFloating() && to != from) {
                double before = ErrorFlags.real(from, bits);
                errors.note(before, before, ErrorFlags.real(to, Scalars.read(to, target)));
            }
        });
    }

    /** Writes the identity to every place the kernel will accumulate in. */
    static void prefill(Launch.Partials partials, long address, long destination) {
        ElementType type = partials.accumulator();
        long identity = partials.fold().reduction().identityBits(type);
        if (!partials.direct()) {
            long bytes = partials.bytes();
            if (type.bytes() == 8) {
                for (long offset = 0; offset < bytes; offset += 8) {
                    Scalars.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address + offset, identity);
                }
            } else {
                for (long offset = 0; offset < bytes; offset += type.bytes()) {
                    Scalars.write(type, address + offset, identity);
                }
            }
            return;
        }
        eachDestination(partials, destination, (result, target) -> Scalars.write(type, target, identity));
    }

    /** What is done with one result's place. */
    @FunctionalInterface
    private interface Place {
        void visit(long result, long target);
    }

    private static void eachDestination(Launch.Partials partials, long destination, Place place) {
        long[] shape = partials.keptShape();
        long[] counter = new long[shape.length];
        long target = destination;
        for (long result = 0; result < partials.results(); result++) {
            place.visit(result, target);
            for (int dimension = shape.length - 1; dimension >= 0; dimension--) {
                target += partials.destinationSteps()[dimension];
                if (++counter[dimension] < shape[dimension]) {
                    break;
                }
                target -= shape[dimension] * partials.destinationSteps()[dimension];
                counter[dimension] = 0;
            }
        }
    }
}
