package io.maniple.daemon.watch;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.DoubleSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the machine's memory gives. Measured when somebody asks, again after some minutes, since others may use the memory
 * at the same time: the best counts. Any thread.
 */
public final class MachineBandwidth {
    private static final Logger LOGGER = LoggerFactory.getLogger(MachineBandwidth.class);
    private static final long PAUSE = Duration.ofMinutes(10).toNanos();

    private final DoubleSupplier measurement;
    private final AtomicBoolean measuring = new AtomicBoolean();
    private volatile long next = System.nanoTime();
    private volatile double best = Double.NaN;

    /** @param measurement takes a moment; bytes a second */
    public MachineBandwidth(DoubleSupplier measurement) {
        this.measurement = measurement;
    }

    /** Bytes read and written a second; NaN until it is known. */
    public double bytesPerSecond() {
        if (System.nanoTime() - next >= 0 && !measuring.getAndSet(true)) {
            Thread.ofPlatform().daemon().name("maniple-bandwidth").start(this::measure);
        }
        return best;
    }

    private void measure() {
        try {
            double measured = measurement.getAsDouble();
            if (!(measured <= best)) {
                best = measured;
            }
            LOGGER.debug("The memory's bandwidth is {} GB/s", Math.round(measured / 1e8) / 10.0);
        } catch (RuntimeException | OutOfMemoryError e) {
            LOGGER.warn("The memory's bandwidth could not be measured: {}", e.toString());
        } finally {
            next = System.nanoTime() + PAUSE;
            measuring.set(false);
        }
    }
}
