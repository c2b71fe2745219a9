package io.maniple.server.engine;

import io.maniple.server.distribution.Spans;
import io.maniple.server.distribution.Touch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How a step is shared out among workers. It follows from the plan and their number alone, so all of them come to the
 * same, and a step's results do not depend on it: folds are made of the same pieces as on one machine.
 */
public sealed interface Division {
    /** What a worker must have before its part. */
    List<Touch> reads(int worker);

    /** What a worker's part writes, of which nobody else has the current content behind it. */
    List<Touch> writes(int worker);

    /** What all workers have written alike when the step is done. */
    default List<Touch> results() {
        return List.of();
    }

    /** What all show each other before they go on: the bytes of each worker among these; empty for none. */
    default List<Spans> shown() {
        return List.of();
    }

    /** The output whose parts are whose only when all have shown something; null where that is known before. */
    default @Nullable Touch target() {
        return null;
    }

    /** How it is shared out, for people. */
    String place();

    private static String at(long[] cuts) {
        StringJoiner places = new StringJoiner(", ");
        for (int worker = 1; worker + 1 < cuts.length; worker++) {
            places.add(Long.toString(cuts[worker]));
        }
        return cuts.length == 2 ? "whole" : "cut at " + places;
    }

    /** Cuts as above of parts that may be empty. */
    private static long[] cuts(long[] low, long[] high) {
        long[] cuts = Arrays.copyOf(low, low.length + 1);
        cuts[low.length] = high[low.length - 1];
        return cuts;
    }

    /** Each worker has a part of its own. */
    sealed interface Shares extends Division {
        /** What each worker must have. */
        List<List<Touch>> touched();

        /** What each worker writes. */
        List<List<Touch>> written();

        @Override
        default List<Touch> reads(int worker) {
            return touched().get(worker);
        }

        @Override
        default List<Touch> writes(int worker) {
            return written().get(worker);
        }
    }

    /** All of the step, by everybody. */
    record Everywhere(List<Touch> touched, List<Touch> results) implements Division {
        @Override
        public String place() {
            return "by every worker";
        }

        @Override
        public List<Touch> reads(int worker) {
            return touched;
        }

        @Override
        public List<Touch> writes(int worker) {
            return List.of();
        }
    }

    /** All of the step, by the one worker for whom the least has to travel. */
    record Alone(List<Touch> touched, List<Touch> written) implements Division {
        @Override
        public String place() {
            return "by one worker";
        }

        @Override
        public List<Touch> reads(int worker) {
            return touched;
        }

        @Override
        public List<Touch> writes(int worker) {
            return written;
        }
    }

    /** A kernel's loop cut along a dimension that is not folded. */
    record Slices(int dimension, long[] low, long[] high, List<List<Touch>> touched, List<List<Touch>> written)
            implements Shares {
        @Override
        public String place() {
            return "dimension " + dimension + " " + at(cuts(low, high));
        }
    }

    /** A routine whose operands are cut along their first dimension, those that can be. */
    record Rows(boolean[] cut, long[] low, long[] high, List<List<Touch>> touched, List<List<Touch>> written)
            implements Shares {
        @Override
        public String place() {
            return "rows " + at(cuts(low, high));
        }
    }

    /**
     * A routine that makes elements out of nothing.
     *
     * @param cuts where each worker's elements begin, and their number last
     */
    record Items(long[] cuts, List<List<Touch>> written, List<Touch> results) implements Division {
        @Override
        public String place() {
            return "elements " + at(cuts);
        }

        @Override
        public List<Touch> reads(int worker) {
            return List.of();
        }

        @Override
        public List<Touch> writes(int worker) {
            return written.get(worker);
        }
    }

    /**
     * A cumulative operation on one line, cut between the blocks whose totals are taken first.
     *
     * @param cuts where each worker's blocks begin, and their number last
     * @param totals the bytes of the totals that each worker makes
     */
    record Line(long[] cuts, List<Spans> totals, List<List<Touch>> touched) implements Division {
        @Override
        public List<Spans> shown() {
            return totals;
        }

        @Override
        public String place() {
            return "blocks of " + Scans.BLOCK + " elements " + at(cuts) + ", totals to everybody";
        }

        @Override
        public List<Touch> reads(int worker) {
            return touched.get(worker);
        }

        @Override
        public List<Touch> writes(int worker) {
            return touched.get(worker);
        }
    }

    /**
     * A vector that all sort: which part of the result is whose is known only when they have seen each other's keys.
     *
     * @param cuts where each worker's elements of the input begin, and their number last
     * @param samples the bytes of the keys that each worker shows the others first
     * @param target the output's first byte
     * @param written as much of the output as each gets if nothing comes of it
     */
    record Sorted(long[] cuts, List<Spans> samples, List<List<Touch>> touched, Touch target, List<List<Touch>> written)
            implements Shares {
        @Override
        public String place() {
            return "input " + at(cuts) + ", sorted by a sample of it";
        }

        @Override
        public List<Spans> shown() {
            return samples;
        }
    }

    /**
     * What a mask chooses: as much of the output as their rows give is everybody's.
     *
     * @param rows of input and mask; nothing is written
     * @param target the output's first byte
     * @param written as much of the output as each gets if nothing comes of it
     * @param results the count
     */
    record Selected(Rows rows, Touch target, List<List<Touch>> written, List<Touch> results) implements Shares {
        @Override
        public String place() {
            return rows.place() + ", counts to everybody";
        }

        @Override
        public List<List<Touch>> touched() {
            return rows.touched();
        }

        @Override
        public List<Spans> shown() {
            return Spans.equalParts(Long.BYTES, rows.low().length);
        }
    }

    /**
     * Whole numbers that are counted.
     *
     * @param rows of the values; nothing is written
     */
    record Tally(Rows rows, long bins, List<Touch> results) implements Shares {
        @Override
        public String place() {
            return rows.place() + ", counts to everybody";
        }

        @Override
        public List<List<Touch>> touched() {
            return rows.touched();
        }

        @Override
        public List<List<Touch>> written() {
            return rows.written();
        }

        @Override
        public List<Spans> shown() {
            return Spans.equalParts(Long.BYTES * bins, rows.low().length);
        }
    }

    /**
     * A kernel that folds, cut into calls as on one machine; everybody combines everybody's partial results.
     *
     * @param cuts for each region where each worker's calls begin, and their number last
     * @param partials for each fold the bytes of its partial results that each worker makes; none of a direct one
     */
    record Boxes(
            long[][] cuts,
            List<List<Spans>> partials,
            List<List<Touch>> touched,
            List<List<Touch>> written,
            List<Touch> results)
            implements Shares {
        @Override
        public String place() {
            return "pieces " + Arrays.stream(cuts).map(Division::at).collect(Collectors.joining("; "))
                    + ", partial results to everybody";
        }
    }

    /**
     * A cascade cut between blocks.
     *
     * @param cuts where each worker's blocks begin, and their number last
     */
    record Blocks(long[] cuts, List<List<Touch>> touched, List<List<Touch>> written, List<Touch> results)
            implements Shares {
        @Override
        public String place() {
            return "blocks " + at(cuts);
        }

        /** A byte for each worker that has partial results: who sends, where only that is known. */
        public List<Spans> someBytes() {
            List<Spans> bytes = new ArrayList<>();
            for (int worker = 0; worker + 1 < cuts.length; worker++) {
                bytes.add(cuts[worker] < cuts[worker + 1] ? Spans.range(0, 1) : Spans.NONE);
            }
            return bytes;
        }
    }
}
