package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestFourierRoutines {
    private static final int ROWS = 3;

    private static double[] run(
            int threads, String name, DType outType, long outLength, DType inType, long inLength, double[] in, int flag)
            throws Exception {
        LocalSessionFactory factory =
                new LocalSessionFactory(new ServerSettings(1L << 30, threads, Optional.empty(), "auto"));
        SharedMemory shared = new SharedMemory(new SegmentSource(SharedMemorySettings.ofLimit(1L << 24)));
        try (Session session = factory.open(SessionOptions.getDefaultInstance(), shared, "test")) {
            BatchWriter writer = new BatchWriter();
            BatchWriter.View input = writer.view(writer.doubles(in), inType, ROWS, inLength);
            BatchWriter.View factor = writer.view(writer.doubles(1), DType.FLOAT64);
            BatchWriter.View out = writer.fresh(outType, ROWS, outLength);
            String signature = inType.character() + "d->" + outType.character();
            if (flag < 0) {
                writer.add(name, signature, out, input, factor);
            } else {
                writer.add(name, signature, out, input, factor, writer.integer(flag));
            }
            writer.observe(out, ROWS * outLength * outType.bytes());
            Reply reply = session.execute(writer.build());
            assertThat(reply.getStatus()).as(reply.getMessage()).isEqualTo(Status.OK);
            DoubleBuffer buffer = reply.getContents(0)
                    .asReadOnlyByteBuffer()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asDoubleBuffer();
            double[] values = new double[buffer.remaining()];
            buffer.get(values);
            return values;
        }
    }

    private static double[] random(int count) {
        return new Random(count).doubles(count, -1, 1).toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 6, 17, 31, 37, 60, 64, 65, 74, 127, 128, 210, 512, 567, 1024, 1029})
    void rowsAreTheSumsTheyStandFor(int length) throws Exception {
        double[] in = random(2 * ROWS * length);
        double[] out = run(2, "fft.complex", DType.COMPLEX128, length, DType.COMPLEX128, length, in, 0);
        for (int row = 0; row < ROWS; row++) {
            for (int frequency = 0; frequency < length; frequency++) {
                double real = 0;
                double imaginary = 0;
                for (int index = 0; index < length; index++) {
                    double angle = -2 * Math.PI * (index * frequency % length) / length;
                    double re = in[2 * (row * length + index)];
                    double im = in[2 * (row * length + index) + 1];
                    real += re * Math.cos(angle) - im * Math.sin(angle);
                    imaginary += re * Math.sin(angle) + im * Math.cos(angle);
                }
                int at = 2 * (row * length + frequency);
                assertThat(out[at]).isCloseTo(real, within(1e-13 * length));
                assertThat(out[at + 1]).isCloseTo(imaginary, within(1e-13 * length));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 6, 17, 64, 65, 74, 567, 1022, 1024, 1152, 2058})
    void theWayBackGivesTheRealRows(int length) throws Exception {
        double[] in = random(ROWS * length);
        int half = length / 2 + 1;
        double[] spectrum = run(1, "fft.from_real", DType.COMPLEX128, half, DType.FLOAT64, length, in, length % 2);
        double[] back = run(1, "fft.to_real", DType.FLOAT64, length, DType.COMPLEX128, half, spectrum, -1);
        for (int index = 0; index < in.length; index++) {
            assertThat(back[index] / length).isCloseTo(in[index], within(1e-14 * (1 + length)));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 65, 127, 1024, 1029})
    void threadsDoNotMatter(int length) throws Exception {
        double[] in = random(2 * ROWS * length);
        double[] alone = run(1, "fft.complex", DType.COMPLEX128, length, DType.COMPLEX128, length, in, 1);
        double[] together = run(5, "fft.complex", DType.COMPLEX128, length, DType.COMPLEX128, length, in, 1);
        assertThat(together).isEqualTo(alone);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 12})
    void rowsAreCutOrFilledWithZeros(int given) throws Exception {
        double[] in = random(2 * ROWS * given);
        int length = 8;
        double[] padded = new double[2 * ROWS * length];
        for (int row = 0; row < ROWS; row++) {
            System.arraycopy(in, 2 * row * given, padded, 2 * row * length, 2 * Math.min(given, length));
        }
        assertThat(run(1, "fft.complex", DType.COMPLEX128, length, DType.COMPLEX128, given, in, 0))
                .isEqualTo(run(1, "fft.complex", DType.COMPLEX128, length, DType.COMPLEX128, length, padded, 0));
    }
}
