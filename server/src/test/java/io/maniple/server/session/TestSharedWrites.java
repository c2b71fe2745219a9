package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.bridge.memory.SharedRegion;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.NewBuffer;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** When a device's copy of shared memory is current: a copy that is not moved again has the old content. */
class TestSharedWrites {
    private static final int COUNT = 100;
    private static final long HANDLE = 1L << 40;

    private final LocalSessionFactory factory =
            new LocalSessionFactory(new ServerSettings(1L << 30, 1, Optional.empty(), "auto"));
    private final SharedMemory shared = new SharedMemory(new SegmentSource(SharedMemorySettings.ofLimit(1L << 28)));
    private final SharedRegion region = shared.reserve(8L * COUNT);

    private Session open(boolean announces) {
        SessionOptions options = SessionOptions.newBuilder()
                .setDevice("gpu")
                .setEmulate("1")
                .setAnnouncesWrites(announces)
                .build();
        fill(1);
        return factory.open(options, shared, "test");
    }

    private void fill(double value) {
        for (int index = 0; index < COUNT; index++) {
            region.memory().setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
        }
    }

    /** The sum of the shared elements, as the device finds it. */
    private double sum(Session session, long number, long... written) throws Exception {
        BatchWriter writer = new BatchWriter();
        BatchWriter.View in = writer.view(HANDLE, DType.FLOAT64, COUNT);
        BatchWriter.View out = writer.fresh(DType.FLOAT64, 1);
        writer.add("add.reduce", "d->d", out, in);
        writer.observe(out, 8);
        Batch.Builder batch = writer.build().toBuilder().setNumber(number);
        if (number == 1) {
            batch.addBuffers(NewBuffer.newBuilder()
                    .setHandle(HANDLE)
                    .setBytes(8L * COUNT)
                    .setPlacement(region.placement(HANDLE)));
        }
        for (long handle : written) {
            batch.addWritten(handle);
        }
        Reply reply = session.execute(batch.build());
        assertThat(reply.getStatus()).as(reply.getMessage()).isEqualTo(Status.OK);
        return reply.getContents(0)
                .asReadOnlyByteBuffer()
                .order(ByteOrder.LITTLE_ENDIAN)
                .getDouble();
    }

    @Test
    void whatIsNamedIsMovedAgain() throws Exception {
        try (Session session = open(true)) {
            assertThat(sum(session, 1)).isEqualTo(COUNT);
            fill(2);
            assertThat(sum(session, 2)).as("not named").isEqualTo(COUNT);
            assertThat(sum(session, 3, HANDLE)).isEqualTo(2 * COUNT);
            fill(3);
            assertThat(sum(session, 4, HANDLE + 1)).as("another one").isEqualTo(2 * COUNT);
            assertThat(sum(session, 5, HANDLE, HANDLE)).isEqualTo(3 * COUNT);
        }
        shared.close();
    }

    @Test
    void afterBatchesThatWentMissingEverythingIsMovedAgain() throws Exception {
        try (Session session = open(true)) {
            assertThat(sum(session, 1)).isEqualTo(COUNT);
            fill(2);
            assertThat(sum(session, 3)).as("the second may have named it").isEqualTo(2 * COUNT);
            fill(3);
            assertThat(sum(session, 4)).isEqualTo(2 * COUNT);
        }
        shared.close();
    }

    @Test
    void whoNamesNothingMayHaveWrittenAnything() throws Exception {
        try (Session session = open(false)) {
            for (int turn = 1; turn <= 3; turn++) {
                fill(turn);
                assertThat(sum(session, turn)).isEqualTo(turn * COUNT);
            }
        }
        shared.close();
    }
}
