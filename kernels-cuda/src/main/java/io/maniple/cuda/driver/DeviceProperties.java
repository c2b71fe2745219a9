package io.maniple.cuda.driver;

/**
 * A device.
 *
 * @param name for people
 * @param architecture what kernels are compiled for: "sm_90", or "emulated"
 * @param driverVersion for people
 * @param multiprocessors that run blocks side by side
 * @param blockThreads threads a block that suit it, a power of two
 * @param memoryBytes of all sessions and programs together
 * @param bytesPerSecond of its memory, read and written, roughly
 * @param hostBytesPerSecond between it and the host, roughly
 * @param products whether it has a library for products of matrices
 * @param transforms whether it has a library for Fourier transforms
 */
public record DeviceProperties(
        String name,
        String architecture,
        String driverVersion,
        int multiprocessors,
        int blockThreads,
        long memoryBytes,
        double bytesPerSecond,
        double hostBytesPerSecond,
        boolean products,
        boolean transforms) {}
