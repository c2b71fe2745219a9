package io.maniple.daemon.flight;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/** Protocol messages as Flight carries them. */
public final class Messages {
    /** As protobuf's own default; said here because a client chooses the depth. */
    private static final int DEPTH = 100;

    private Messages() {}

    /** The caller, or whoever it hands the buffer to, releases it. */
    static ArrowBuf encode(BufferAllocator allocator, MessageLite message) {
        byte[] bytes = message.toByteArray();
        ArrowBuf buffer = allocator.buffer(Math.max(1, bytes.length));
        buffer.writeBytes(bytes);
        return buffer;
    }

    /**
     * The buffer is held meanwhile: Arrow closes a stream that is cancelled by another thread, and what it has read would
     * be somebody else's message before it is decoded.
     *
     * @throws IllegalArgumentException where it is gone already
     */
    static <T> T decode(Parser<T> parser, ArrowBuf buffer) {
        buffer.getReferenceManager().retain();
        byte[] bytes;
        try {
            bytes = new byte[Math.toIntExact(buffer.readableBytes())];
            buffer.getBytes(buffer.readerIndex(), bytes);
        } finally {
            buffer.getReferenceManager().release();
        }
        return decode(parser, bytes);
    }

    /** @throws ManipleException INVALID_PROGRAM where it is no such message */
    public static <T> T decode(Parser<T> parser, byte[] bytes) {
        try {
            CodedInputStream input = CodedInputStream.newInstance(bytes);
            input.setRecursionLimit(DEPTH);
            T message = parser.parseFrom(input);
            input.checkLastTagWas(0);
            return message;
        } catch (InvalidProtocolBufferException e) {
            throw new ManipleException(Status.INVALID_PROGRAM, "malformed message");
        }
    }
}
