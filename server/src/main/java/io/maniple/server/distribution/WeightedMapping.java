package io.maniple.server.distribution;

import java.util.Arrays;

/** To each what it is worth: machines of different speed, {@code weighted:2,1} for one twice as fast as the other. */
final class WeightedMapping implements MappingPolicy {
    private static final int MOST = 1_000_000;

    private final long[] weights;

    WeightedMapping() {
        this(new long[0]);
    }

    private WeightedMapping(long[] weights) {
        this.weights = weights;
    }

    @Override
    public String name() {
        return "weighted";
    }

    @Override
    public MappingPolicy with(String arguments) {
        long[] given;
        try {
            given = Arrays.stream(arguments.split(",", -1))
                    .map(String::strip)
                    .mapToLong(Long::parseLong)
                    .toArray();
        } catch (NumberFormatException e) {
            given = new long[0];
        }
        if (Arrays.stream(given).anyMatch(weight -> weight < 0 || weight > MOST)
                || Arrays.stream(given).sum() == 0) {
            throw new IllegalArgumentException("the weights of workers are whole numbers from 0 to " + MOST
                    + " that are not all 0, such as weighted:2,1, not '" + arguments + "'");
        }
        return new WeightedMapping(given);
    }

    /** Weights are repeated where there are more workers. */
    @Override
    public long begin(long count, int worker, int workers) {
        long before = 0;
        long all = 0;
        for (int one = 0; one < workers; one++) {
            long weight = weights.length == 0 ? 1 : weights[one % weights.length];
            before += one < worker ? weight : 0;
            all += weight;
        }
        if (all == 0) {
            // Of more weights than workers the first ones may be nothing.
            return 0;
        }
        return count / all * before + count % all * before / all;
    }
}
