package io.maniple.server.session;

import io.maniple.bridge.proto.FloatingPointError;
import io.maniple.cuda.DevicePool;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.server.plan.Diagnosis;
import io.maniple.server.plan.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Words on the device that kernels report floating-point errors to, one a step. They are read when somebody waits
 * anyway, so that reports do not hold up the device.
 */
final class DeviceReports {
    private static final int WORDS = 1_024;

    private final DeviceStore store;
    private final List<Pending> pending = new ArrayList<>();
    private final Set<FloatingPointError> found = new LinkedHashSet<>();
    private DevicePool.@Nullable Block words;

    private record Pending(Plan.Step step, List<String> sources) {
        List<Diagnosis.Suspect> guilty(long bits) {
            return switch (step) {
                case Plan.KernelStep kernel ->
                    Objects.requireNonNull(kernel.diagnosis()).guilty(bits);
                case Plan.RoutineStep routine -> Diagnosis.of(routine, (int) bits);
                case Plan.CascadeStep _ -> List.of();
            };
        }
    }

    DeviceReports(DeviceStore store) {
        this.store = store;
    }

    /** The error of a suspect, as the client is told of it. */
    static FloatingPointError error(Diagnosis.Suspect suspect, List<String> sources) {
        return FloatingPointError.newBuilder()
                .setKindValue(suspect.kind())
                .setOperation(suspect.operation())
                .setSource(Profile.name(sources, suspect.source()))
                .build();
    }

    /**
     * The address of a word for a step.
     *
     * @param sources of its batch
     */
    long word(Plan.Step step, List<String> sources) throws DeviceException {
        if (pending.size() == WORDS) {
            collect();
        }
        DevicePool.Block block = words;
        if (block == null) {
            block = store.allocate(8L * WORDS, Set.of());
            store.device().zero(block.address(), 8L * WORDS);
            words = block;
        }
        pending.add(new Pending(step, sources));
        return block.address() + 8L * (pending.size() - 1);
    }

    private void collect() throws DeviceException {
        DevicePool.Block block = words;
        if (pending.isEmpty() || block == null) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(8L * pending.size(), 8);
            store.device().download(block.address(), copy.address(), copy.byteSize());
            for (int word = 0; word < pending.size(); word++) {
                long bits = copy.getAtIndex(ValueLayout.JAVA_LONG, word);
                if (bits != 0) {
                    Pending one = pending.get(word);
                    for (Diagnosis.Suspect suspect : one.guilty(bits)) {
                        found.add(error(suspect, one.sources()));
                    }
                }
            }
        }
        store.device().zero(block.address(), 8L * pending.size());
        pending.clear();
    }

    /** The errors of all that was queued, once. */
    List<FloatingPointError> take() throws DeviceException {
        collect();
        List<FloatingPointError> taken = List.copyOf(found);
        found.clear();
        return taken;
    }

    /** The device has failed: nothing can be read any more. */
    void forget() {
        pending.clear();
        words = null;
    }

    void close() {
        DevicePool.Block block = words;
        if (block != null) {
            store.release(block);
            words = null;
        }
    }
}
