package io.maniple.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.maniple.bridge.memory.SegmentSource;
import io.maniple.bridge.memory.SharedMemory;
import io.maniple.bridge.memory.SharedMemorySettings;
import io.maniple.bridge.program.DType;
import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.Reply;
import io.maniple.bridge.proto.SessionOptions;
import io.maniple.bridge.proto.Status;
import io.maniple.server.distribution.MappingPolicy;
import io.maniple.server.distribution.Mappings;
import io.maniple.server.failure.ManipleException;
import io.maniple.server.store.SparseMemory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several workers have the results that one machine has, to the bit. */
class TestWorkerSession {
    private static final DType F64 = DType.FLOAT64;
    /** Equal parts, unequal ones, none for some, all for the first or the last one of two. */
    private static final List<String> MAPPINGS =
            List.of("even", "weighted:3,1", "weighted:0,2,1", "weighted:1,0", "weighted:0,1");

    private static final SessionOptions SPREAD =
            SessionOptions.newBuilder().setSpreadAll(true).setExplain(true).build();

    private final LocalSessionFactory factory =
            new LocalSessionFactory(new ServerSettings(1L << 30, 2, Optional.empty(), "auto"));

    /** All workers of a session. */
    private final class Gang implements AutoCloseable {
        private final List<WorkerSession> workers = new ArrayList<>();
        private final SparseMemory memory = new SparseMemory(1L << 30);
        private final ExecutorService threads;

        Gang(int size) {
            this(size, Mappings.EVEN);
        }

        Gang(int size, MappingPolicy mapping) {
            threads = Executors.newFixedThreadPool(size);
            for (ThreadPeers peers : ThreadPeers.of(size)) {
                workers.add(factory.openShared(SPREAD, peers, mapping, memory));
            }
        }

        List<WorkerSession.Outcome> execute(Batch batch) throws Exception {
            return all(worker -> () -> worker.execute(batch));
        }

        <T> List<T> all(java.util.function.Function<WorkerSession, Callable<T>> task) throws Exception {
            List<Future<T>> futures = new ArrayList<>();
            for (WorkerSession worker : workers) {
                futures.add(threads.submit(task.apply(worker)));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> future : futures) {
                results.add(future.get());
            }
            return results;
        }

        @Override
        public void close() {
            threads.shutdown();
            workers.forEach(WorkerSession::close);
            assertThat(memory.touched()).as("all memory is given back").isZero();
            memory.close();
        }
    }

    private List<ByteString> here(Batch batch) throws Exception {
        SharedMemory shared = new SharedMemory(new SegmentSource(SharedMemorySettings.ofLimit(1L << 28)));
        try (Session session = factory.open(SessionOptions.getDefaultInstance(), shared, "test")) {
            Reply reply = session.execute(batch);
            assertThat(reply.getStatus()).as(reply.getMessage()).isEqualTo(Status.OK);
            return reply.getContentsList();
        }
    }

    private static double[] random(int count) {
        return new Random(count).doubles(count).toArray();
    }

