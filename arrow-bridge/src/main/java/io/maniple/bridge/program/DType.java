package io.maniple.bridge.program;

import io.maniple.bridge.proto.DataType;
import java.util.Optional;

/** The element types of the program format, with NumPy's type characters. */
public enum DType {
    BOOL('?', 1, DataType.BOOL),
    INT8('b', 1, DataType.INT8),
    UINT8('B', 1, DataType.UINT8),
    INT16('h', 2, DataType.INT16),
    UINT16('H', 2, DataType.UINT16),
    INT32('i', 4, DataType.INT32),
    UINT32('I', 4, DataType.UINT32),
    INT64('l', 8, DataType.INT64),
    UINT64('L', 8, DataType.UINT64),
    FLOAT16('e', 2, DataType.FLOAT16),
    FLOAT32('f', 4, DataType.FLOAT32),
    FLOAT64('d', 8, DataType.FLOAT64),
    COMPLEX64('F', 8, DataType.COMPLEX64),
    COMPLEX128('D', 16, DataType.COMPLEX128);

    private static final DType[] BY_WIRE_NUMBER = new DType[DataType.values().length];

    static {
        for (DType type : values()) {
            BY_WIRE_NUMBER[type.wire.getNumber()] = type;
        }
    }

    private final char character;
    private final int bytes;
    private final DataType wire;

    DType(char character, int bytes, DataType wire) {
        this.character = character;
        this.bytes = bytes;
        this.wire = wire;
    }

    /** NumPy's type character on Linux x86-64, where int64 is 'l'. */
    public char character() {
        return character;
    }

    public int bytes() {
        return bytes;
    }

    public DataType wire() {
        return wire;
    }

    public boolean isComplex() {
        return this == COMPLEX64 || this == COMPLEX128;
    }

    public static Optional<DType> ofWire(DataType wire) {
        return wire == DataType.UNRECOGNIZED || wire == DataType.DATA_TYPE_UNSPECIFIED
                ? Optional.empty()
                : Optional.of(BY_WIRE_NUMBER[wire.getNumber()]);
    }

    public static DType ofCharacter(char character) {
        for (DType type : values()) {
            if (type.character == character) {
                return type;
            }
        }
        throw new IllegalArgumentException("no type has the character '" + character + "'");
    }
}
