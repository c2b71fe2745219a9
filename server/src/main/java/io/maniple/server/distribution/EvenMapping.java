package io.maniple.server.distribution;

/** The same for each: what is chosen unless something else is. */
final class EvenMapping implements MappingPolicy {
    @Override
    public String name() {
        return "even";
    }

    @Override
    public long begin(long count, int worker, int workers) {
        return count / workers * worker + count % workers * worker / workers;
    }
}
