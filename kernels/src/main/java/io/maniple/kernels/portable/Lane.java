package io.maniple.kernels.portable;

import io.maniple.kernels.ir.ElementType;

/** The Java arrays that hold blocks of values. */
enum Lane {
    /** byte[]: 0 or 1. */
    BOOL,
    /** int[]: the value. */
    INT,
    /** long[]: the value, UINT64 by its bits. */
    LONG,
    FLOAT,
    DOUBLE;

    static Lane of(ElementType type) {
        return switch (type) {
            case BOOL -> BOOL;
            case INT8, UINT8, INT16, UINT16, INT32 -> INT;
            case UINT32, INT64, UINT64 -> LONG;
            case FLOAT16, FLOAT32 -> FLOAT;
            case FLOAT64 -> DOUBLE;
        };
    }

    Object allocate(int count) {
        return switch (this) {
            case BOOL -> new byte[count];
            case INT -> new int[count];
            case LONG -> new long[count];
            case FLOAT -> new float[count];
            case DOUBLE -> new double[count];
        };
    }
}
