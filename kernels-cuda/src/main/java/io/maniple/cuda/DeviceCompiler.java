package io.maniple.cuda;

import io.maniple.cuda.driver.DeviceException;

/** Makes code for a device from CUDA C++. May be called by several threads. */
public interface DeviceCompiler {
    /** What code of the same source would have to be made anew for: the compiler and its version. */
    String version() throws DeviceException;

    /**
     * @param source kernels, each {@code extern "C" __global__ void NAME(const NAME_box box)}, with what they need
     * @param architecture as {@link io.maniple.cuda.driver.DeviceProperties} has it
     * @return what {@link io.maniple.cuda.driver.Driver#load} takes
     * @throws DeviceException COMPILATION with what the compiler said, or NO_COMPILER
     */
    byte[] compile(String source, String architecture) throws DeviceException;
}
