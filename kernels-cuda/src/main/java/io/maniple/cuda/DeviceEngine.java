package io.maniple.cuda;

import io.maniple.kernels.ir.Kernel;
import java.util.List;

/**
 * What a GPU engine implements: memory of its own, copies, and the same kernels as the CPU's engines over whole loop
 * nests. Calls are queued in order and return at once; {@link #synchronize()} waits for them.
 *
 * <p>Results obey {@link Kernel}'s rules. A fold's partial results are combined in an order given by sizes alone, so
 * that they do not depend on how many blocks run at once.
 */
public interface DeviceEngine extends AutoCloseable {
    /** For people: the device's name and architecture. */
    String name();

    /** Memory this engine may use, in bytes. */
    long memoryBytes();

    /**
     * Takes device memory, its contents unspecified.
     *
     * @param bytes at least 1
     * @throws DeviceException if the device has not as much left; nothing was taken
     */
    DeviceMemory allocate(long bytes) throws DeviceException;

    /** Queues a copy from the host; the host memory must not change before the next {@link #synchronize()}. */
    void upload(long hostAddress, DeviceMemory target, long offset, long bytes) throws DeviceException;

    /** Queues a copy to the host; it is there after the next {@link #synchronize()}. */
    void download(DeviceMemory source, long offset, long hostAddress, long bytes) throws DeviceException;

    /** Whether the engine has a form for every node of the kernel; a kernel it refuses runs on the CPU. */
    boolean supports(Kernel kernel);

    /**
     * Queues a kernel over a loop nest.
     *
     * @param kernel the body
     * @param shape sizes of the loop's dimensions, outermost first
     * @param operands where each operand lies and how it moves
     * @param scalars raw bits of the scalar slots
     */
    void launch(Kernel kernel, long[] shape, List<Operand> operands, long[] scalars) throws DeviceException;

    /** Waits for everything queued; throws what any of it failed with. */
    void synchronize() throws DeviceException;

    @Override
    void close();

    /**
     * An operand of a launch.
     *
     * @param memory device memory
     * @param offset bytes to the first element
     * @param strides bytes along the loop's dimensions
     */
    record Operand(DeviceMemory memory, long offset, long[] strides) {}

    /** Device memory, given back on closing, once what uses it has run. */
    interface DeviceMemory extends AutoCloseable {
        long bytes();

        @Override
        void close();
    }

    /** The device failed or has no memory left; the message names the call, the sizes and the driver's own words. */
    final class DeviceException extends Exception {
        private static final long serialVersionUID = 1L;

        public DeviceException(String message) {
            super(message);
        }
    }
}
