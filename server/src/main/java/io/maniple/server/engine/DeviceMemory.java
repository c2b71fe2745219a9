package io.maniple.server.engine;

import io.maniple.cuda.driver.DeviceException;
import io.maniple.server.plan.Plan;
import java.util.List;

/** The buffers of one batch on a device. */
public interface DeviceMemory {
    /**
     * How a step uses a buffer.
     *
     * @param read whether it is read
     * @param written whether it is changed
     * @param bytes how many of its bytes are certainly written
     */
    record Use(int buffer, boolean read, boolean written, long bytes) {}

    /** Brings buffers to the device, so that {@link #address} may be asked for all of them. */
    void bring(List<Use> uses) throws DeviceException;

    /** The device address of the first byte of a buffer that was brought. */
    long address(int buffer);

    /** The step is queued: what it has written is current on the device only. */
    void written(List<Use> uses);

    /** Memory for the engine's own use. */
    long scratch(long bytes) throws DeviceException;

    /** Gives back all scratch memory; what is queued may still use it. */
    void releaseScratch();

    /** A word that errors of a step are reported to. */
    long report(Plan.Step step) throws DeviceException;
}
