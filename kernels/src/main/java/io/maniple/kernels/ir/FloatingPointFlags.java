package io.maniple.kernels.ir;

/** What {@link KernelCompiler.Executable#run} tells of floating-point exceptions; the bits are those of MXCSR. */
public final class FloatingPointFlags {
    public static final int INVALID = 1;
    public static final int DIVIDE = 4;
    public static final int OVERFLOW = 8;
    public static final int ALL = INVALID | DIVIDE | OVERFLOW;
    /** The engine cannot tell: anything may have been raised, or nothing. */
    public static final int UNKNOWN = 1 << 8;

    private FloatingPointFlags() {}
}
