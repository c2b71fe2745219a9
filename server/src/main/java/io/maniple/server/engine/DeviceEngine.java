package io.maniple.server.engine;

import io.maniple.bridge.proto.Scalar;
import io.maniple.cuda.Device;
import io.maniple.cuda.KernelText;
import io.maniple.cuda.driver.DeviceException;
import io.maniple.cuda.driver.Driver;
import io.maniple.cuda.driver.Product;
import io.maniple.cuda.driver.Transform;
import io.maniple.server.plan.Plan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Runs the steps of plans on a device. Whoever calls it holds the device's lock. */
public final class DeviceEngine {
    private final Device device;

    public DeviceEngine(Device device) {
        this.device = device;
    }

    /** Whether the device has a form for a step. */
    public boolean supports(PreparedPlan plan, int step) {
        return plan(plan).step(step) != null || plan(plan).routine(step) != null;
    }

    /** Whether all kernels of a plan are compiled. */
    public boolean isReady(PreparedPlan plan) {
        return device.library().isReady(plan(plan).texts());
    }

    /** Begins to compile a plan's kernels in the background. */
    public void prepare(PreparedPlan plan) {
        device.library().prepare(plan(plan).texts());
    }

    /** How many kernels a step launches; 0 where the device has no form for it. */
    public int launches(PreparedPlan plan, int step) {
        List<DeviceStep> kernels = plan(plan).step(step);
        return kernels == null
                ? plan(plan).routine(step) == null ? 0 : 1
                : kernels.stream().mapToInt(DeviceStep::launches).sum();
    }

    private DevicePlan plan(PreparedPlan plan) {
        return plan.onDevice(own -> new DevicePlan(own, device.properties()));
    }

    /**
     * Queues a step that the device has a form for.
     *
     * @return false if the processor has to do it instead, which has an error to tell
     * @throws DeviceException OUT_OF_MEMORY or COMPILATION before anything was changed, or LOST
     */
    public boolean run(PreparedPlan prepared, int step, List<Scalar> scalars, DeviceMemory memory)
            throws DeviceException {
        DevicePlan plan = plan(prepared);
        // All of the plan's kernels at once: one compilation instead of many.
        device.library().require(plan.texts());
        Plan.Step own = prepared.plan().steps().get(step);
        List<Plan.KernelStep> kernels = switch (own) {
            case Plan.KernelStep kernel -> List.of(kernel);
            case Plan.CascadeStep cascade ->
                cascade.stages().stream().map(Plan.Stage::whole).toList();
            case Plan.RoutineStep _ -> List.of();
        };
        DeviceRoutine routine = plan.routine(step);
        if (routine != null) {
            return run(own, routine, scalars, memory);
        }
        List<DeviceStep> forms = Objects.requireNonNull(plan.step(step));
        int form = 0;
        for (Plan.KernelStep kernel : kernels) {
            if (kernel.kernel() != null) {
                run(kernel, forms.get(form++), scalars, memory);
            }
        }
        return true;
    }

    private boolean run(Plan.Step step, DeviceRoutine routine, List<Scalar> scalars, DeviceMemory memory)
            throws DeviceException {
        List<DeviceMemory.Use> uses = routine.uses();
        memory.bring(uses);
        try {
            long report = step instanceof Plan.RoutineStep known && known.wanted() != 0 ? memory.report(known) : 0;
            if (!routine.run(surroundings(memory), memory::address, scalars, report)) {
                return false;
            }
        } finally {
            memory.releaseScratch();
        }
        memory.written(uses);
        return true;
    }

    private DeviceStep.Surroundings surroundings(DeviceMemory memory) {
        return new DeviceStep.Surroundings() {
            @Override
            public void launch(KernelText text, Driver.Grid grid, byte[] argument) throws DeviceException {
                device.launch(text, grid, argument);
            }

            @Override
            public boolean multiply(Product product) throws DeviceException {
                return device.multiply(product);
            }

            @Override
            public boolean transform(Transform transform) throws DeviceException {
                return device.transform(transform);
            }

            @Override
            public long scratch(long bytes) throws DeviceException {
                return memory.scratch(bytes);
            }

            @Override
            public void zero(long address, long bytes) throws DeviceException {
                device.zero(address, bytes);
            }

            @Override
            public long word(long address) throws DeviceException {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment word = arena.allocate(Long.BYTES, Long.BYTES);
                    device.download(address, word.address(), Long.BYTES);
                    return word.get(ValueLayout.JAVA_LONG, 0);
                }
            }
        };
    }

    private void run(Plan.KernelStep step, DeviceStep form, List<Scalar> scalars, DeviceMemory memory)
            throws DeviceException {
        List<DeviceMemory.Use> uses = uses(step);
        memory.bring(uses);
        try {
            long report = step.diagnosis() == null ? 0 : memory.report(step);
            form.run(surroundings(memory), memory::address, Scalars.words(step.scalars(), scalars), report);
        } finally {
            memory.releaseScratch();
        }
        memory.written(uses);
    }

    /** How a kernel step uses its buffers. */
    static List<DeviceMemory.Use> uses(Plan.KernelStep step) {
        Map<Integer, DeviceMemory.Use> uses = new LinkedHashMap<>();
        for (Plan.Binding binding : step.bindings()) {
            if (binding.buffer() >= 0) {
                boolean whole = binding.stored() && !binding.loaded();
                long bytes = whole ? step.elements() * binding.storage().bytes() : 0;
                add(uses, new DeviceMemory.Use(binding.buffer(), binding.loaded(), binding.stored(), bytes));
            }
        }
        for (Plan.FoldBinding fold : step.folds()) {
            long bytes = step.keptElements() * fold.type().bytes();
            add(uses, new DeviceMemory.Use(fold.buffer(), false, true, bytes));
        }
        return List.copyOf(uses.values());
    }

    /** Views of one buffer that a kernel writes are disjoint. */
    private static void add(Map<Integer, DeviceMemory.Use> uses, DeviceMemory.Use use) {
        uses.merge(
                use.buffer(),
                use,
                (one, other) -> new DeviceMemory.Use(
                        one.buffer(),
                        one.read() || other.read(),
                        one.written() || other.written(),
                        one.bytes() + other.bytes()));
    }
}
