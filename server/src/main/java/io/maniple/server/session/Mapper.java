package io.maniple.server.session;

import io.maniple.cuda.Device;
import io.maniple.server.engine.DeviceEngine;
import io.maniple.server.engine.PreparedPlan;
import io.maniple.server.plan.Effects;
import io.maniple.server.plan.Plan;
import io.maniple.server.store.Buffer;
import io.maniple.server.store.DeviceHome;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Decides which steps of a batch run on the device. By its cost model a batch goes where it is done sooner as a whole:
 * counted are the bytes that kernels read and write, launches, and the copies of what is not where it is needed.
 */
final class Mapper {
    /** What the user has asked for. */
    enum Policy {
        /** Nothing. */
        CPU,
        /** All that it has a form for, whatever that costs. */
        GPU,
        /** What is done sooner there. */
        AUTO;

        /** @throws IllegalArgumentException if there is no such policy */
        static Policy of(String name) {
            return switch (name.toLowerCase(Locale.ROOT)) {
                case "cpu" -> CPU;
                case "gpu" -> GPU;
                case "", "auto" -> AUTO;
                default ->
                    throw new IllegalArgumentException("MANIPLE_DEVICE must be cpu, gpu or auto, not '" + name + "'");
            };
        }
    }

    private static final double LAUNCH_SECONDS = 6e-6;
    /** Waiting for the device, once a copy. */
    private static final double COPY_SECONDS = 15e-6;
    /** What this machine's processors read and write, roughly. */
    private static final double HOST_BYTES_PER_SECOND = 20e9;

    private static final double HOST_STEP_SECONDS = 3e-6;

    private final Policy policy;
    private final Device device;
    private final DeviceEngine engine;
    private boolean[] chosen = new boolean[0];

    Mapper(Policy policy, Device device, DeviceEngine engine) {
        this.policy = policy;
        this.device = device;
        this.engine = engine;
    }

    boolean isForDevice(int step) {
        return step < chosen.length && chosen[step];
    }

    /** Decides about a batch. */
    void begin(PreparedPlan prepared, SessionMemory.BatchMemory memory) {
        List<Plan.Step> steps = prepared.plan().steps();
        boolean[] possible = new boolean[steps.size()];
        for (int step = 0; step < possible.length; step++) {
            possible[step] = engine.supports(prepared, step);
        }
        chosen = possible;
        if (policy == Policy.GPU) {
            return;
        }
        double here = seconds(prepared, memory, new boolean[steps.size()]);
        double there = seconds(prepared, memory, possible);
        if (there >= here) {
            chosen = new boolean[steps.size()];
            return;
        }
        if (!engine.isReady(prepared) && !anyOnDevice(prepared, memory)) {
            // The processor does it this time, and the kernels are there the next time.
            engine.prepare(prepared);
            chosen = new boolean[steps.size()];
        }
    }

    private static boolean anyOnDevice(PreparedPlan prepared, SessionMemory.BatchMemory memory) {
        for (Plan.Step step : prepared.plan().steps()) {
            for (int buffer : Effects.read(step)) {
                if (memory.buffer(buffer).isHostStale()) {
                    return true;
                }
            }
        }
        return false;
    }

    /** How long a batch takes with these steps on the device. */
    private double seconds(PreparedPlan prepared, SessionMemory.BatchMemory memory, boolean[] onDevice) {
        Set<Integer> atHost = new HashSet<>();
        Set<Integer> atDevice = new HashSet<>();
        double seconds = 0;
        List<Plan.Step> steps = prepared.plan().steps();
        for (int step = 0; step < steps.size(); step++) {
            Plan.Step one = steps.get(step);
            Set<Integer> read = Effects.read(one);
            Set<Integer> written = Effects.written(one);
            boolean there = onDevice[step];
            double bytes = 0;
            for (int number : read) {
                Buffer buffer = memory.buffer(number);
                bytes += buffer.bytes();
                boolean present = there
                        ? atDevice.contains(number) || (isOnDevice(buffer) && !atHost.contains(number))
                        : atHost.contains(number) || (!buffer.isHostStale() && !atDevice.contains(number));
                if (!present) {
                    seconds +=
                            COPY_SECONDS + buffer.bytes() / device.properties().hostBytesPerSecond();
                    (there ? atDevice : atHost).add(number);
                }
            }
            for (int number : written) {
                bytes += memory.buffer(number).bytes();
                (there ? atDevice : atHost).add(number);
                (there ? atHost : atDevice).remove(number);
            }
            seconds += there
                    ? LAUNCH_SECONDS * engine.launches(prepared, step)
                            + bytes / device.properties().bytesPerSecond()
                    : HOST_STEP_SECONDS + bytes / HOST_BYTES_PER_SECOND * effort(one);
        }
        return seconds;
    }

    private static boolean isOnDevice(Buffer buffer) {
        DeviceHome home = buffer.device();
        return home != null && home.isDeviceCurrent();
    }

    /** How much longer than moving its bytes a step takes the processor: functions and long bodies do. */
    private static double effort(Plan.Step step) {
        return switch (step) {
            case Plan.KernelStep kernel -> {
                int members = Math.max(1, kernel.members().size());
                yield 1 + 0.25 * members;
            }
            case Plan.CascadeStep cascade -> {
                int members = cascade.stages().stream()
                        .mapToInt(stage -> stage.whole().members().size())
                        .sum();
                yield 1 + 0.25 * members;
            }
            case Plan.RoutineStep _ -> 4;
        };
    }

    @Override
    public String toString() {
        return policy + " " + Arrays.toString(chosen);
    }
}
