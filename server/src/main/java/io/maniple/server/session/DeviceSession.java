package io.maniple.server.session;

import io.maniple.bridge.proto.Batch;
import io.maniple.bridge.proto.DeviceUse;
import io.maniple.bridge.proto.FloatingPointError;
import io.maniple.cuda.Device;
import io.maniple.cuda.DevicePool;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.server.engine.DeviceEngine;
import io.maniple.server.engine.DeviceMemory;
import io.maniple.server.engine.PreparedPlan;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.Buffer;
import io.maniple.server.store.DeviceHome;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One session's use of a device: which steps run there, and what becomes of failures. */
final class DeviceSession {
    private static final Logger LOGGER = LoggerFactory.getLogger(DeviceSession.class);

    private final Device device;
    private final DeviceStore store;
    private final DeviceEngine engine;
    private final DeviceReports reports;
    private final Mapper mapper;
    private final Set<DeviceException.Kind> warned = new HashSet<>();
    private long steps;
    private long hostSteps;
    private long launches;
    private String failure = "";
    private @Nullable String warning;

    DeviceSession(DeviceStore store, Mapper.Policy policy) {
        this.store = store;
        this.device = store.device();
        this.engine = new DeviceEngine(device);
        this.reports = new DeviceReports(store);
        this.mapper = new Mapper(policy, device, engine);
    }

    DeviceStore store() {
        return store;
    }

    /** What is to be decided for a whole batch before its first step. */
    void begin(PreparedPlan plan, SessionMemory.BatchMemory memory) {
        if (device.lost().isEmpty()) {
            device.lock().lock();
            try {
                mapper.begin(plan, memory);
            } finally {
                device.lock().unlock();
            }
        }
    }

    /** @return whether the step is queued; otherwise it is the processor's */
    boolean run(PreparedPlan plan, int step, Batch program, SessionMemory.BatchMemory memory) {
        device.lock().lock();
        try {
            if (device.lost().isPresent() || !mapper.isForDevice(step)) {
                hostSteps++;
                return false;
            }
            long before = device.launches();
            BatchOnDevice batch = new BatchOnDevice(memory, program.getSourcesList());
            try {
                if (!engine.run(plan, step, program.getScalarsList(), batch)) {
                    hostSteps++;
                    return false;
                }
            } finally {
                launches += device.launches() - before;
            }
            steps++;
            return true;
        } catch (DeviceException cause) {
            failed(cause);
            hostSteps++;
            return false;
        } finally {
            device.lock().unlock();
        }
    }

    /** The processor has written to buffers. */
    void writtenOnHost(Set<Integer> buffers, SessionMemory.BatchMemory memory) {
        for (int buffer : buffers) {
            store.writtenOnHost(memory.buffer(buffer));
        }
    }

    private void failed(DeviceException cause) {
        if (cause.kind() == DeviceException.Kind.LOST) {
            reports.forget();
            store.lost(cause);
            failure = cause.text();
        }
        if (warned.add(cause.kind())) {
            LOGGER.warn("the processor does what the GPU cannot: {}", cause.text());
            // Running out of the GPU's memory is no more than slow.
            if (cause.kind() != DeviceException.Kind.OUT_OF_MEMORY) {
                warning = "the processor goes on without the GPU: " + firstLine(cause.text());
            }
        }
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("");
    }

    /** What the client should be warned of, once. */
    Optional<String> takeWarning() {
        Optional<String> taken = Optional.ofNullable(warning);
        warning = null;
        return taken;
    }

    /** Waits for all that is queued; the floating-point errors it had. */
    List<FloatingPointError> settle() {
        device.lock().lock();
        try {
            if (device.lost().isPresent()) {
                reports.forget();
                return List.of();
            }
            return reports.take();
        } catch (DeviceException cause) {
            failed(cause);
            return List.of();
        } finally {
            device.lock().unlock();
        }
    }

    /** How many kernels a step is, in words. */
    String launches(PreparedPlan plan, int step) {
        int count = engine.launches(plan, step);
        return count == 1 ? "1 kernel" : count + " kernels";
    }

    /** A line about what has been done there. */
    String describe() {
        return String.format(
                Locale.ROOT,
                "%s: %,d steps and %,d kernels, %,d steps on the processor, %,d bytes to the GPU, %,d bytes back%n",
                device.properties().name(),
                steps,
                launches,
                hostSteps,
                store.uploadedBytes(),
                store.downloadedBytes());
    }

    DeviceUse use() {
        return DeviceUse.newBuilder()
                .setName(device.properties().name())
                .setKernels(launches)
                .setBytesToDevice(store.uploadedBytes())
                .setBytesToHost(store.downloadedBytes())
                .setEvictions(store.evictions())
                .setSteps(steps)
                .setHostSteps(hostSteps)
                .setFailure(failure)
                .build();
    }

    void close() {
        device.lock().lock();
        try {
            reports.close();
        } finally {
            device.lock().unlock();
        }
    }

    /** The memory of one step. */
    private final class BatchOnDevice implements DeviceMemory {
        private final SessionMemory.BatchMemory memory;
        private final List<String> sources;
        private final List<DevicePool.Block> scratches = new ArrayList<>();
        private final Set<Buffer> kept = new HashSet<>();

        BatchOnDevice(SessionMemory.BatchMemory memory, List<String> sources) {
            this.memory = memory;
            this.sources = sources;
        }

        @Override
        public void bring(List<Use> uses) throws DeviceException {
            kept.clear();
            uses.forEach(use -> kept.add(memory.buffer(use.buffer())));
            for (Use use : uses) {
                Buffer buffer = memory.buffer(use.buffer());
                store.bring(buffer, use.read() || use.bytes() < buffer.bytes(), kept);
            }
        }

        @Override
        public long address(int buffer) {
            DeviceHome home = Objects.requireNonNull(memory.buffer(buffer).device());
            return Objects.requireNonNull(home.block()).address();
        }

        @Override
        public void written(List<Use> uses) {
            for (Use use : uses) {
                if (use.written()) {
                    Objects.requireNonNull(memory.buffer(use.buffer()).device()).writtenOnDevice();
                }
            }
        }

        @Override
        public long scratch(long bytes) throws DeviceException {
            DevicePool.Block block = store.allocate(bytes, kept);
            scratches.add(block);
            return block.address();
        }

        @Override
        public void releaseScratch() {
            scratches.forEach(store::release);
            scratches.clear();
        }

        @Override
        public long report(Plan.Step step) throws DeviceException {
            return reports.word(step, sources);
        }
    }
}