    private void assertSame(int size, Batch batch) throws Exception {
        List<ByteString> here = here(batch);
        for (String mapping : MAPPINGS) {
            try (Gang gang = new Gang(size, Mappings.find(mapping, Optional.empty()))) {
                List<WorkerSession.Outcome> outcomes = gang.execute(batch);
                assertThat(outcomes.getFirst().reply().getStatus()).as(mapping).isEqualTo(Status.OK);
                assertThat(outcomes.getFirst().reply().getContentsList())
                        .as(mapping)
                        .isEqualTo(here);
                assertThat(outcomes)
                        .allSatisfy(outcome -> assertThat(outcome.spoiled()).isEmpty());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64})
    void chainsAndFolds(int size) throws Exception {
        int count = 8_000;
        BatchWriter writer = new BatchWriter();
        BatchWriter.View in = writer.view(writer.doubles(random(count)), F64, count);
        BatchWriter.View square = writer.fresh(F64, count);
        BatchWriter.View sum = writer.fresh(F64, 1);
        BatchWriter.View low = writer.fresh(F64, 1);
        writer.add("multiply", "dd->d", square, in, in);
        writer.add("add.reduce", "d->d", sum, square);
        writer.add("minimum.reduce", "d->d", low, in);
        writer.observe(square, 8L * count);
        writer.observe(sum, 8);
        writer.observe(low, 8);
        assertSame(size, writer.build());
    }

    /** Once those who were only getting a part were asked for it. */
    @ParameterizedTest
    @ValueSource(ints = {3, 4, 6})
    void whatAllNeedComesFromThoseWhoHaveIt(int size) throws Exception {
        int count = 9;
        BatchWriter writer = new BatchWriter();
        BatchWriter.View in = writer.view(writer.doubles(random(count)), F64, count);
        BatchWriter.View doubled = writer.fresh(F64, count);
        BatchWriter.View order = writer.fresh(DType.INT64, count);
        BatchWriter.View taken = writer.fresh(F64, count);
        writer.add("add", "dd->d", doubled, in, in);
        writer.add("argsort", "d->l", order, doubled);
        writer.add("take", "dl->d", taken, doubled, order);
        writer.observe(taken, 8L * count);
        assertSame(size, writer.build());
    }

    private static double[] mixed(int count, int kinds) {
        Random random = new Random(count);
        double[] special = {0.0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 5e-324, 1, -1};
        double[] values = new double[count];
        for (int index = 0; index < count; index++) {
            values[index] =
                    random.nextInt(10) < kinds ? special[random.nextInt(special.length)] : random.nextGaussian();
        }
        return values;
    }

    /** Many equal keys, zeros of both signs, NaN; more workers than keys, too. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64})
    void allSortOneVector(int size) throws Exception {
        for (int count : new int[] {2, 63, 64, 65, 8_001}) {
            for (int kinds : new int[] {0, 3, 10}) {
                BatchWriter writer = new BatchWriter();
                BatchWriter.View in = writer.view(writer.doubles(mixed(count, kinds)), F64, count);
                BatchWriter.View sorted = writer.fresh(F64, count);
                BatchWriter.View twice = writer.fresh(F64, count);
                writer.add("sort", "d->d", sorted, in);
                writer.add("add", "dd->d", twice, sorted, sorted);
                writer.add("sort", "d->d", in, in);
                writer.observe(sorted, 8L * count);
                writer.observe(twice, 8L * count);
                writer.observe(in, 8L * count);
                assertSame(size, writer.build());
            }
        }
    }

    /** What masks choose is where it is made; counts are everybody's sum. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 64})
    void masksAndCounts(int size) throws Exception {
        for (int count : new int[] {1, 64, 65, 700, 8_001}) {
            for (double bound : new double[] {-9, 0.3, 9}) {
                BatchWriter writer = new BatchWriter();
                BatchWriter.View in = writer.view(writer.doubles(mixed(count, 0)), F64, count);
                BatchWriter.View mask = writer.fresh(DType.BOOL, count);
                BatchWriter.View out = writer.fresh(F64, count);
                BatchWriter.View chosen = writer.fresh(DType.INT64, 1);
                BatchWriter.View numbers = writer.fresh(DType.INT64, count);
                BatchWriter.View bins = writer.fresh(DType.INT64, 2);
                BatchWriter.View edges = writer.view(writer.doubles(new double[] {-2, -1, 0, 2}), F64, 4);
                BatchWriter.View histogram = writer.fresh(DType.INT64, 3);
                writer.add("copyto", "d->d", out, writer.scalar(0.0));
                writer.add("greater", "dd->?", mask, in, writer.scalar(bound));
                writer.add("compress", "d?->dl", out, chosen, in, mask);
                writer.add("copyto", "l->l", numbers, mask);
                writer.add("bincount", "l->l", bins, numbers);
                writer.add("histogram", "dd->l", histogram, in, edges);
                writer.observe(out, 8L * count);
                writer.observe(chosen, 8);
                writer.observe(bins, 16);
                writer.observe(histogram, 24);
                assertSame(size, writer.build());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void neighboursTravel(int size) throws Exception {
        int count = 4_000;
        BatchWriter writer = new BatchWriter();
        long buffer = writer.doubles(random(count));
        BatchWriter.View all = writer.view(buffer, F64, count);
        BatchWriter.View inner = writer.view(buffer, F64, 8, new long[] {count - 2}, new long[] {8});
        BatchWriter.View left = writer.view(buffer, F64, 0, new long[] {count - 2}, new long[] {8});
        BatchWriter.View right = writer.view(buffer, F64, 16, new long[] {count - 2}, new long[] {8});
        BatchWriter.View backwards = writer.view(buffer, F64, 8L * (count - 1), new long[] {count}, new long[] {-8});
        for (int round = 0; round < 6; round++) {
            BatchWriter.View sum = writer.fresh(F64, count - 2);
            writer.add("add", "dd->d", sum, left, right);
            writer.add("multiply", "dd->d", inner, sum, writer.scalar(0.5));
            writer.free(sum.handle());
            BatchWriter.View turned = writer.fresh(F64, count);
            writer.add("add", "dd->d", turned, backwards, all);
            writer.add("copyto", "d->d", all, turned);
            writer.free(turned.handle());
        }
        writer.observe(all, 8L * count);
        assertSame(size, writer.build());
    }

    @Test
    void explanationsSayWhereStepsAreCut() throws Exception {
        int count = 4_000;
        BatchWriter writer = new BatchWriter();
        long buffer = writer.doubles(random(count));
        BatchWriter.View left = writer.view(buffer, F64, 0, new long[] {count - 2}, new long[] {8});
        BatchWriter.View right = writer.view(buffer, F64, 16, new long[] {count - 2}, new long[] {8});
        BatchWriter.View sum = writer.fresh(F64, count - 2);
        BatchWriter.View sorted = writer.fresh(F64, count - 2);
        writer.add("add", "dd->d", sum, left, right);
        writer.add("sort", "d->d", sorted, sum);
        try (Gang gang = new Gang(2)) {
            gang.execute(writer.build());
            assertThat(gang.workers.getFirst().explain())
                    .contains("; dimension 0 cut at 1999; ")
                    .contains("routine sort at ?; input cut at 1999, sorted by a sample of it; nothing is fetched");
        }
    }

    @Test
    void whatFailsOnOneWorkerIsSpoiledOnAll() throws Exception {
        BatchWriter writer = new BatchWriter();
        int count = 1_000;
        BatchWriter.View in = writer.view(writer.doubles(random(count)), F64, count);
        BatchWriter.View out = writer.fresh(F64, count);
        writer.add("add", "dd->d", out, in, in);
        writer.observe(out, 8);
        Batch batch = writer.build();
        try (Gang gang = new Gang(3)) {
            ManipleException reason = new ManipleException(Status.OUT_OF_MEMORY, "no room", "user.py:3");
            // The content of one worker's share cannot be had.
            long handle = in.handle();
            gang.execute(Batch.newBuilder()
                    .setFormat(batch.getFormat())
                    .addAllBuffers(batch.getBuffersList().stream()
                            .filter(buffer -> buffer.getHandle() == handle)
                            .toList())
                    .build());
            gang.workers.get(1).spoil(Map.of(handle, reason));
            Batch rest = batch.toBuilder()
                    .clearBuffers()
                    .addAllBuffers(batch.getBuffersList().stream()
                            .filter(buffer -> buffer.getHandle() != handle)
                            .toList())
                    .build();
            Map<Long, ManipleException> told = new HashMap<>();
            gang.execute(rest).forEach(outcome -> told.putAll(outcome.spoiled()));
            assertThat(told).containsKey(out.handle());
        }
    }

    @Test
    void aCheckpointHoldsAllOfIt(@TempDir Path directory) throws Exception {
        int count = 5_000;
        BatchWriter writer = new BatchWriter();
        BatchWriter.View in = writer.view(writer.doubles(random(count)), F64, count);
        BatchWriter.View out = writer.fresh(F64, count);
        writer.add("multiply", "dd->d", out, in, in);
        Batch batch = writer.build();
        BatchWriter later = new BatchWriter();
        later.observe(out, 8L * count);
        Batch look = later.build();
        List<Path> files = List.of(directory.resolve("0"), directory.resolve("1"), directory.resolve("2"));
        ByteString before;
        try (Gang gang = new Gang(3)) {
            gang.execute(batch);
            gang.all(worker -> () -> worker.save(files.get(gang.workers.indexOf(worker))));
            before = gang.execute(look).getFirst().reply().getContents(0);
        }
        try (Gang gang = new Gang(3)) {
            gang.all(worker -> () -> {
                worker.restore(files);
                return true;
            });
            assertThat(gang.execute(look).getFirst().reply().getContents(0)).isEqualTo(before);
        }
    }
}
