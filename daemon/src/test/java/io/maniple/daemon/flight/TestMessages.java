package io.maniple.daemon.flight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Call;
import io.maniple.bridge.proto.DataType;
import io.maniple.bridge.proto.Layout;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Opening;
import io.maniple.bridge.proto.Status;
import io.maniple.bridge.proto.Transfer;
import io.maniple.server.failure.ManipleException;
import java.util.List;
import java.util.Random;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.Test;

class TestMessages {
    /** The long form: -Dmaniple.fuzz=1000000. */
    private static final int INPUTS = Integer.getInteger("maniple.fuzz", 100_000);

    private static final Call CALL = Call.newBuilder()
            .setNumber(7)
            .setBatch(Batch.newBuilder()
                    .setFormat(2)
                    .setNumber(7)
                    .addLayouts(Layout.newBuilder()
                            .setType(DataType.FLOAT64)
                            .addShape(10)
                            .addStrides(-8))
                    .addBuffers(NewBuffer.newBuilder()
                            .setHandle(1)
                            .setBytes(80)
                            .setContent(ByteString.copyFrom(new byte[80])))
                    .addOperation(5)
                    .addOperandCount(3)
                    .addAllOperandBuffer(List.of(1L, 1L, 0L)))
            .build();

    @Test
    void readsWhatItWrites() {
        try (BufferAllocator allocator = new RootAllocator();
                ArrowBuf buffer = Messages.encode(allocator, CALL)) {
            assertThat(Messages.decode(Call.parser(), buffer)).isEqualTo(CALL);
        }
    }

    @Test
    void refusesWhatIsNoMessage() {
        Random random = new Random(20_261_126);
        List<Parser<? extends MessageLite>> parsers = List.of(Call.parser(), Opening.parser(), Transfer.parser());
        byte[] valid = CALL.toByteArray();
        int refused = 0;
        for (int input = 0; input < INPUTS; input++) {
            byte[] bytes;
            if (random.nextBoolean()) {
                bytes = new byte[random.nextInt(200)];
                random.nextBytes(bytes);
            } else {
                bytes = valid.clone();
                for (int change = random.nextInt(4); change >= 0; change--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                }
            }
            try {
                Messages.decode(parsers.get(input % parsers.size()), bytes);
            } catch (ManipleException e) {
                assertThat(e.status()).isEqualTo(Status.INVALID_PROGRAM);
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(INPUTS / 10);
    }

    @Test
    void refusesMessagesWithinMessagesWithoutEnd() {
        ByteString nested = ByteString.EMPTY;
        for (int depth = 0; depth < 10_000; depth++) {
            // An unknown group in an unknown group.
            nested = ByteString.copyFrom(new byte[] {(byte) 0x83, 0x7d}).concat(nested);
        }
        byte[] bytes = nested.toByteArray();
        assertThatThrownBy(() -> Messages.decode(Call.parser(), bytes)).isInstanceOf(ManipleException.class);
    }
}
