package io.maniple.kernels.x86;

/** The kernel holds something this emitter has no form for; the caller falls back to another engine. */
final class UnsupportedKernelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnsupportedKernelException(String message) {
        // no stack trace: this is an answer, not a fault
        super(message, null, false, false);
    }
}
