package io.maniple.daemon.flight;

import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Contents of buffers as record batches: one column of bytes. */
final class Bytes {
    static final Field FIELD = new Field("data", FieldType.notNullable(new ArrowType.Int(8, false)), null);

    /** Most bytes of one record batch. */
    static final long CHUNK = 8L << 20;

    private Bytes() {}
}
