package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.driver.DeviceException;
import java.util.List;
import java.util.function.IntToLongFunction;

/** An operation with kernels of its own on a device. */
interface DeviceRoutine {
    List<KernelText> texts();

    List<DeviceMemory.Use> uses();

    /**
     * Queues its kernels.
     *
     * @param addresses of the buffers' first bytes
     * @param report address of the word that floating-point errors are reported to; 0 if nobody wants to know
     * @return false if the processor has to do it instead, which has an error to tell
     */
    boolean run(DeviceStep.Surroundings surroundings, IntToLongFunction addresses, List<Scalar> scalars, long report)
            throws DeviceException;
}
