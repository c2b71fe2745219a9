package io.maniple.bridge.memory;

/** No shared memory to be had: the limit is reached, or the machine has none left. */
public final class SharedMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    SharedMemoryException(String message) {
        super(message);
    }
}
