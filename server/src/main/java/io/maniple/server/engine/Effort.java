package io.maniple.server.engine;

import io.maniple.kernels.ir.Kernel;
import io.maniple.kernels.ir.Node;
import io.maniple.server.plan.Plan;

/**
 * How long one thread takes for a kernel, roughly: enough to tell what is over before another thread wakes up, which takes
 * 50 to 100 microseconds on a virtual machine. Picoseconds an element as measured on current x86-64 servers.
 */
final class Effort {
    private static final long BYTE = 20;
    private static final long OPERATION = 50;
    private static final long FUNCTION = 1_000;
    private static final long WORTH_A_THREAD = 100_000_000;

    private Effort() {}

    static boolean deservesThreads(Plan.KernelStep step, Kernel kernel) {
        return step.elements() > WORTH_A_THREAD / anElement(kernel);
    }

    private static long anElement(Kernel kernel) {
        long sum = OPERATION;
        for (Node node : kernel.nodes()) {
            sum += switch (node) {
                case Node.Load load -> BYTE * load.storage().bytes();
                case Node.Store store -> BYTE * store.storage().bytes();
                case Node.Apply apply -> apply.primitive().isFunction() ? FUNCTION : OPERATION;
                case Node.Cast cast -> OPERATION;
                case Node.Reduce reduce -> OPERATION;
                case Node.Index index -> OPERATION;
                case Node.Scalar scalar -> 0;
                case Node.Literal literal -> 0;
                case Node.Reinterpret reinterpret -> 0;
            };
        }
        return sum;
    }
}
