package io.maniple.cluster.spark;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The room for workers in the executors that Spark has given us. */
final class Slots {
    private final Map<String, Integer> ofExecutors = new HashMap<>();

    synchronized void add(String executor, int slots) {
        ofExecutors.put(executor, slots);
        notifyAll();
    }

    /** Whether it was there. */
    synchronized boolean remove(String executor) {
        return ofExecutors.remove(executor) != null;
    }

    synchronized int available() {
        return ofExecutors.values().stream().mapToInt(Integer::intValue).sum();
    }

    /** Waits until there are so many; how many there are then, or when the time is over. */
    synchronized int await(int wanted, long milliseconds) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(milliseconds);
        while (available() < wanted) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                break;
            }
            wait(left);
        }
        return available();
    }
}
