package io.maniple.cuda.driver;

/** The device, its driver or the compiler for it cannot do what was asked; the message says what and which sizes. */
public final class DeviceException extends Exception {
    private static final long serialVersionUID = 1L;

    /** What became of the device. */
    public enum Kind {
        /** There is no driver, no device, or it is too old. */
        UNAVAILABLE,
        /** Nothing can be compiled for the device: no NVRTC, or none that knows it. */
        NO_COMPILER,
        /** A source was refused. */
        COMPILATION,
        /** Not as much memory is left; nothing was taken. */
        OUT_OF_MEMORY,
        /** A kernel failed, or the device has gone: what was in its memory is lost, and it takes no more calls. */
        LOST,
        /** A call was refused; device and memory are as they were. */
        REFUSED
    }

    private final Kind kind;

    public DeviceException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    public DeviceException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /** The message, which this class always has. */
    public String text() {
        return String.valueOf(getMessage());
    }
}
