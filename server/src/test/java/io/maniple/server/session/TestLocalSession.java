package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.server.failure.ManipleException;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestLocalSession {
    private static final DType F64 = DType.FLOAT64;

    private final LocalSessionFactory factory =
            new LocalSessionFactory(new ServerSettings(1L << 30, 2, Optional.empty(), "auto"));

    private Session open(String engine, boolean fuse) {
        SessionOptions options = SessionOptions.newBuilder()
                .setEngine(engine.equals("gpu") ? "" : engine)
                .setDevice(engine.equals("gpu") ? "gpu" : "cpu")
                .setEmulate(engine.equals("gpu") ? "1" : "")
                .setFusionOff(!fuse)
                .setExplain(true)
                .setProfile(true)
                .build();
        SharedMemory shared = new SharedMemory(new SegmentSource(SharedMemorySettings.ofLimit(1L << 28)));
        return factory.open(options, shared, "test");
    }

    private static double[] doubles(ByteString bytes) {
        DoubleBuffer buffer =
                bytes.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer();
        double[] values = new double[buffer.remaining()];
        buffer.get(values);
        return values;
    }

    private static double[] random(int count) {
        Random random = new Random(count);
        return DoubleStream.generate(random::nextGaussian).limit(count).toArray();
    }

    private static double[] observed(Session session, BatchWriter writer, BatchWriter.View view, int count) {
        writer.observe(view, 8L * count);
        Reply reply = session.execute(writer.build());
        assertThat(reply.getStatus()).as(reply.getMessage()).isEqualTo(Status.OK);
        return doubles(reply.getContents(0));
    }

    @ParameterizedTest
    @CsvSource({"auto,true", "auto,false", "portable,true", "portable,false", "gpu,true", "gpu,false"})
    void chainOfTemporariesIsFused(String engine, boolean fuse) throws Exception {
        try (Session session = open(engine, fuse)) {
            double[] x = random(1001);
            BatchWriter writer = new BatchWriter();
            BatchWriter.View in = writer.view(writer.doubles(x), F64, x.length);
            BatchWriter.View square = writer.fresh(F64, x.length);
            BatchWriter.View out = writer.fresh(F64, x.length);
            writer.add("multiply", "dd->d", square, in, in);
            writer.add("add", "dd->d", out, square, writer.scalar(1));
            writer.free(square.handle());
            double[] result = observed(session, writer, out, x.length);
            assertThat(result).isEqualTo(Arrays.stream(x).map(v -> v * v + 1).toArray());
            assertThat(session.explain()).contains(fuse ? "1 temporary removed" : "0 temporaries removed");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 8, 9, 63, 64, 65, 2047, 2048, 2049, 4096, 4097, 8191})
    void sumsAgreeBetweenEngines(int count) throws Exception {
        double[][] results = new double[2][];
        for (int engine = 0; engine < 2; engine++) {
            try (Session session = open(engine == 0 ? "auto" : "portable", true)) {
                double[] x = random(count);
                BatchWriter writer = new BatchWriter();
                BatchWriter.View in = writer.view(writer.doubles(x), F64, count);
                BatchWriter.View out = writer.fresh(F64, 1);
                writer.add("add.reduce", "d->d", out, in);
                results[engine] = observed(session, writer, out, 1);
                assertThat(results[engine][0])
                        .isCloseTo(Arrays.stream(x).sum(), org.assertj.core.data.Offset.offset(1e-11 * count));
            }
        }
        assertThat(results[0]).isEqualTo(results[1]);
    }

    @ParameterizedTest
    @CsvSource({"3,5,7", "1,9,1", "40,70,30", "2,3000,3", "70,2,41", "300,1,9000"})
    void foldsAlongAnyAxes(int a, int b, int c) throws Exception {
        double[] x = random(a * b * c);
        for (String engine : new String[] {"auto", "portable"}) {
            for (int mask = 1; mask < 8; mask++) {
                try (Session session = open(engine, true)) {
                    BatchWriter writer = new BatchWriter();
                    BatchWriter.View in;
                    if (x.length <= 7000) {
                        in = writer.view(writer.doubles(x), F64, a, b, c);
                    } else {
                        in = writer.fresh(F64, a, b, c);
                        BatchWriter.View flat = writer.view(in.handle(), F64, (long) a * b * c);
                        writer.add("arange", "dd->d", flat, writer.scalar(0), writer.scalar(1));
                        Arrays.setAll(x, i -> i);
                    }
                    int ka = (mask & 1) != 0 ? 1 : a;
                    int kb = (mask & 2) != 0 ? 1 : b;
                    int kc = (mask & 4) != 0 ? 1 : c;
                    BatchWriter.View out = writer.fresh(F64, ka, kb, kc);
                    writer.add("add.reduce", "d->d", out, in);
                    BatchWriter.View largest = writer.fresh(F64, ka, kb, kc);
                    writer.add("maximum.reduce", "d->d", largest, in);
                    double[] sums = new double[ka * kb * kc];
                    double[] maxima = new double[ka * kb * kc];
                    Arrays.fill(maxima, Double.NEGATIVE_INFINITY);
                    for (int i = 0; i < a; i++) {
                        for (int j = 0; j < b; j++) {
                            for (int k = 0; k < c; k++) {
                                int at = (Math.min(i, ka - 1) * kb + Math.min(j, kb - 1)) * kc + Math.min(k, kc - 1);
                                sums[at] += x[(i * b + j) * c + k];
                                maxima[at] = Math.max(maxima[at], x[(i * b + j) * c + k]);
                            }
                        }
                    }
                    int shown = Math.min(sums.length, 8000);
                    writer.observe(largest, 8L * shown);
                    double[] result = observed(session, writer, out, shown);
                    // The first observation answered is that of the maxima.
                    assertThat(result).as(engine + " " + mask).isEqualTo(Arrays.copyOf(maxima, shown));
                    BatchWriter again = new BatchWriter();
                    BatchWriter.View same = again.view(out.handle(), F64, ka, kb, kc);
                    double[] summed = observed(session, again, same, shown);
                    for (int i = 0; i < shown; i++) {
                        assertThat(summed[i])
                                .as(engine + " " + mask + " " + i)
                                .isCloseTo(
                                        sums[i],
                                        org.assertj.core.data.Offset.offset(1e-9 * Math.max(1, Math.abs(sums[i]))));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"auto,true", "auto,false", "portable,true"})
    void overlappingViewsAreNotFusedWrongly(String engine, boolean fuse) throws Exception {
        try (Session session = open(engine, fuse)) {
            double[] x = random(1000);
            BatchWriter writer = new BatchWriter();
            long buffer = writer.doubles(x);
            BatchWriter.View low = writer.view(buffer, F64, 0, new long[] {999}, new long[] {8});
            BatchWriter.View high = writer.view(buffer, F64, 8, new long[] {999}, new long[] {8});
            BatchWriter.View sum = writer.fresh(F64, 999);
            writer.add("add", "dd->d", sum, low, high);
            writer.add("copyto", "d->d", high, sum);
            writer.add("add", "dd->d", high, low, high);
            writer.free(sum.handle());
            double[] expected = x.clone();
            for (int i = 999; i > 0; i--) {
                expected[i] = x[i - 1] + x[i];
            }
            double[] before = expected.clone();
            for (int i = 999; i > 0; i--) {
                expected[i] = before[i - 1] + before[i];
            }
            double[] result = observed(session, writer, writer.view(buffer, F64, 1000), 1000);
            assertThat(result).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "portable", "gpu"})
    void routinesWork(String engine) throws Exception {
        try (Session session = open(engine, true)) {
            double[] x = random(3000);
            BatchWriter writer = new BatchWriter();
            BatchWriter.View in = writer.view(writer.doubles(x), F64, 3000);
            BatchWriter.View mask = writer.fresh(DType.BOOL, 3000);
            writer.add("greater", "dd->?", mask, in, writer.scalar(0));
            BatchWriter.View chosen = writer.fresh(F64, 3000);
            BatchWriter.View count = writer.fresh(DType.INT64, 1);
            writer.add("compress", "d->dl".replace("d->dl", compressSignature()), chosen, count, in, mask);
            BatchWriter.View running = writer.fresh(F64, 3000);
            writer.add("add.accumulate", "d->d", running, in, writer.integer(0));
            BatchWriter.View largest = writer.fresh(DType.INT64, 1);
            writer.add("argmax.reduce", "d->l", largest, in);
            double[] positive = Arrays.stream(x).filter(v -> v > 0).toArray();
            double[] result = observed(session, writer, chosen, positive.length);
            assertThat(result).isEqualTo(positive);
            BatchWriter again = new BatchWriter();
            double[] cumulative = observed(session, again, again.view(running.handle(), F64, 3000), 3000);
            double sum = 0;
            for (int i = 0; i < 3000; i++) {
                sum += x[i];
                assertThat(cumulative[i]).isEqualTo(sum);
            }
            BatchWriter third = new BatchWriter();
            third.observe(third.view(largest.handle(), DType.INT64, 1), 8);
            long index = session.execute(third.build())
                    .getContents(0)
                    .asReadOnlyByteBuffer()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            double most = Arrays.stream(x).max().orElseThrow();
            assertThat(x[(int) index]).isEqualTo(most);
        }
    }

    private static String compressSignature() {
        return io.maniple.kernels.ops.OperationTable.standard().operations().stream()
                .filter(operation -> operation.name().equals("compress"))
                .map(io.maniple.kernels.ops.Operation::signature)
                .filter(signature -> signature.startsWith("d"))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "portable", "gpu"})
    void unsoundBatchesAreRefusedWhole(String engine) throws Exception {
        try (Session session = open(engine, true)) {
            BatchWriter writer = new BatchWriter();
            long buffer = writer.doubles(1, 2, 3);
            BatchWriter.View outside = writer.view(buffer, F64, 8, new long[] {3}, new long[] {8});
            writer.add("negative", "d->d", outside, outside);
            Batch batch = writer.build();
            assertThatThrownBy(() -> session.execute(batch))
                    .isInstanceOf(ManipleException.class)
                    .hasMessageContaining("outside buffer");
        }
    }
}
