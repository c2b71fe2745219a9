package io.maniple.kernels.ir;

/** The type of one value inside a kernel. Storage types that are not computed with (float16, complex) never appear here. */
public enum ElementType {
    BOOL(1, Kind.BOOL),
    INT8(1, Kind.SIGNED),
    UINT8(1, Kind.UNSIGNED),
    INT16(2, Kind.SIGNED),
    UINT16(2, Kind.UNSIGNED),
    INT32(4, Kind.SIGNED),
    UINT32(4, Kind.UNSIGNED),
    INT64(8, Kind.SIGNED),
    UINT64(8, Kind.UNSIGNED),
    /** Only in memory: a {@link Node.Load} widens it to FLOAT32, a {@link Node.Store} rounds to it. */
    FLOAT16(2, Kind.FLOATING),
    FLOAT32(4, Kind.FLOATING),
    FLOAT64(8, Kind.FLOATING);

    /** What arithmetic applies. */
    public enum Kind {
        BOOL,
        SIGNED,
        UNSIGNED,
        FLOATING
    }

    private final int bytes;
    private final Kind kind;

    ElementType(int bytes, Kind kind) {
        this.bytes = bytes;
        this.kind = kind;
    }

    /** Size in memory; a BOOL is one byte, 0 or 1 (any other non-zero byte reads as true). */
    public int bytes() {
        return bytes;
    }

    public Kind kind() {
        return kind;
    }

    public boolean isFloating() {
        return kind == Kind.FLOATING;
    }

    public boolean isInteger() {
        return kind == Kind.SIGNED || kind == Kind.UNSIGNED;
    }

    public boolean isSigned() {
        return kind == Kind.SIGNED;
    }

    /** The type a value of this storage type has in registers. */
    public ElementType computed() {
        return this == FLOAT16 ? FLOAT32 : this;
    }
}
